package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process; CutBoundingOfBoth in the first process, before init is split off.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// SetCapabilities is OpCaps: bounding set first, then the three sets, then the ambient one.
// Capset leaves nothing in the ambient set that is not in the new inheritable one, which is
// what is to be ambient (capabilities(7)).
func SetCapabilities(s *plan.Step) step.Fault {
	if !state.bounded {
		if f := cutBounding(s); f.Is() {
			return f
		}
	}
	permitted := uint64(s.C) | uint64(s.D)<<32
	ambient := uint64(s.E) | uint64(s.F)<<32
	if e := raw.SetCaps(permitted, permitted, ambient); e != 0 {
		if e == unix.EPERM && s.Flags&plan.FlagLenient != 0 && raw.NoMoreThan(permitted) {
			raw.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // EINVAL before 4.3: none there
			return step.Fault{}
		}
		return step.Main(e)
	}
	// In setuid mode nothing is taken on trust: what the kernel says now counts.
	if launch.Acting.FromKeeper != 0 && !raw.NoMoreThan(0) {
		return step.Main(unix.EPERM)
	}
	for c := uint(0); c <= raw.LastCap; c++ {
		if ambient>>c&1 == 0 {
			continue
		}
		e := raw.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0)
		if e == unix.EINVAL || e == unix.EPERM && s.Flags&plan.FlagLenient != 0 {
			continue // the kernel has no such capability, or no ambient set
		}
		if e != 0 {
			return step.Failed(e, plan.SubAmbient)
		}
	}
	return step.Fault{}
}

// cutBounding cuts the bounding set to what an OpCaps keeps. The kernel drops one capability
// a call, so where there is an init, it is done once, in front of the fork (Split):
// the payload never has more, and init gives up the rest (lockDown in package pid1).
func cutBounding(s *plan.Step) step.Fault {
	if s.Flags&plan.FlagBounding == 0 || launch.Acting.FromKeeper != 0 { // the keeper has cut all
		return step.Fault{}
	}
	return step.Failed(raw.CutBounding(uint64(s.A)|uint64(s.B)<<32), plan.SubBounding)
}

// CutBoundingOfBoth cuts the bounding set of this process and of the payload, which is forked from it.
func CutBoundingOfBoth(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpCaps {
			continue
		}
		if f := cutBounding(s); f.Is() {
			launch.Acting.Step = i
			launch.Acting.End(f)
		}
		state.bounded = true
	}
}
