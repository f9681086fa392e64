package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher and the front end, without privilege.
//
// Nothing here protects anything: the user controls the process that runs it. It finds out before the
// launch what the broker has no request for, so that the message can name the option.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// CheckPlan reports whether setuid mode can carry out a plan that plan.Verify accepts. It returns Permitted,
// or the reason and the step; the step is plan.NoStep if the reason concerns the plan as a whole.
func CheckPlan(base unsafe.Pointer) (Reason, uint32) {
	h := (*plan.Header)(base)
	switch {
	case h.Join != 0 || h.Flags&plan.FlagJoin != 0:
		return ReasonJoin, 0
	case h.Flags&plan.FlagForgive != 0:
		return ReasonForgive, plan.NoStep
	}
	pivoted := false
	for i := uint32(0); i < h.Steps; i++ {
		s := plan.StepAt(base, i)
		pivoted = pivoted || s.Op == plan.OpPivot
		if r := checkStep(base, s, pivoted); r != Permitted {
			return r, i
		}
	}
	return Permitted, 0
}

// checkStep checks one step.
func checkStep(base unsafe.Pointer, s *plan.Step, pivoted bool) Reason {
	h := (*plan.Header)(base)
	switch s.Op {
	case plan.OpMount:
		return allowIf(s.A != plan.MountMqueue || h.Clone&unix.CLONE_NEWIPC != 0, ReasonMqueue)
	case plan.OpLabel:
		return allowIf(s.A != plan.LabelNew || s.B == 0, ReasonLabel)
	case plan.OpProc:
		return allowIf(s.A != 0 && s.Flags&plan.FlagOrBind == 0 || h.Clone&unix.CLONE_NEWPID != 0, ReasonProc)
	case plan.OpLoopback:
		return allowIf(h.Clone&unix.CLONE_NEWNET != 0, ReasonLoopback)
	case plan.OpHostname:
		return allowIf(h.Clone&unix.CLONE_NEWUTS != 0, ReasonHostname)
	case plan.OpWaitFd:
		return allowIf(pivoted, ReasonBlock)
	case plan.OpCgroup:
		return ReasonCgroup
	case plan.OpSetns:
		return ReasonSetns
	case plan.OpIDMap:
		return ReasonIDMap
	case plan.OpUnshare, plan.OpLimitUserns:
		return ReasonNested
	case plan.OpOverlay:
		return ReasonOverlay
	case plan.OpCaps:
		return allowIf(s.A|s.B|s.C|s.D|s.E|s.F == 0, ReasonCapAdd)
	// Package compile emits these behind OpSetns, OpIDMap or OpLimitUserns, for which a plan is refused
	// first. So this reason is for plans that another program has made.
	case plan.OpBecome, plan.OpGroups, plan.OpNest:
		return ReasonUnknown
	}
	return Permitted
}

// allowIf returns Permitted if ok, and r otherwise.
func allowIf(ok bool, r Reason) Reason {
	if ok {
		return Permitted
	}
	return r
}
