package setting

import (
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
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
		{numKinds, "1", ""},
	} {
		var v, again Values
		ok := Parse(c.k, []byte(c.word), &v)
		if ok != (c.want != "") || ok && shown(c.k, &v) != c.want {
			t.Errorf("%v %q: %v, %v; want %q", c.k, c.word, shown(c.k, &v), ok, c.want)
		}
		if ok && (!Parse(c.k, []byte(c.want), &again) || again != v) {
			t.Errorf("%v %q: read again %v", c.k, c.want, shown(c.k, &again))
		}
	}
	if name, soft, hard := LimitOf("cpu=1:unlimited"); name != "cpu" || soft != 1 || hard != Unlimited || Limit(name, soft, hard) != "cpu=1:unlimited" {
		t.Error(name, soft, hard)
	}
	if n := len(strings.Split(Limits(), ", ")); n != 14 {
		t.Errorf("%d names of limits", n)
	}
}

// shown returns values as an operand that stands for them.
func shown(k Kind, v *Values) string {
	switch k {
	case Rlimit:
		return Limit(resource(uint32(v.Words[0])), v.Words[1], v.Words[2])
	case Nice:
		return strconv.Itoa(int(v.Words[0]))
	}
	return ""
}

// TestAnyNumbers: a plan may hold any numbers, which the kernel refuses.
func TestAnyNumbers(t *testing.T) {
	words := [plan.MaxValues]uint64{1 << 31, 2, 3, 4, 5}
	for k := range Kind(255) {
		for _, n := range []uint32{0, 1, 2, 3, plan.MaxValues} {
			if e := Set(k, unsafe.Pointer(&words), n); k != Nice && e == 0 {
				t.Errorf("%v: set, of %d words", k, n)
			}
		}
	}
}

// TestSame: of several limits with one name, the last one counts.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		k    Kind
		a, b string
		want bool
	}{{Rlimit, "as=1", "as=2:3", true}, {Rlimit, "as=1", "cpu=1", false}, {Nice, "1", "2", true}} {
		if Same(c.k, []byte(c.a), []byte(c.b)) != c.want {
			t.Errorf("%+v", c)
		}
	}
}
