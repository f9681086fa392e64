package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor; follows in init too.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file is about a payload in the launcher's process group that stops. A program that stops its
// job by itself, as editors do, sends the signal to its process group, and where signals end at the
// payload's Landlock domain that does not reach the monitor, for which the caller's shell waits: so
// the monitor stops itself. A stop by the terminal does reach it. With --foreground the payload has
// a group of its own: see signals_unsafe.go.

// follows reports whether the monitor stops with the payload. In plan mode there is a line to obey,
// and no shell.
func follows(p plan.View) bool { return !host.there && !p.Has(plan.FlagForeground) && scoped(p) }

// follow prepares for stopping with the payload. SIGCONT is blocked, so that stopToo finds it; it
// continues us nevertheless.
func follow(p plan.View) {
	if monitor.follows = follows(p); monitor.follows {
		raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGCONT), nil)
	}
}

// obeyStop reports whether a word is about a stop. If the payload has stopped, this process
// stops, too, unless it has to end the payload, whose time is over.
func obeyStop(p plan.View, word uint32) bool {
	switch {
	case word == goesOn:
	case word&^0xff != stopped:
		return false
	case p.Has(plan.FlagForeground):
		suspend(p, unix.Signal(word&0xff))
	case clock.stage == inTime:
		stopToo()
	}
	return true
}

// stopToo stops this process as the terminal would. In an orphaned process group, where no shell
// could continue it, the kernel does not stop it (setpgid(2)). It also continues when init reports
// something, such as that the payload goes on or has ended, because the process that continued or
// killed the payload need not know of this one.
// The stop may already be over. Then init soon reports that, or the payload's end. If a SIGCONT
// has come, that is likely, so stopToo waits up to a second for the report.
// The terminal's signal may arrive here at any time in between. It is blocked, so that it merges
// with the one sent here, and a SIGCONT clears both.
func stopToo() {
	var was uint64
	raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGTSTP), &was)
	if !more(5e7) && !(wasContinued() && more(1e9)) {
		continueAtWord(unix.O_ASYNC)
		raw.Kill(raw.Getpid(), uintptr(unix.SIGTSTP))
		if more(0) {
			takeSignal(unix.SIGTSTP)
		}
	}
	raw.SetMask(unix.SIG_SETMASK, was, nil)
	continueAtWord(0)
	wasContinued()
}

// continueAtWord makes init's next word continue this process, by the kernel's SIGCONT (F_SETSIG,
// fcntl(2)), or, with 0, ends that.
func continueAtWord(async uintptr) {
	if feed.monitor == 0 {
		return
	}
	raw.Fcntl(feed.monitor, unix.F_SETOWN, raw.Getpid())
	raw.Fcntl(feed.monitor, fSetSig, uintptr(unix.SIGCONT))
	raw.Fcntl(feed.monitor, unix.F_SETFL, async)
}

// wasContinued reports whether a SIGCONT has come, and takes it.
func wasContinued() bool { return takeSignal(unix.SIGCONT) }

// takeSignal reports whether a signal is pending, which is blocked, and takes it.
func takeSignal(sig unix.Signal) bool {
	mask := raw.MaskOf(sig)
	var now unix.Timespec
	r := raw.Call(unix.SYS_RT_SIGTIMEDWAIT, raw.Addr(unsafe.Pointer(&mask)), 0, raw.Addr(unsafe.Pointer(&now)), 8, 0, 0)
	return raw.Errno(r) == 0
}

// more reports whether there is another word of init's on the feed, or comes within so many
// nanoseconds.
func more(limit int64) bool {
	var fds raw.PollFd
	var span unix.Timespec
	fds.Fd, fds.Events, span.Sec, span.Nsec = int32(feed.monitor), unix.POLLIN, limit/1e9, limit%1e9
	raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&span)), 0, 8, 0)
	var first byte // not the feed's end, which is there where there is no init
	return raw.Call(unix.SYS_RECVFROM, feed.monitor, raw.Addr(unsafe.Pointer(&first)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0) == 1
}
