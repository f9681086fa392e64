package pid1

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: init.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/payload"
	"golang.org/x/sys/unix"
)

// run is PID 1, or the plain parent of the payload where there is no pid
// namespace. It ends when it has no child left.
func run(p plan.View, child uintptr, g *startBarrier) {
	closeInherited(p)
	lockDown(p)
	takeLocks(p)
	if p.Has(plan.FlagDieWithParent) {
		launch.DieWithParent() // again: set-up may have changed the user namespace
	} else {
		raw.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
	raw.Close(launch.Acting.Sock)
	launch.Acting.Sock = 0
	filterAndRelease(p, g)
	reapAll(p, child)
}

// reapAll is what init does from there on.
func reapAll(p plan.View, child uintptr) {
	last := uint32(1) // until the payload's own is known
	for {
		r, status := waitForChild(p, child)
		if e := raw.Errno(r); e == unix.ECHILD {
			raw.Exit(last)
		} else if e != 0 { // refused by the payload's own filter
			raw.Exit(1)
		}
		// An orphan that was handed to us: reaped, and of no interest.
		if r != child {
			continue
		}
		last = launch.ExitCode(status)
		if sendEnd(p, status) {
			raw.Exit(last)
		}
	}
}

// waitForChild waits for init's next child to end. It tells the monitor when the payload, child, stops or
// goes on, where that has to know.
func waitForChild(p plan.View, child uintptr) (ended uintptr, status uint32) {
	stops := p.Has(plan.FlagForeground) || launch.StopsTogether(p)
	for {
		r, status := raw.WaitFor(^uintptr(0), stops, &used)
		word := uint32(launch.WordContinued)
		if raw.Errno(r) == 0 && status&0xff == raw.Stopped {
			word = launch.WordStopped | status>>8&0xff
		} else if raw.Errno(r) != 0 || status != raw.Continued {
			return r, status
		}
		if r == child && launch.Feed.Child != 0 {
			raw.WriteWord(launch.Feed.Child, word)
		}
	}
}

// filterAndRelease installs the payload's filters in init too, so that nobody escapes them by taking it
// over, and opens the start barrier. If it cannot, the payload says so. The calls that init
// still makes are excepted: an allow-list for the payload need not have them.
func filterAndRelease(p plan.View, g *startBarrier) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpSeccomp {
			continue
		}
		if e := filterInit(p.Str(s.A), s.B); e != 0 {
			g.errno, g.step = uint32(e), i
			raw.Store(&g.state, barrierBroken)
			return
		}
	}
	raw.Store(&g.state, barrierOpen)
	if usesFutex(p) {
		raw.Call(unix.SYS_FUTEX, raw.Addr(unsafe.Pointer(&g.state)), futexWake, 1, 0, 0, 0)
	}
}

// closeInherited leaves init with the feed, the sync fds and, for a moment, the socket.
// It comes before the locks: closing any descriptor of a file drops a POSIX lock on it.
func closeInherited(p plan.View) {
	keep := [...]uintptr{launch.OrNowhere(launch.Feed.Child), launch.Acting.Sock}
	launch.CloseAllBut(p, true, keep[:], nil, 0)
	launch.Acting.CloseProc()
}

// takeLocks takes the read locks that init holds as long as it lives. Their paths may
// be relative to the directory in which the payload starts.
func takeLocks(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpChdir && hasLocks(p) {
			payload.ChangeDir(p, s) // the payload will say what is wrong with it
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
		launch.Acting.Step = i
		if f := lockFile(p.Str(s.A)); f.Is() {
			launch.Acting.End(f)
		}
	}
}

// lockFile takes a read lock on a file in the sandbox. Its descriptor stays open.
func lockFile(path unsafe.Pointer) step.Fault {
	fd := raw.Openat(raw.AtCwd, path, unix.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hold us up
	if e := raw.Errno(fd); e != 0 {
		return step.Failed(e, plan.SubSource)
	}
	var l unix.Flock_t
	// A whole file, as bwrap locks it: fcntl(2) takes a length of 0 for up to the end.
	l.Type = unix.F_RDLCK
	l.Whence = unix.SEEK_SET
	return step.Main(raw.Errno(raw.Fcntl(fd, unix.F_SETLK, raw.Addr(unsafe.Pointer(&l)))))
}

// lockDown drops init's privileges and protects it from the payload: from its memory (the
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
func lockDown(p plan.View) {
	inUserns, bare, left := false, false, uint64(0)
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpCaps {
			inUserns = s.Flags&plan.FlagBounding != 0 && launch.Acting.FromKeeper == 0
			bare = s.A|s.B|s.C|s.D|s.E|s.F == 0
			left = uint64(s.A) | uint64(s.B)<<32
		}
	}
	if !inUserns {
		if e := raw.SetCaps(0, 0, 0); e != 0 {
			launch.Acting.End(step.Failed(e, plan.SubSeal))
		}
		return
	}
	keep := uint64(0)
	if bare {
		keep = 1 << unix.CAP_WAKE_ALARM
	}
	e := raw.CutBounding(^left) // the others are gone: see CutBoundingOfBoth
	if e == 0 {
		e = raw.SetCaps(keep, 0, 0)
	}
	if e != 0 {
		launch.Acting.End(step.Failed(e, plan.SubSeal))
	}
	if bare {
		raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
}

// sendEnd tells the monitor the payload's wait status, and whether init ends too. It reports
// the latter.
func sendEnd(p plan.View, status uint32) bool {
	last := !reapOthers()
	if launch.Feed.Child == 0 {
		return last
	}
	word := launch.WordEnded | status&0xffff
	if last {
		word |= launch.WordInitEnds
	}
	raw.WriteWord(launch.Feed.Child, word)
	if p.Has(plan.FlagUsage) {
		raw.WriteFull(launch.Feed.Child, unsafe.Pointer(&used), unsafe.Sizeof(used))
	}
	if !last {
		raw.Close(launch.Feed.Child)
	}
	launch.Feed.Child = 0
	return last
}

// reapOthers reaps the children that have ended and reports whether there are others. An
// error other than ECHILD comes from the payload's own filter; init ends then.
func reapOthers() bool {
	for {
		r := raw.Call(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
		if e := raw.Errno(r); e == unix.EINTR || e == 0 && r != 0 {
			continue
		} else {
			return e == 0
		}
	}
}
