package setting

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		k          Kind
		word, want string
	}{
		{Rlimit, "nofile=64", "nofile=64:64"},
		{Rlimit, "cpu=5:6", "cpu=5:6"},
		{Rlimit, "core=0:unlimited", "core=0:unlimited"},
		{Rlimit, "as=unlimited", "as=unlimited:unlimited"},
		{Rlimit, "as=18446744073709551614", "as=18446744073709551614:18446744073709551614"},
		{Rlimit, "stack=0:0", "stack=0:0"},
		{Rlimit, "as=18446744073709551615", ""}, // "unlimited" says that
		{Rlimit, "as=18446744073709551616", ""},
		{Rlimit, "as=99999999999999999999999", ""},
		{Rlimit, "nofile=2:1", ""},
		{Rlimit, "nofile=unlimited:1", ""},
		{Rlimit, "nofile", ""},
		{Rlimit, "nofile=", ""},
		{Rlimit, "nofile=:", ""},
		{Rlimit, "nofile=1:", ""},
		{Rlimit, "nofile=:1", ""},
		{Rlimit, "nofile=1:2:3", ""},
		{Rlimit, "nofile=-1", ""},
		{Rlimit, "nofile= 1", ""},
		{Rlimit, "nofile=1k", ""},
		{Rlimit, "nofile=Unlimited", ""},
		{Rlimit, "NOFILE=1", ""},
		{Rlimit, "rss=1", ""},
		{Rlimit, "locks=1", ""},
		{Rlimit, "=1", ""},
		{Rlimit, "", ""},
		{Rlimit, "files=1", ""},
		{Rlimit, "sigpending=1" + strings.Repeat("0", 30), ""},
		{Nice, "19", "19"},
		{Nice, "-20", "-20"},
		{Nice, "0", "0"},
		{Nice, "20", ""},
		{Nice, "-21", ""},
		{Nice, "-", ""},
		{Nice, "", ""},
		{Nice, "+1", ""},
		{Nice, "--1", ""},
		{Nice, "1x", ""},
		{Score, "1001", ""},
		{Score, "-1001", ""},
		{Score, "x", ""},
		{NumKinds, "1", ""},
	} {
		v, ok := Parse(c.k, []byte(c.word))
		if ok != (c.want != "") || ok && Text(c.k, v) != c.want {
			t.Errorf("%v %q: %v, %v; want %q", c.k, c.word, v, ok, c.want)
		}
		if !ok {
			continue
		}
		if again, fine := Parse(c.k, []byte(Text(c.k, v))); !fine || again != v {
			t.Errorf("%v %q: read again %v, %v", c.k, c.word, again, fine)
		}
	}
	if name, soft, hard := LimitOf("cpu=1:unlimited"); name != "cpu" || soft != 1 || hard != Unlimited || Limit(name, soft, hard) != "cpu=1:unlimited" {
		t.Error(name, soft, hard)
	}
	if n := len(strings.Split(Limits(), ", ")); n != 14 {
		t.Errorf("%d names of limits", n)
	}
}

// TestAnyNumbers: a plan may hold any numbers, which are listed, and refused by the kernel.
func TestAnyNumbers(t *testing.T) {
	for k := range Kind(255) {
		_ = k.String()
		v := Values{1 << 31, 2, 3, 4, 5}
		_ = Text(k, v)
		if e := v.Set(k); k != Nice && e == 0 {
			t.Errorf("%v: set", k)
		}
	}
}
