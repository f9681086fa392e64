package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor of a set-id installation.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/mountinfo"
	"github.com/gobwrap/gobwrap/sandbox/child/landlock"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// startThroughKeeper passes the plan to the keeper's first process, which is the monitor's own child, and
// learns its pid. The keeper's socket is the feed from then on. It returns 0 after a fault was
// reported, as start does.
func startThroughKeeper(p plan.View) uintptr {
	if launch.Facts.Embedded && State.Keeper == 0 {
		launch.Acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubInstall}, plan.NoStep, uint32(launch.Facts.Install))
		return 0
	}
	raw.Close(launch.Feed.Monitor)
	if launch.Feed.Child != 0 {
		raw.Close(launch.Feed.Child)
	}
	launch.Feed.Monitor, launch.Feed.Child = State.KeeperSock, 0
	h, e := keeperHeader(p)
	sent := e == 0 && State.Keeper != 0 && sendPlan(p, h)
	// Nothing comes after it: a first process that waits for more of a plan that stops short sees the
	// end of the socket.
	raw.Call(unix.SYS_SHUTDOWN, launch.Feed.Monitor, unix.SHUT_WR, 0, 0, 0, 0)
	word := uint32(0)
	if sent || e == 0 {
		word, _ = readWord() // see first.announce
	}
	State.endingKeeper, State.Keeper = State.Keeper, 0
	if word == launch.WordAnnounced {
		return raw.Fcntl(launch.Acting.Sock, unix.F_GETOWN, 0)
	}
	f, at := step.Failed(e, plan.SubKeeper), uint32(plan.NoStep)
	var said keeper.Fault
	rest := unsafe.Sizeof(said) - unsafe.Sizeof(word)
	switch {
	case word == keeper.FaultWord && raw.ReadFull(launch.Feed.Monitor, unsafe.Pointer(&said.Sub), rest) == rest:
		f = step.Fault{Errno: unix.Errno(said.Errno), Sub: plan.Sub(said.Sub), Extra: said.Extra}
	case !f.Is():
		f.Sub = plan.SubKeeper
	}
	for i := uint32(0); f.Sub == plan.SubSlave && i < p.Steps; i++ { // the keeper carries out this step
		if p.Step(i).Op == plan.OpSlave {
			at, f.Sub = i, plan.SubMain
		}
	}
	launch.Acting.Say(plan.MsgFault, f, at, f.Extra) // after what the first process has said
	return 0
}

// keeperHeader is what the keeper is told of a plan. Where the kernel lacks what keeps the payload
// from the caller's other processes (landlock.Enter), a user namespace is wanted too.
func keeperHeader(p plan.View) (keeper.Header, unix.Errno) {
	h := keeper.Header{Clone: p.Clone, UID: p.UID, GID: p.GID}
	there, e := landlock.IsAvailable()
	if p.Has(plan.FlagTryUser) {
		h.Flags |= keeper.TryUser
	}
	if !there && e == 0 && h.Clone&unix.CLONE_NEWUSER == 0 {
		h.Clone |= unix.CLONE_NEWUSER
		h.Flags |= keeper.TryUser
	}
	for i := uint32(0); i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpProc && (s.A == 0 || s.Flags&plan.FlagOrBind != 0) {
			h.Flags |= keeper.NewProc
		}
	}
	bind, failed := isRootfs()
	if bind {
		h.Flags |= keeper.BindRoot
	}
	return h, max(e, failed)
}

// isRootfs reports whether the root is the kernel's first file system, which is a ramfs or a tmpfs. Others are
// told from it by statfs(2), without reading mountinfo.
func isRootfs() (is bool, e unix.Errno) {
	const ramfs, tmpfs = 0x858458f6, 0x1021994 // RAMFS_MAGIC, TMPFS_MAGIC (statfs(2))
	var st unix.Statfs_t
	e = raw.Errno(raw.Call(unix.SYS_STATFS, raw.Addr(raw.Text("/\x00")), raw.Addr(unsafe.Pointer(&st)), 0, 0, 0, 0))
	if e == 0 && (st.Type == ramfs || st.Type == tmpfs) {
		if e = launch.Acting.TryProc(); e == 0 {
			is, e = mountinfo.ShowsRootfs(launch.Acting.Proc)
			launch.Acting.CloseProc()
		}
	}
	return is, e
}

// sendPlan sends the header, which the keeper reads, and the plan, which the first process reads.
func sendPlan(p plan.View, h keeper.Header) bool {
	head := launch.PlanHeader{Size: p.Size}
	if launch.Facts.Embedded {
		head.How |= launch.InPlanMode
	}
	if launch.Facts.NoFrontEnd {
		head.How |= launch.NoFrontEnd
	}
	if launch.Facts.Filtered != 0 {
		head.How |= launch.UnderFilter
	}
	return raw.SendFull(launch.Feed.Monitor, unsafe.Pointer(&h), keeper.HeaderSize) &&
		raw.SendWith(launch.Feed.Monitor, unsafe.Pointer(&head), unsafe.Sizeof(head), launch.Acting.Sock) &&
		raw.SendFull(launch.Feed.Monitor, p.Base(), uintptr(p.Size))
}

// DismissKeeper lets a keeper go that was not needed: it sees the end of its socket.
func DismissKeeper() {
	if State.Keeper != 0 {
		raw.Call(unix.SYS_SHUTDOWN, State.KeeperSock, unix.SHUT_RDWR, 0, 0, 0, 0) // others may hold a copy
		raw.Close(State.KeeperSock)
		State.endingKeeper, State.Keeper = State.Keeper, 0
	}
}

// ReleaseFirst lets a keeper go that was not needed, and then the first process, which
// awaits that where there was a choice: the keeper has capabilities, and must be gone
// before the payload runs.
func ReleaseFirst() {
	awaited := awaitsKeeper() // asked before the keeper is let go, which changes the answer
	DismissKeeper()
	if awaited {
		ReapKeeper()
		released := byte(0)
		raw.SendFull(launch.Feed.Monitor, unsafe.Pointer(&released), 1)
	}
}

// ReapDismissedKeeper is ReapKeeper where set-up goes on: not for a broker.
func ReapDismissedKeeper() {
	if !State.ViaKeeper {
		ReapKeeper()
	}
}

// awaitsKeeper reports whether a keeper is there that the plan does without. The first process then
// waits for the end of it (ReleaseFirst).
func awaitsKeeper() bool { return State.Keeper != 0 }

// ReapKeeper waits for a keeper that has nothing left to do: one that was let go, or a broker after
// set-up has come to its end or the first process to its own.
func ReapKeeper() {
	if State.endingKeeper != 0 {
		// The status counts where a launch has failed: a keeper that was killed has sent no fault.
		_, State.KeeperStatus = raw.Wait(State.endingKeeper)
		State.endingKeeper = 0
	}
}
