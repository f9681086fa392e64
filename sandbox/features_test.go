package sandbox

import (
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/internal/kernel"
)

// TestFeatures: what is known of this launcher and this kernel without starting anything.
func TestFeatures(t *testing.T) {
	f := Features()
	engine := map[bool]string{true: "new", false: "classic"}[kernel.NewMounts.Has()]
	if !slices.Equal(f.Modes, []string{"direct"}) || f.MountEngine != engine || f.Seccomp != kernel.Seccomp.Has() || f.LandlockABI != kernel.Landlock.Probe().Version || (len(f.Scopes) > 0) != (f.LandlockABI >= 6) {
		t.Errorf("%+v", f)
	}
}
