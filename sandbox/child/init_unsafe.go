package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// gate is the start barrier, a page that init and payload share until the payload's exec. Init
// writes to it without a system call, which its filters might refuse by then.
type gate struct {
	state uint32 // gateShut, gateOpen, gateBroken
	errno uint32 // why the filter of a gateBroken could not be installed
	step  uint32
}

const (
	gateShut = iota
	gateOpen
	gateBroken
)

// splitInit forks the payload off and turns this process into the reaper. The payload
// waits until init has nothing left that it could take: no descriptor but the feed, the
// locks and the sync fds, and is out of the payload's reach.
func splitInit(p plan.View) {
	acting.Step = plan.NoStep
	// Shared memory survives the fork as one page that both see (mmap(2),
	// MAP_SHARED|MAP_ANONYMOUS).
	r := raw.Call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if e := raw.Errno(r); e != 0 {
		acting.End(step.Failed(e, plan.SubPlan))
	}
	g := (*gate)(raw.Mapped(r))
	boundBoth(p)
	scopeBoth(p)
	mine := raw.Getpid()
	pid := fork(0, p)
	if e := raw.Errno(pid); e != 0 {
		acting.End(step.Failed(e, plan.SubClone))
	}
	if pid == 0 {
		// From here on the parent to outlive is init; the feed becomes init's alone.
		acting.Parent = mine
		end := feed.child
		feed.child = 0
		forgetHeld()
		dieWithParent()
		pass(p, g)
		sayBegun(end)
		raw.Close(end)
		return
	}
	runInit(p, pid, g)
}

// boundBoth cuts the bounding set of this process and of the payload, which is forked from it.
func boundBoth(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpCaps {
			continue
		}
		if f := boundCaps(s); f.Is() {
			acting.Step = i
			acting.End(f)
		}
		payload.bounded = true
	}
}

// scopeBoth restricts this process and the payload to one Landlock domain: within it the
// payload may signal init, and look at it as far as seal permits, as if there were none.
func scopeBoth(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpFence {
			continue
		}
		acting.Step = i
		if e := scopeSelf(p, s); e != 0 {
			acting.End(step.Main(e))
		}
		acting.Step = plan.NoStep
	}
}

// pass waits at the start barrier. Init is busy for some ten microseconds, and cannot wake us
// where a filter may refuse it the call. If it dies we die with it.
func pass(p plan.View, g *gate) {
	woken := wakes(p)
	for raw.Load(&g.state) == gateShut {
		if woken {
			r := raw.Call(unix.SYS_FUTEX, raw.Addr(unsafe.Pointer(&g.state)), futexWait, gateShut, 0, 0, 0)
			e := raw.Errno(r)
			woken = e == 0 || e == unix.EAGAIN || e == unix.EINTR
			continue
		}
		raw.Nap(2e4)
	}
	if raw.Load(&g.state) == gateBroken {
		acting.Step = g.step
		acting.End(step.Failed(unix.Errno(g.errno), plan.SubMain))
	}
}

// Operations of futex(2).
const (
	futexWait = 0
	futexWake = 1
)

// wakes reports whether init wakes the payload's process: no filter is in force, the caller's
// or one of the payload's.
func wakes(p plan.View) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if p.Step(i).Op == plan.OpSeccomp {
			return false
		}
	}
	return acting.Clear != 0
}

// runInit is PID 1, or the plain parent of the payload where there is no pid
// namespace. It ends when it has no child left.
func runInit(p plan.View, child uintptr, g *gate) {
	closeInherited(p)
	seal(p)
	takeLocks(p)
	if p.Has(plan.FlagDieWithParent) {
		dieWithParent() // again: set-up may have changed the user namespace
	} else {
		raw.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
	raw.Close(acting.Sock)
	acting.Sock = 0
	filter(p, g)
	waitForAll(p, child)
}

// waitForAll is what init does from there on.
func waitForAll(p plan.View, child uintptr) {
	last := uint32(1) // until the payload's own is known
	for {
		r, status := reap(p, child)
		if e := raw.Errno(r); e == unix.ECHILD {
			raw.Exit(last)
		} else if e != 0 { // refused by the payload's own filter
			raw.Exit(1)
		}
		// An orphan that was handed to us: reaped, and of no interest.
		if r != child {
			continue
		}
		last = exitCode(status)
		if sayEnd(p, status) {
			raw.Exit(last)
		}
	}
}

// filter installs the payload's filters in init too, so that nobody escapes them by taking it
// over, and opens the start barrier. If it cannot, the payload says so. The calls that init
// still makes are excepted: an allow-list for the payload need not have them.
func filter(p plan.View, g *gate) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpSeccomp {
			continue
		}
		if e := filterInit(p.Str(s.A), s.B); e != 0 {
			g.errno, g.step = uint32(e), i
			raw.Store(&g.state, gateBroken)
			return
		}
	}
	raw.Store(&g.state, gateOpen)
	if wakes(p) {
		raw.Call(unix.SYS_FUTEX, raw.Addr(unsafe.Pointer(&g.state)), futexWake, 1, 0, 0, 0)
	}
}

// closeInherited leaves init with the feed, the sync fds and, for a moment, the socket.
// It comes before the locks: closing any descriptor of a file drops a POSIX lock on it.
func closeInherited(p plan.View) {
	end := nowhere
	if feed.child != 0 {
		end = feed.child
	}
	closeAllBut(p, end, acting.Sock, nowhere, true)
	acting.CloseProc()
}

// takeLocks takes the read locks that init holds as long as it lives. Their paths may
// be relative to the directory in which the command starts.
func takeLocks(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpChdir && hasLocks(p) {
			chdir(p, s) // the payload will say what is wrong with it
		}
	}
	lockAll(p)
	raw.Call(unix.SYS_CHDIR, raw.Addr(raw.Text("/\x00")), 0, 0, 0, 0, 0)
}

func hasLocks(p plan.View) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if p.Step(i).Op == plan.OpLock {
			return true
		}
	}
	return false
}

func lockAll(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpLock {
			continue
		}
		acting.Step = i
		if f := lock(p.Str(s.A)); f.Is() {
			acting.End(f)
		}
	}
}

// seal drops init's privileges and protects it from the payload: from its memory (the
// environment of the caller, what the options cleared included) and from the host's file
// behind /proc/1/exe (CVE-2019-5736).
//
// Init stays undumpable: its memory belongs to the user namespace outside, so that no
// capability inside gets past that. It would also bar the caller, though, who may want
// to enter the namespaces of the pid that --info-fd gave (nsenter, flatpak enter). Where
// the payload is in a user namespace and has no capability at all, init therefore keeps
// one permitted, though not effective, that no kernel honours there: ptrace_may_access
// lets nobody of the same namespace in who lacks it, and lets the namespace's owner,
// outside, pass (ptrace(2), "Ptrace access mode checking").
func seal(p plan.View) {
	inUserns, bare, left := false, false, uint64(0)
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpCaps {
			inUserns = s.Flags&plan.FlagBounding != 0 && acting.Guarded == 0
			bare = s.A|s.B|s.C|s.D|s.E|s.F == 0
			left = uint64(s.A) | uint64(s.B)<<32
		}
	}
	if !inUserns {
		if e := raw.SetCaps(0, 0, 0); e != 0 {
			acting.End(step.Failed(e, plan.SubSeal))
		}
		return
	}
	keep := uint64(0)
	if bare {
		keep = 1 << unix.CAP_WAKE_ALARM
	}
	e := raw.CutBounding(^left) // the others are gone: see boundBoth
	if e == 0 {
		e = raw.SetCaps(keep, 0, 0)
	}
	if e != 0 {
		acting.End(step.Failed(e, plan.SubSeal))
	}
	if bare {
		raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
}
