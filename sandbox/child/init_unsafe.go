package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// splitInit forks the payload off and turns this process into the reaper. The payload
// waits until init has nothing left that it could take: no descriptor but the pipe to
// the monitor, the locks and the sync fds, and is out of the payload's reach.
func splitInit(p program) {
	// Not dumpable before there is anybody who could look: the payload's exec makes
	// the payload, not us, dumpable again.
	room.step = plan.NoStep
	if e := prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != 0 {
		fault(e, plan.SubSeal, 0)
	}
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, maskOf(unix.SIGUSR1), addr(unsafe.Pointer(&room.how)), 8, 0, 0)
	parent := getpid()
	pid := fork(0, p)
	if e := errno(pid); e != 0 {
		fault(e, plan.SubClone, 0)
	}
	if pid == 0 {
		// From here on the parent to outlive is init; the pipe is init's alone.
		room.expect = parent
		closeFd(room.pipe)
		room.pipe = 0
		dieWithParent()
		awaitRelease(parent)
		return
	}
	runInit(p, pid)
}

// maskOf stores a one-signal mask in the room and returns its address.
func maskOf(sig unix.Signal) uintptr {
	mask := (*uint64)(unsafe.Pointer(&room.message))
	*mask = 1 << (uint(sig) - 1)
	return addr(unsafe.Pointer(mask))
}

// awaitRelease waits for init's signal and restores the caller's mask. A signal from
// anybody else is not it.
func awaitRelease(init uintptr) {
	mask := maskOf(unix.SIGUSR1)
	info := unsafe.Pointer(&room.small) // siginfo: 128 bytes, si_pid at 16
	for {
		r := raw(unix.SYS_RT_SIGTIMEDWAIT, mask, addr(info), 0, 8, 0, 0)
		if errno(r) == unix.EINTR {
			continue
		}
		if errno(r) != 0 || uintptr(*(*uint32)(unsafe.Add(info, 16))) == init {
			break
		}
	}
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, addr(unsafe.Pointer(&room.how)), 0, 8, 0, 0)
}

// closeInherited leaves init with the pipe, the sync fds and, for a moment, the socket.
// It comes before the locks: closing any descriptor of a file drops a POSIX lock on it.
func closeInherited(p program) {
	pipe := nowhere
	if room.pipe != 0 {
		pipe = room.pipe
	}
	closeAllBut(p, pipe, room.sock, true)
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

// runInit is PID 1, or the plain parent of the payload where there is no pid
// namespace. It ends when it has no child left.
func runInit(p program, payload uintptr) {
	if !p.has(plan.FlagDieWithParent) {
		prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
	closeInherited(p)
	seal(p)
	takeLocks(p)
	closeFd(room.sock)
	room.sock = 0
	kill(payload, uintptr(unix.SIGUSR1))
	for i := p.h.Setup; i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		if s.Op == plan.OpSeccomp && seccomp(p, s) != 0 {
			exit(1)
		}
	}
	last := uint32(0)
	for {
		r := wait(^uintptr(0))
		if e := errno(r); e != 0 {
			exit(last)
		}
		if r != payload {
			continue
		}
		last = exitCode(room.status)
		if room.pipe != 0 {
			room.message[0] = room.status
			writeFull(room.pipe, unsafe.Pointer(&room.message), 4)
			closeFd(room.pipe)
			room.pipe = 0
		}
	}
}

// seal takes init's privileges and bars the payload from it. Outside of a user
// namespace init stays undumpable. In one that would also bar the caller, who may want
// to enter the namespaces of the pid that --info-fd gave (nsenter, flatpak enter);
// there init keeps one capability permitted, though not effective, that no kernel
// honours in a user namespace: ptrace_may_access (ptrace(2)) lets nobody of the same
// namespace in who lacks it, and lets the namespace's owner, outside, pass.
func seal(p program) {
	inUserns := false
	for i := p.h.Setup; i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		if s.Op == plan.OpCaps && s.Flags&plan.FlagBounding != 0 {
			inUserns = true
		}
	}
	prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if !inUserns {
		if e := setCaps(0, 0, 0); e != 0 {
			fault(e, plan.SubSeal, 0)
		}
		return
	}
	e := cutBounding(0)
	if e == 0 {
		e = setCaps(1<<unix.CAP_WAKE_ALARM, 0, 0)
	}
	if e != 0 {
		fault(e, plan.SubSeal, 0)
	}
	prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
}
