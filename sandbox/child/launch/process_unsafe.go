package launch

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: every process of a launch.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Fork clones this process, into the namespaces that flags names. A limit on the
// user's processes (RLIMIT_NPROC) may count the front end's threads: it is asked to
// go, once, and the clone is tried again while it does.
func Fork(flags uintptr, p plan.View) uintptr {
	pid := raw.Call(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if raw.Errno(pid) != unix.EAGAIN || p.Has(plan.FlagHandshake) || Facts.Embedded || Facts.NoFrontEnd {
		return pid
	}
	Acting.Say(plan.MsgLeave, step.Fault{}, plan.NoStep, 0)
	Acting.Alone = 1
	for i := 0; i < 500 && raw.Errno(pid) == unix.EAGAIN; i++ {
		raw.Nap(1e6)
		pid = raw.Call(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	}
	return pid
}

// DieWithParent makes this process end when its parent ends, or at once if it has ended
// already.
func DieWithParent() {
	armDeathSignal()
	requireParent(raw.Getppid())
}

// DieWithParentOutside is DieWithParent for a process whose parent may be outside of
// its PID namespace, where getppid answers 0.
func DieWithParentOutside() {
	armDeathSignal()
	now := raw.Getppid()
	if now == 0 {
		Acting.Parent = 0
	}
	requireParent(now)
}

func armDeathSignal() {
	if e := raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); e != 0 {
		Acting.EndNoStep(step.Failed(e, plan.SubDeathSignal))
	}
}

// requireParent ends this process if its parent had ended before the signal was armed. Across
// PID namespaces getppid says nothing of that.
func requireParent(now uintptr) {
	closeMonitorEnd()
	if now != Acting.Parent || now == 0 && isParentGone() {
		raw.Exit(1)
	}
}

// closeMonitorEnd closes our copy of the monitor's end of the feed, which would keep it open.
func closeMonitorEnd() {
	if Feed.Child != 0 && Feed.Monitor != 0 {
		raw.Close(Feed.Monitor)
		Feed.Monitor = 0
	}
}

// isParentGone reports whether the monitor has ended: its end of the feed is then closed.
func isParentGone() bool {
	if Feed.Child == 0 {
		return false
	}
	closeMonitorEnd()
	var fds raw.PollFd
	var now unix.Timespec
	fds.Fd = int32(Feed.Child)
	r := raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
	return raw.Errno(r) == 0 && fds.Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// ExitCode returns the shell's number for a wait status.
func ExitCode(status uint32) uint32 {
	if sig := status & 0x7f; sig != 0 {
		return 128 + sig
	}
	return status >> 8 & 0xff
}

// MapMemory maps n bytes; 0 where there are none to be had.
func MapMemory(n uintptr) uintptr {
	r := raw.Call(unix.SYS_MMAP, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if raw.Errno(r) != 0 {
		return 0
	}
	return r
}

// IsRefusedStart reports whether a binary that brought such privilege does not run.
func IsRefusedStart() bool { return Facts.Install != suid.Plain && Facts.Install != suid.Installed }
