package child

// No runtime. See doc.go for the laws of this file.
// Runs in: every process that has a parent to outlive it.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// dieWithParent makes this process end when its parent ends, or at once if it has ended
// already.
func dieWithParent() {
	armDeathSignal()
	requireParent(raw.Getppid())
}

// dieWithParentOutside is dieWithParent for a process whose parent may be outside of
// its PID namespace, where getppid answers 0.
func dieWithParentOutside() {
	armDeathSignal()
	now := raw.Getppid()
	if now == 0 {
		acting.Parent = 0
	}
	requireParent(now)
}

func armDeathSignal() {
	if e := raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); e != 0 {
		acting.EndNoStep(step.Failed(e, plan.SubDeathSignal))
	}
}

// requireParent ends this process if its parent had ended before the signal was armed. Across
// PID namespaces getppid says nothing of that.
func requireParent(now uintptr) {
	leaveMonitorEnd()
	if now != acting.Parent || now == 0 && parentGone() {
		raw.Exit(1)
	}
}

// leaveMonitorEnd closes our copy of the monitor's end of the feed, which would keep it open.
func leaveMonitorEnd() {
	if feed.child != 0 && feed.monitor != 0 {
		raw.Close(feed.monitor)
		feed.monitor = 0
	}
}

// parentGone reports whether the monitor has ended: its end of the feed is then closed.
func parentGone() bool {
	if feed.child == 0 {
		return false
	}
	leaveMonitorEnd()
	var fds raw.PollFd
	var now unix.Timespec
	fds.Fd = int32(feed.child)
	r := raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
	return raw.Errno(r) == 0 && fds.Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
