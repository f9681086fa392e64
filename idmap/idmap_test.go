package idmap_test

import (
	"math/bits"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/syndtr/gocapability/capability"
)

// TestCapNames compares our names and numbers with gocapability's.
func TestCapNames(t *testing.T) {
	highest := -1
	for _, known := range capability.List() {
		highest = max(highest, int(known))
		for _, name := range []string{"CAP_" + strings.ToUpper(known.String()), "cap_" + known.String(), "Cap_" + strings.ToUpper(known.String()[:1]) + known.String()[1:]} {
			got, ok := idmap.ParseCap([]byte(name))
			if !ok || got != 1<<uint(known) {
				t.Errorf("%s is %#x, %v; want bit %d", name, got, ok, known)
			}
		}
		if _, ok := idmap.ParseCap([]byte(known.String())); ok {
			t.Errorf("%s is taken without its prefix", known)
		}
	}
	if highest < 40 {
		t.Errorf("gocapability knows capabilities up to %d only", highest)
	}
}

func TestParseCap(t *testing.T) {
	for _, c := range []struct {
		text string
		want idmap.Caps
	}{
		{"ALL", idmap.AllCaps},
		{"all", idmap.AllCaps},
		{"0", 1},
		{"12", 1 << 12},
		{"0x15", 1 << 21},
		{"0X15", 1 << 21},
		{"017", 1 << 15},
		{"63", 1 << 63},
		{"CAP_BPF", 1 << 39},
		{"CAP_CHECKPOINT_RESTORE", 1 << 40},
	} {
		if got, ok := idmap.ParseCap([]byte(c.text)); !ok || got != c.want {
			t.Errorf("%q is %#x, %v; want %#x", c.text, got, ok, c.want)
		}
	}
	for _, text := range []string{
		"", " ", "CAP_", "CAP", "cap_", "CAP_ALL", "ALLx", "64", "100", "255", "256", "-1", "+1", "1 ", " 1", "1_0", "0x", "0x40",
		"CAP_KILL ", "CAP_KILL,CAP_CHOWN", "CAP_KILL\n", "CAPKILL", "kill", "NET_RAW", "CAP_NET_RAW=ep", "18446744073709551616",
	} {
		if got, ok := idmap.ParseCap([]byte(text)); ok {
			t.Errorf("%q is taken, as %#x", text, got)
		}
	}
}

func TestHalves(t *testing.T) {
	for _, c := range []idmap.Caps{0, 1, 1 << 31, 1 << 32, 1 << 40, 1 << 63, idmap.AllCaps} {
		low, high := c.Halves()
		if uint64(low)|uint64(high)<<32 != uint64(c) {
			t.Errorf("%#x is split into %#x and %#x", c, low, high)
		}
	}
}

// TestSingle: ids are unsigned, also above 2³¹.
func TestSingle(t *testing.T) {
	for _, c := range []struct {
		inside, outside uint32
		want            string
	}{
		{0, 0, "0 0 1\n"},
		{0, 1000, "0 1000 1\n"},
		{1 << 31, 1<<31 - 1, "2147483648 2147483647 1\n"},
		{1<<32 - 2, 1<<32 - 1, "4294967294 4294967295 1\n"},
	} {
		if got := idmap.Single(c.inside, c.outside).Text(); got != c.want {
			t.Errorf("Single(%d, %d) is %q, want %q", c.inside, c.outside, got, c.want)
		}
	}
}

// FuzzParseCap: what is taken is one capability or all of them, and stands in the text
// as a name or a number.
func FuzzParseCap(f *testing.F) {
	for _, s := range []string{"CAP_NET_RAW", "ALL", "0x15", "12", "CAP_\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := idmap.ParseCap([]byte(text))
		if !ok || got == idmap.AllCaps && strings.EqualFold(text, "ALL") {
			return
		}
		if bits.OnesCount64(uint64(got)) != 1 {
			t.Fatalf("%q is %#x", text, got)
		}
		if n, err := strconv.ParseUint(text, 0, 64); err == nil && got != 1<<n {
			t.Fatalf("%q is %#x", text, got)
		} else if err != nil && !strings.EqualFold(text[:4], "cap_") {
			t.Fatalf("%q is taken", text)
		}
	})
}
