package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Gate is the policy: it judges a plan that plan.Verify found Good, and may be walked
// therefore, by what the keeper does for a stranger. halfMemory bounds a tmpfs, in
// bytes. It returns the row that refuses, and the step; plan.NoStep stands for the plan
// as a whole. It is the only judge; whoever executes a plan in setuid mode asks it.
func Gate(base unsafe.Pointer, halfMemory uint64) (Row, uint32) {
	h := (*plan.Header)(base)
	switch {
	case h.Size > MaxBytes:
		return RowBytes, plan.NoStep
	case h.Steps > MaxSteps:
		return RowSteps, plan.NoStep
	case h.Join != 0 || h.Flags&plan.FlagJoin != 0:
		return RowJoin, 0
	case h.Flags&plan.FlagForgive != 0:
		return RowForgive, plan.NoStep
	}
	pivoted := false
	for i := uint32(0); i < h.Setup; i++ {
		s := plan.StepAt(base, i)
		if s.Op == plan.OpPivot {
			pivoted = true
		}
		if r := setUpRow(base, s, pivoted, halfMemory); r != Permitted {
			return r, i
		}
	}
	return payload(base, h)
}

// setUpRow judges a step of set-up. What is not named is refused.
func setUpRow(base unsafe.Pointer, s *plan.Step, pivoted bool, halfMemory uint64) Row {
	h := (*plan.Header)(base)
	switch s.Op {
	case plan.OpSource, plan.OpSlave, plan.OpRoot, plan.OpPivot, plan.OpGo, // as the user; or without operands
		plan.OpDir, plan.OpFile, plan.OpSymlink, plan.OpChmod, plan.OpMask, plan.OpProtect, // as the user, below the new root
		plan.OpSetsid, plan.OpLabel, plan.OpNoUserns, plan.OpRemountRO: // nothing that the user could not do; or tightens
		return Permitted
	case plan.OpBind, plan.OpData:
		return unless(s.C&unix.MS_NOSUID != 0, RowSetuidBind)
	case plan.OpMount:
		return mountRow(h, s, halfMemory)
	case plan.OpProc:
		if s.A != 0 { // the host's, which is bound, and nothing else by this way
			src := plan.StepAt(base, s.A)
			path := unsafe.Add(base, uintptr(h.Arena)+uintptr(src.A))
			if src.Flags != 0 || src.A == 0 || !is(path, 6, "/proc\x00") {
				return RowProc
			}
			if s.Flags&plan.FlagOrBind == 0 {
				return Permitted
			}
		}
		return unless(h.Clone&unix.CLONE_NEWPID != 0, RowProc)
	case plan.OpLoopback:
		return unless(h.Clone&unix.CLONE_NEWNET != 0, RowLoopback)
	case plan.OpHostname:
		return unless(h.Clone&unix.CLONE_NEWUTS != 0, RowHostname)
	case plan.OpWaitFd:
		return unless(pivoted, RowBlock)
	case plan.OpSetns:
		return RowSetns
	case plan.OpIDMap:
		return RowIDMap
	case plan.OpUnshare, plan.OpLimitUserns:
		return RowNested
	case plan.OpOverlay:
		return RowOverlay
	case plan.OpScore:
		return RowScore
	}
	return RowUnknown
}

func unless(fine bool, r Row) Row {
	if fine {
		return Permitted
	}
	return r
}

// mountRow judges a new file system by its kind.
func mountRow(h *plan.Header, s *plan.Step, halfMemory uint64) Row {
	switch s.A {
	case plan.MountTmpfs:
		return unless(uint64(s.F)|uint64(s.G)<<32 <= halfMemory, RowSize)
	case plan.MountDevpts:
		return Permitted
	case plan.MountMqueue:
		return unless(h.Clone&unix.CLONE_NEWIPC != 0, RowMqueue)
	}
	return RowUnknown
}

// payload demands that the payload's process gives everything up before anything else:
// locks alone, which are init's, may stand in front of OpCaps.
func payload(base unsafe.Pointer, h *plan.Header) (Row, uint32) {
	given := false
	for i := h.Setup; i < h.Steps; i++ {
		s := plan.StepAt(base, i)
		switch s.Op {
		case plan.OpLock:
		case plan.OpCaps:
			if s.A|s.B|s.C|s.D|s.E|s.F != 0 {
				return RowCapAdd, i
			}
			if s.Flags != plan.FlagBounding {
				return RowCapsKept, i
			}
			given = true
		case plan.OpFence, plan.OpSocket, plan.OpChdir, plan.OpTell, plan.OpClose, plan.OpTimeout, plan.OpSet, plan.OpSeccomp, plan.OpExec:
			if !given {
				return RowCapsKept, i
			}
		case plan.OpCgroup:
			return RowCgroup, i
		default:
			return RowUnknown, i
		}
	}
	return Permitted, 0
}
