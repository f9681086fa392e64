package sandbox

import (
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
)

// FeatureSet is what this launcher and this kernel can do, as far as it can be seen without
// starting anything: whether a launch is permitted is not part of it.
type FeatureSet struct {
	Modes       []string // "direct", and "setuid" for an installation that has the mode
	MountEngine string   // "new": open_tree and the like (5.12); "classic": mount(2)
	Seccomp     bool     // filters (CONFIG_SECCOMP_FILTER)
	LandlockABI int      // version of Landlock's interface, 0: none (landlock(7), 5.13)
	Scopes      []string // what --scope can have: "signals", "abstract-sockets" (ABI 6, 6.12), "sockets" (ABI 9, 7.1)
}

// Features asks the kernel, and nothing else.
func Features() FeatureSet {
	f := FeatureSet{
		Modes: []string{"direct"}, MountEngine: "classic", Seccomp: kernel.Seccomp.Has(), LandlockABI: kernel.Landlock.Probe().Version, Scopes: kernel.Scopes(),
	}
	if child.Standing() == suid.Installed {
		f.Modes = append(f.Modes, "setuid")
	}
	if kernel.NewMounts.Has() {
		f.MountEngine = "new"
	}
	return f
}
