package idmap

import (
	"slices"
	"testing"
)

// TestCapNames: a name of Names is one that ParseCap takes, for the same capability.
func TestCapNames(t *testing.T) {
	if got := Caps(0).Names(); got != nil {
		t.Errorf("the empty set: %q", got)
	}
	if got := Caps(1<<13 | 1<<21 | 1<<60).Names(); !slices.Equal(got, []string{"CAP_NET_RAW", "CAP_SYS_ADMIN"}) {
		t.Errorf("%q", got)
	}
	var all Caps
	for _, name := range AllCaps.Names() {
		c, ok := ParseCap([]byte(name))
		if !ok || all&c != 0 {
			t.Errorf("%s: %x, %v", name, c, ok)
		}
		all |= c
	}
	if all != 1<<41-1 {
		t.Errorf("all of them: %x", all)
	}
}
