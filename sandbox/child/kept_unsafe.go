package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// This file is the monitor's side of setuid mode: it has no privilege, and belongs
// to the user.

// startKept passes the plan to the keeper and learns from it who the first process is,
// which is the monitor's own child. The keeper's socket is the feed from then on. It
// returns 0 after a fault was reported, as start does.
func startKept(p plan.View) uintptr {
	if host.there && monitor.keeper == 0 {
		acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubStanding}, plan.NoStep, uint32(started.standing))
		return 0
	}
	raw.Close(feed.monitor)
	if feed.child != 0 {
		raw.Close(feed.child)
	}
	feed.monitor, feed.child = monitor.keeperEnd, 0
	sent := monitor.keeper != 0 && hand(p)
	raw.Call(unix.SYS_SHUTDOWN, feed.monitor, unix.SHUT_WR, 0, 0, 0, 0) // nothing comes after it
	got := false
	if sent {
		_, got = readWord() // see announce
	}
	monitor.leaving, monitor.keeper = monitor.keeper, 0
	if got {
		return raw.Fcntl(acting.Sock, unix.F_GETOWN, 0)
	}
	acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubKeeper}, plan.NoStep, 0) // the keeper's own words come first
	return 0
}

// refusedStart reports whether a binary that brought such privilege does not run.
func refusedStart() bool { return started.standing != suid.Plain && started.standing != suid.Installed }

// hand gives the keeper the plan.
func hand(p plan.View) bool {
	return raw.SendWord(feed.monitor, p.Size) && raw.SendFull(feed.monitor, p.Base(), uintptr(p.Size))
}

// dismissKeeper lets a keeper go that was not needed: it sees the end of its socket.
func dismissKeeper() {
	if monitor.keeper != 0 {
		raw.Call(unix.SYS_SHUTDOWN, monitor.keeperEnd, unix.SHUT_RDWR, 0, 0, 0, 0) // others may hold a copy
		raw.Close(monitor.keeperEnd)
		monitor.leaving, monitor.keeper = monitor.keeper, 0
	}
}

// releaseFirst lets a keeper go that was not needed, and then the first process, which
// awaits that where there was a choice: the keeper has capabilities, and must be gone
// before the payload runs.
func releaseFirst(p plan.View) {
	follow(p)
	awaited := awaitsRelease(p)
	dismissKeeper()
	if awaited {
		reapKeeper()
		released := byte(0)
		raw.SendFull(feed.monitor, unsafe.Pointer(&released), 1)
	}
}

// awaitRelease is the first process's side of it: for the monitor's byte. It comes at the
// end of set-up, when that has long been sent as a rule.
func awaitRelease(p plan.View) {
	if !awaitsRelease(p) {
		return
	}
	if _, ok := raw.ReadByte(feed.child); !ok {
		raw.Exit(max(acting.Status, 1))
	}
}

// awaitsRelease reports whether a keeper is there that the plan does without.
func awaitsRelease(p plan.View) bool { return monitor.keeper != 0 && acting.Guarded == 0 }

// reapKeeper waits for a keeper that has nothing left to do.
func reapKeeper() {
	if monitor.leaving != 0 {
		raw.Wait(monitor.leaving)
		monitor.leaving = 0
	}
}

// reapStray reaps a first process that ended because its user namespace was of no use to
// it, and in whose place the keeper put another one (cloneMapped). It comes last: it must
// not take another child's status.
func reapStray() {
	if monitor.viaKeeper {
		raw.Call(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG, 0, 0, 0)
	}
}
