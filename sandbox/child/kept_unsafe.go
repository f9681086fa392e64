package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// This file is the monitor's side of the setuid mode: it has no privilege, and belongs
// to the user.

// startKept passes the plan to the keeper and learns from it who the first process is,
// which is the monitor's own child. The keeper's socket is the feed from then on. It
// returns 0 after a fault was reported, as start does.
func startKept(p program) uintptr {
	if room.hosted != 0 && room.keeper == 0 {
		say(plan.MsgFault, 0, plan.NoStep, plan.SubStanding, uint32(room.standing))
		return 0
	}
	closeFd(room.monitorEnd)
	if room.childEnd != 0 {
		closeFd(room.childEnd)
	}
	room.monitorEnd, room.childEnd = room.keeperEnd, 0
	sent := room.keeper != 0 && hand(p)
	raw(unix.SYS_SHUTDOWN, room.monitorEnd, unix.SHUT_WR, 0, 0, 0, 0) // nothing comes after it
	got := sent && readFull(room.monitorEnd, unsafe.Pointer(&room.message), 4) == 4
	room.leaving, room.keeper = room.keeper, 0
	if got {
		return fcntl(room.sock, unix.F_GETOWN, 0)
	}
	say(plan.MsgFault, 0, plan.NoStep, plan.SubKeeper, 0) // the keeper's own words come first
	return 0
}

// refusedStart reports whether a binary that brought such privilege does not run.
func refusedStart() bool { return room.standing != suid.Plain && room.standing != suid.Installed }

// hand gives the keeper the plan.
func hand(p program) bool {
	return sendFull(room.monitorEnd, unsafe.Pointer(&p.h.Size), 4) && sendFull(room.monitorEnd, p.base, uintptr(p.h.Size))
}

// dismissKeeper lets a keeper go that was not needed: it sees the end of its socket.
func dismissKeeper() {
	if room.keeper != 0 {
		raw(unix.SYS_SHUTDOWN, room.keeperEnd, unix.SHUT_RDWR, 0, 0, 0, 0) // others may hold a copy
		closeFd(room.keeperEnd)
		room.leaving, room.keeper = room.keeper, 0
	}
}

// releaseFirst lets a keeper go that was not needed, and then the first process, which
// awaits that where there was a choice: the keeper has capabilities, and must be gone
// before the payload runs.
func releaseFirst(p program) {
	awaited := awaitsRelease(p)
	dismissKeeper()
	if awaited {
		reapKeeper()
		sendFull(room.monitorEnd, unsafe.Pointer(&room.small), 1)
	}
}

// awaitRelease is the first process's side of it: for the monitor's byte. It comes at the
// end of set-up, when that has long been sent as a rule.
func awaitRelease(p program) {
	if awaitsRelease(p) && readFull(room.childEnd, unsafe.Pointer(&room.small), 1) != 1 {
		exit(max(room.failed, 1))
	}
}

// awaitsRelease reports whether a keeper is there that the plan does without.
func awaitsRelease(p program) bool { return room.keeper != 0 && room.guarded == 0 }

// reapKeeper waits for a keeper that has nothing left to do.
func reapKeeper() {
	if room.leaving != 0 {
		wait(room.leaving)
		room.leaving = 0
	}
}

// reapStray reaps a first process that ended because its user namespace was of no use to
// it, and in whose place the keeper put another one (cloneMapped). It comes last: it must
// not take another child's status.
func reapStray() {
	if room.viaKeeper != 0 {
		raw(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG, 0, 0, 0)
	}
}
