package launch

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor, and the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// PlanHeader is what the monitor says to the first process, with the socket on which that says its
// faults. The plan follows.
type PlanHeader struct {
	Size, How uint32
}

// What a PlanHeader says of the monitor (How).
const (
	InPlanMode  = 1 << iota // this is plan mode
	NoFrontEnd              // there is no front end
	UnderFilter             // a seccomp filter is in force
)

// ReadPlan reads a plan of n bytes from a socket into memory of this process and has it
// verified. EPIPE stands for a plan that stops short.
func ReadPlan(sock uintptr, n uint32) (plan.View, unix.Errno, plan.Verdict) {
	base := unsafe.Pointer(&smallPlan)
	if uintptr(n) > unsafe.Sizeof(smallPlan) {
		r := raw.Call(unix.SYS_MMAP, 0, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
		if e := raw.Errno(r); e != 0 {
			return plan.View{}, e, 0
		}
		base = raw.Mapped(r)
	}
	if raw.ReadFull(sock, base, uintptr(n)) != uintptr(n) {
		return plan.View{}, unix.EPIPE, 0
	}
	return plan.ViewAt(base), 0, plan.Verify(base, n)
}

// JoinsPIDNamespace reports whether a plan enters a given PID namespace (--pidns).
func JoinsPIDNamespace(p plan.View) bool {
	for i := uint32(0); i < p.Join; i++ {
		if s := p.Step(i); s.Op == plan.OpSetns && s.B == unix.CLONE_NEWPID {
			return true
		}
	}
	return false
}

// StopsTogether reports whether the monitor stops and continues with the payload, of which init
// then tells it. In plan mode the embedding program decides about the monitor, and no shell waits
// for it.
func StopsTogether(p plan.View) bool {
	return !Facts.Embedded && !p.Has(plan.FlagForeground) && scopesSignals(p)
}

// ScopeStep is where the OpFence of a plan is, plan.NoStep if there is none.
func ScopeStep(p plan.View) uint32 {
	for i := p.Setup; i < p.Steps; i++ {
		if p.Step(i).Op == plan.OpFence {
			return i
		}
	}
	return plan.NoStep
}

// Scopes are the scopes of a plan, as A and B of its OpFence.
func Scopes(p plan.View) uint32 {
	at := ScopeStep(p)
	if at == plan.NoStep {
		return 0
	}
	return p.Step(at).A | p.Step(at).B
}

// scopesSignals reports whether a plan lets the payload signal processes inside only.
func scopesSignals(p plan.View) bool { return Scopes(p)&plan.ScopeSignals != 0 }

// Flags in the front end's message, above the size of its plan.
const (
	// ForKeeper marks a plan for the keeper.
	ForKeeper = 1 << 30
	// Leaving: there is no plan. The front end ends, and the lowest eight bits are its status.
	// Its exit status is not used, because it may be the Go runtime's crash status.
	Leaving = 1 << 29
)

// KilledStatus is the exit status with which a front end asks the monitor to say which signal has
// ended the launch: one that differs from failed, the status for failures.
func KilledStatus(failed uint32) uint32 {
	if failed == 2 {
		return 3
	}
	return 2
}
