package setting

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// TestKinds: of every kind, operands that are valid and such that are not.
func TestKinds(t *testing.T) {
	var valid [numKinds]int
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
		{Score, "-1000", "no values"},
		{Score, "1001", ""},
		{Score, "-1001", ""},
		{Score, "x", ""},
		{CPUs, "0", "1"},
		{CPUs, "0-3,5", "2f"},
		{CPUs, "5,0-3,3,1-2", "2f"},
		{CPUs, "00,7-7", "81"},
		{CPUs, "64", "0 1"},
		{CPUs, "62-65", "c000000000000000 3"},
		{CPUs, "63", "8000000000000000"},
		{CPUs, "0-63", "ffffffffffffffff"},
		{CPUs, "1-191,0", strings.Repeat("ffffffffffffffff ", 2) + "ffffffffffffffff"},
		{CPUs, "100-200", "0 fffffff000000000 ffffffffffffffff 1ff"},
		{CPUs, "0-8191", strings.Repeat("ffffffffffffffff ", 127) + "ffffffffffffffff"},
		{CPUs, "8191", strings.Repeat("0 ", 127) + "8000000000000000"},
		{CPUs, "8192", ""},
		{CPUs, "0-8192", ""},
		{CPUs, "99999999999999999999", ""},
		{CPUs, "", ""},
		{CPUs, ",", ""},
		{CPUs, "0,", ""},
		{CPUs, ",0", ""},
		{CPUs, "0,,1", ""},
		{CPUs, "-", ""},
		{CPUs, "-1", ""},
		{CPUs, "1-", ""},
		{CPUs, "1-0", ""},
		{CPUs, "1-2-3", ""},
		{CPUs, "0 ", ""},
		{CPUs, "0x1", ""},
		{CPUs, "0-3:2", ""},
		{CPUs, "0\x00", ""},
		{numKinds, "1", ""},
	} {
		var v, again Values
		ok := Parse(c.k, []byte(c.word), &v)
		if ok != (c.want != "") || ok && shown(c.k, &v) != c.want {
			t.Errorf("%v %q: %v, %v; want %q", c.k, c.word, shown(c.k, &v), ok, c.want)
		}
		if ok {
			valid[c.k]++
		}
		if ok && c.k != CPUs && c.k != Score {
			if text := Listed(uint32(c.k), v.Words[:v.N]); text != c.k.Describe(c.want) {
				t.Errorf("%v %q: listed as %q", c.k, c.word, text)
			}
		}
		if ok && c.k != CPUs && c.k != Score && (!Parse(c.k, []byte(c.want), &again) || again != v) {
			t.Errorf("%v %q: read again %v", c.k, c.want, shown(c.k, &again))
		}
	}
	for k, n := range valid {
		if n == 0 {
			t.Errorf("no valid operand of kind %d", k)
		}
	}
	if name, soft, hard := LimitOf("cpu=1:unlimited"); name != "cpu" || soft != 1 || hard != Unlimited || Limit(name, soft, hard) != "cpu=1:unlimited" {
		t.Error(name, soft, hard)
	}
	if n := len(strings.Split(Limits(), ", ")); n != 14 {
		t.Errorf("%d names of limits", n)
	}
}

// TestListed: CPUs are listed as an operand that stands for them, the
// shortest one, and what cannot be named is not listed in another way.
func TestListed(t *testing.T) {
	for word, want := range map[string]string{
		"0":                     "0",
		"0-3,8":                 "0-3,8",
		"8,5,0-2,3":             "0-3,5,8",
		"0-63":                  "0-63",
		"63,64":                 "63-64",
		"63,65,127-128":         "63,65,127-128",
		"100-200":               "100-200",
		"0-8191":                "0-8191",
		"8191":                  "8191",
		"62-65,128,300,302-303": "62-65,128,300,302-303",
	} {
		var v, again Values
		if !Parse(CPUs, []byte(word), &v) || Listed(uint32(CPUs), v.Words[:v.N]) != "CPUs "+want {
			t.Errorf("%s: %q", word, Listed(uint32(CPUs), v.Words[:v.N]))
		}
		if !Parse(CPUs, []byte(want), &again) || again != v {
			t.Errorf("%s: read again %v", want, again.Words[:again.N])
		}
	}
	for k, values := range map[Kind][]uint64{Rlimit: {0, 1}, Nice: {1, 2}, CPUs: {0, 0}, numKinds: {1}} {
		for _, v := range [][]uint64{values, nil} {
			if text := Listed(uint32(k), v); text != "" {
				t.Errorf("%v of kind %d: %q", v, k, text)
			}
		}
	}
	if text := Listed(1<<31, []uint64{1}); text != "" {
		t.Errorf("%q", text)
	}
}

// shown returns values as an operand that stands for them.
func shown(k Kind, v *Values) string {
	switch k {
	case Rlimit:
		return Limit(resource(uint32(v.Words[0])), v.Words[1], v.Words[2])
	case Nice:
		return strconv.Itoa(int(v.Words[0]))
	case Score:
		return "no values"
	case CPUs:
		return strings.Trim(fmt.Sprintf("%x", v.Words[:v.N]), "[]")
	}
	return ""
}

// TestAnyNumbers: a plan may hold a kind that there is not, and any number of words. Set sets nothing then.
func TestAnyNumbers(t *testing.T) {
	words := [plan.MaxValues]uint64{1 << 31, 2, 3, 4, 5}
	for k := range Kind(255) {
		for _, n := range []uint32{0, 1, 2, 3, plan.MaxValues} {
			if k != Rlimit && k < numKinds && n > 0 {
				continue // what the kernel permits
			}
			if e := Set(k, unsafe.Pointer(&words), n); e == 0 {
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

// TestSetCPUs: a thread runs on the CPUs that it asks for, and one of them that is not there is an error.
func TestSetCPUs(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	mine := affinity(t)
	word := slices.IndexFunc(mine[:], func(w uint64) bool { return w != 0 })
	cpu := 64*word + bits.TrailingZeros64(mine[word])
	var v Values
	if !Parse(CPUs, []byte(strconv.Itoa(cpu)), &v) {
		t.Fatal(cpu)
	}
	if e := Set(CPUs, unsafe.Pointer(&v.Words), v.N); e != 0 {
		t.Fatal(e)
	}
	if now := affinity(t); now != v.Words {
		t.Errorf("%x, want CPU %d alone", now, cpu)
	}
	for _, list := range []string{"8191", strconv.Itoa(cpu) + ",8191"} {
		v = Values{}
		if !Parse(CPUs, []byte(list), &v) || Set(CPUs, unsafe.Pointer(&v.Words), v.N) != unix.EINVAL {
			t.Errorf("CPUs %s", list)
		}
	}
	if Set(CPUs, unsafe.Pointer(&v.Words), 0) == 0 {
		t.Error("no CPU at all")
	}
}

// affinity is the mask of this thread, with room for as many
// CPUs as Linux can have. That of package unix has less.
func affinity(t *testing.T) (mask [plan.MaxValues]uint64) {
	t.Helper()
	if _, _, e := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))); e != 0 {
		t.Fatal(e)
	}
	return mask
}
