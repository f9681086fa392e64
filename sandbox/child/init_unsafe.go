package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// gate is a page that init and payload share until the payload's exec: what init says
// without a system call, which the filters that it has by then might refuse.
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
func splitInit(p program) {
	room.step = plan.NoStep
	r := raw(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if e := errno(r); e != 0 {
		fault(e, plan.SubPlan, 0)
	}
	g := (*gate)(mapped(r))
	boundBoth(p)
	parent := getpid()
	pid := fork(0, p)
	if e := errno(pid); e != 0 {
		fault(e, plan.SubClone, 0)
	}
	if pid == 0 {
		// From here on the parent to outlive is init; the feed becomes init's alone.
		room.expect = parent
		feed := room.childEnd
		room.childEnd = 0
		dieWithParent()
		pass(p, g)
		sayBegun(feed)
		closeFd(feed)
		return
	}
	runInit(p, pid, g)
}

// boundBoth cuts the bounding set of this process and of the payload, which is forked from it.
func boundBoth(p program) {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		if s.Op != plan.OpCaps {
			continue
		}
		if e := boundCaps(s); e != 0 {
			room.step = i
			fault(e, room.sub, 0)
		}
		room.bounded = 1
	}
}

// pass waits at the gate. Init is busy for some ten microseconds, and cannot wake us where
// a filter may refuse it the call. If it dies we die with it.
func pass(p program, g *gate) {
	var nap unix.Timespec
	nap.Nsec = 2e4
	woken := wakes(p)
	for load(&g.state) == gateShut {
		if woken {
			r := raw(unix.SYS_FUTEX, addr(unsafe.Pointer(&g.state)), futexWait, gateShut, 0, 0, 0)
			e := errno(r)
			woken = e == 0 || e == unix.EAGAIN || e == unix.EINTR
			continue
		}
		raw(unix.SYS_NANOSLEEP, addr(unsafe.Pointer(&nap)), 0, 0, 0, 0, 0)
	}
	if load(&g.state) == gateBroken {
		room.step = g.step
		fault(unix.Errno(g.errno), plan.SubMain, 0)
	}
}

// Operations of futex(2).
const (
	futexWait = 0
	futexWake = 1
)

// wakes reports whether init wakes the payload's process: no filter is in force, the caller's
// or one of the payload's.
func wakes(p program) bool {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		if plan.StepAt(p.base, i).Op == plan.OpSeccomp {
			return false
		}
	}
	return unfiltered()
}

// runInit is PID 1, or the plain parent of the payload where there is no pid
// namespace. It ends when it has no child left.
func runInit(p program, payload uintptr, g *gate) {
	closeInherited(p)
	seal(p)
	takeLocks(p)
	if p.has(plan.FlagDieWithParent) {
		dieWithParent() // again: set-up may have changed the user namespace
	} else {
		prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
	closeFd(room.sock)
	room.sock = 0
	filter(p, g)
	last := uint32(1) // until the payload's own is known
	for {
		r := wait(^uintptr(0))
		if e := errno(r); e == unix.ECHILD {
			exit(last)
		} else if e != 0 { // refused by the payload's own filter
			exit(1)
		}
		if r != payload {
			continue
		}
		last = exitCode(room.status)
		if sayEnd(room.status) {
			exit(last)
		}
	}
}

// filter installs the payload's filters in init too, so that nobody escapes them by
// taking it over, and opens the gate. If it cannot, the payload says so. The calls that
// init still makes are excepted: an allow-list for the payload need not have them.
func filter(p program, g *gate) {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		if s.Op != plan.OpSeccomp {
			continue
		}
		if e := filterInit(p.str(s.A), s.B); e != 0 {
			g.errno, g.step = uint32(e), i
			store(&g.state, gateBroken)
			return
		}
	}
	store(&g.state, gateOpen)
	if wakes(p) {
		raw(unix.SYS_FUTEX, addr(unsafe.Pointer(&g.state)), futexWake, 1, 0, 0, 0)
	}
}

// closeInherited leaves init with the feed, the sync fds and, for a moment, the socket.
// It comes before the locks: closing any descriptor of a file drops a POSIX lock on it.
func closeInherited(p program) {
	feed := nowhere
	if room.childEnd != 0 {
		feed = room.childEnd
	}
	closeAllBut(p, feed, room.sock, nowhere, true)
	closeFd(room.proc)
	room.proc = 0
}

// takeLocks takes the read locks that init holds as long as it lives. Their paths may
// be relative to the directory in which the command starts.
func takeLocks(p program) {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		if s := plan.StepAt(p.base, i); s.Op == plan.OpChdir && hasLocks(p) {
			chdir(p, s) // the payload will say what is wrong with it
		}
	}
	lockAll(p)
	raw(unix.SYS_CHDIR, addr(text("/\x00")), 0, 0, 0, 0, 0)
}

func hasLocks(p program) bool {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		if plan.StepAt(p.base, i).Op == plan.OpLock {
			return true
		}
	}
	return false
}

func lockAll(p program) {
	for i := p.h.Setup; i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		if s.Op != plan.OpLock {
			continue
		}
		room.step = i
		room.sub = plan.SubMain
		if e := lock(p.str(s.A)); e != 0 {
			fault(e, room.sub, 0)
		}
	}
}

// seal takes init's privileges and bars the payload from it: from its memory (the
// environment of the caller, what the options cleared included) and from the host's
// file behind /proc/1/exe (CVE-2019-5736).
//
// Init stays undumpable: its memory belongs to the user namespace outside, so that no
// capability inside gets past that. It would also bar the caller, though, who may want
// to enter the namespaces of the pid that --info-fd gave (nsenter, flatpak enter). Where
// the payload is in a user namespace and has no capability at all, init therefore keeps
// one permitted, though not effective, that no kernel honours there: ptrace_may_access
// lets nobody of the same namespace in who lacks it, and lets the namespace's owner,
// outside, pass (ptrace(2), "Ptrace access mode checking").
func seal(p program) {
	inUserns, bare, left := false, false, uint64(0)
	for i := p.h.Setup; i < p.h.Steps; i++ {
		if s := plan.StepAt(p.base, i); s.Op == plan.OpCaps {
			inUserns = s.Flags&plan.FlagBounding != 0 && room.kept == 0
			bare = s.A|s.B|s.C|s.D|s.E|s.F == 0
			left = uint64(s.A) | uint64(s.B)<<32
		}
	}
	if !inUserns {
		if e := setCaps(0, 0, 0); e != 0 {
			fault(e, plan.SubSeal, 0)
		}
		room.kept = 0
		return
	}
	bare = bare && room.guarded == 0 // no caller owns the keeper's namespaces
	keep := uint64(0)
	if bare {
		keep = 1 << unix.CAP_WAKE_ALARM
	}
	e := cutBounding(^left) // the others are gone: see boundBoth
	if e == 0 {
		e = setCaps(keep, 0, 0)
	}
	if e != 0 {
		fault(e, plan.SubSeal, 0)
	}
	if bare {
		prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
}
