package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher and the front end, without privilege.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Possible looks whether setuid mode can do what a plan says, which plan.Verify has found
// Good, so that a launch that it cannot make ends before anything is done, with a sentence.
// Nothing depends on the answer: the broker has no request for what is refused here, or refuses
// it itself. halfMemory bounds a tmpfs, in bytes. It returns the row that refuses, and the step;
// plan.NoStep stands for the plan as a whole.
func Possible(base unsafe.Pointer, halfMemory uint64) (Row, uint32) {
	h := (*plan.Header)(base)
	switch {
	case h.Join != 0 || h.Flags&plan.FlagJoin != 0:
		return RowJoin, 0
	case h.Flags&plan.FlagForgive != 0:
		return RowForgive, plan.NoStep
	}
	pivoted := false
	for i := uint32(0); i < h.Steps; i++ {
		s := plan.StepAt(base, i)
		pivoted = pivoted || s.Op == plan.OpPivot
		if r := possible(base, s, pivoted, halfMemory); r != Permitted {
			return r, i
		}
	}
	return Permitted, 0
}

// possible judges a step.
func possible(base unsafe.Pointer, s *plan.Step, pivoted bool, halfMemory uint64) Row {
	h := (*plan.Header)(base)
	switch s.Op {
	case plan.OpMount:
		return unless(s.A != plan.MountTmpfs || uint64(s.F)|uint64(s.G)<<32 <= halfMemory, RowSize).
			or(unless(s.A != plan.MountMqueue || h.Clone&unix.CLONE_NEWIPC != 0, RowMqueue))
	case plan.OpLabel:
		return unless(s.A != plan.LabelNew || s.B == 0, RowLabel)
	case plan.OpProc:
		return unless(s.A != 0 && s.Flags&plan.FlagOrBind == 0 || h.Clone&unix.CLONE_NEWPID != 0, RowProc)
	case plan.OpLoopback:
		return unless(h.Clone&unix.CLONE_NEWNET != 0, RowLoopback)
	case plan.OpHostname:
		return unless(h.Clone&unix.CLONE_NEWUTS != 0, RowHostname)
	case plan.OpWaitFd:
		return unless(pivoted, RowBlock)
	case plan.OpCgroup:
		return RowCgroup
	case plan.OpSetns:
		return RowSetns
	case plan.OpIDMap:
		return RowIDMap
	case plan.OpUnshare, plan.OpLimitUserns:
		return RowNested
	case plan.OpOverlay:
		return RowOverlay
	case plan.OpCaps:
		return unless(s.A|s.B|s.C|s.D|s.E|s.F == 0, RowCapAdd)
	case plan.OpBecome, plan.OpGroups, plan.OpNest:
		return RowUnknown
	}
	return Permitted
}

func unless(fine bool, r Row) Row {
	if fine {
		return Permitted
	}
	return r
}

func (r Row) or(other Row) Row {
	if r != Permitted {
		return r
	}
	return other
}
