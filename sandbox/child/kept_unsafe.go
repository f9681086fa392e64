package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor; the first process (runKept, awaitRelease).

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// This file is where the launcher meets the setuid mode, which packages keeper and broker are.

// settled takes over what has come of a privileged start, in the launcher. In the first process
// of a sandbox it does not return.
func settled(sp unsafe.Pointer, s keeper.Start) {
	started.standing = s.Standing
	if s.Failed != 0 {
		step.GiveUp(raw.Text("Can't start the keeper of the setuid mode\x00"), s.Failed)
	}
	if s.Launcher != 0 {
		runKept(sp, s.Line, s.First)
	}
	if s.Keeper != 0 {
		monitor.keeper, monitor.keeperEnd = s.Keeper, acting.Above(s.Line)
	}
}

// kept is what the first process has been told by the keeper.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var kept keeper.First

// keptPlan is what the monitor says to the first process, with the socket on which that says its
// faults. The plan follows.
type keptPlan struct {
	size, how uint32
}

// What a keptPlan says of the monitor (how).
const (
	isHosted   = 1 << iota // this is plan mode
	isDirect               // there is no front end
	isFiltered             // a seccomp filter is in force
)

// runKept is the first process of the setuid mode, from where it is the user's. The plan comes
// by the socket that was the keeper's. Nothing of what the launcher has done since it forked the
// keeper has been done here.
func runKept(sp unsafe.Pointer, end uintptr, f keeper.First) {
	kept = f
	acting.Parent = f.Launcher
	acting.Step = plan.NoStep
	acting.Guarded = 1
	acting.Slave, acting.NoProc = f.Slave, f.Proc
	if f.Clone&unix.CLONE_NEWUSER != 0 {
		acting.Mapped = 1
	}
	raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	raw.DefaultAction(unix.SIGCHLD)
	feed.child, acting.Broker = acting.Above(end), acting.Above(f.Broker)
	if f.Cwd != 0 {
		acting.Cwd = acting.Above(f.Cwd)
	}
	var head keptPlan
	sock := nowhere
	if raw.ReceiveWith(feed.child, unsafe.Pointer(&head), unsafe.Sizeof(head), &sock) != unsafe.Sizeof(head) || sock == nowhere || head.size > plan.MaxSize {
		raw.Exit(1)
	}
	acting.Sock = acting.Above(sock)
	monitor.direct, line.filtered = head.how&isDirect != 0, head.how&isFiltered
	if head.how&isHosted != 0 {
		host.there = true
		closeLeaks(sp)
	}
	p, e, v := take(feed.child, head.size)
	if e == unix.EPIPE {
		raw.Exit(1)
	}
	if e != 0 || v != plan.Good {
		acting.End(step.Fault{Errno: e, Sub: plan.SubPlan, Extra: uint32(v)})
	}
	p.Clone = p.Clone&^unix.CLONE_NEWUSER | f.Clone&unix.CLONE_NEWUSER
	if extra, at := keeper.Restrict(p.Base()); extra != 0 {
		acting.Step = at
		acting.End(step.Fault{Sub: plan.SubRefused, Extra: extra})
	}
	announce()
	runFirst(p)
}

// closeLeaks closes, in plan mode, the socket and the line, and what the host had open without
// close-on-exec, as hosted has done in the monitor.
func closeLeaks(sp unsafe.Pointer) {
	sock, _ := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 16))))
	end, _ := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 24))))
	raw.Close(sock)
	raw.Close(end)
	first := min(feed.child, acting.Broker, acting.Sock)
	last := max(feed.child, acting.Broker, acting.Sock, acting.Cwd)
	if acting.Cwd != 0 {
		first = min(first, acting.Cwd)
	}
	acting.CloseRange(end+1, first-1)
	for fd := first + 1; fd < last; fd++ {
		if fd != feed.child && fd != acting.Broker && fd != acting.Sock && fd != acting.Cwd {
			raw.Close(fd)
		}
	}
	acting.CloseRange(last+1, nowhere)
}

// startKept passes the plan to the keeper's first process, which is the monitor's own child, and
// learns who it is. The keeper's socket is the feed from then on. It returns 0 after a fault was
// reported, as start does.
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
	h, e := keptHeader(p)
	sent := e == 0 && monitor.keeper != 0 && hand(p, h)
	raw.Call(unix.SYS_SHUTDOWN, feed.monitor, unix.SHUT_WR, 0, 0, 0, 0) // nothing comes after it
	word := uint32(0)
	if sent || e == 0 {
		word, _ = readWord() // see announce
	}
	monitor.leaving, monitor.keeper = monitor.keeper, 0
	if word == announced {
		return raw.Fcntl(acting.Sock, unix.F_GETOWN, 0)
	}
	f := step.Failed(e, plan.SubKeeper)
	var said keeper.Fault
	rest := unsafe.Sizeof(said) - unsafe.Sizeof(word)
	switch {
	case word == keeper.FaultWord && raw.ReadFull(feed.monitor, unsafe.Pointer(&said.Sub), rest) == rest:
		f = step.Fault{Errno: unix.Errno(said.Errno), Sub: plan.Sub(said.Sub), Extra: said.Extra}
	case !f.Is():
		f.Sub = plan.SubKeeper
	}
	acting.Say(plan.MsgFault, f, plan.NoStep, f.Extra) // after what the first process has said
	return 0
}

// keptHeader is what the keeper is told of a plan. Where the kernel lacks what keeps the payload
// from the caller's other processes (fence), a user namespace is wanted too.
func keptHeader(p plan.View) (keeper.Header, unix.Errno) {
	h := keeper.Header{Clone: p.Clone, UID: p.UID, GID: p.GID}
	there, e := canFence()
	if p.Has(plan.FlagTryUser) {
		h.Flags |= keeper.TryUser
	}
	if !there && e == 0 && h.Clone&unix.CLONE_NEWUSER == 0 {
		h.Clone |= unix.CLONE_NEWUSER
		h.Flags |= keeper.TryUser
	}
	if p.Has(plan.FlagMapRoot) {
		h.Flags |= keeper.MapRoot
	}
	for i := uint32(0); i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpProc && (s.A == 0 || s.Flags&plan.FlagOrBind != 0) {
			h.Flags |= keeper.NewProc
		}
	}
	return h, e
}

// refusedStart reports whether a binary that brought such privilege does not run.
func refusedStart() bool { return started.standing != suid.Plain && started.standing != suid.Installed }

// hand sends the header, which the keeper reads, and the plan, which the first process reads.
func hand(p plan.View, h keeper.Header) bool {
	head := keptPlan{size: p.Size}
	if host.there {
		head.how |= isHosted
	}
	if monitor.direct {
		head.how |= isDirect
	}
	if line.filtered != 0 {
		head.how |= isFiltered
	}
	return raw.SendFull(feed.monitor, unsafe.Pointer(&h), keeper.HeaderSize) &&
		raw.SendWith(feed.monitor, unsafe.Pointer(&head), unsafe.Sizeof(head), acting.Sock) &&
		raw.SendFull(feed.monitor, p.Base(), uintptr(p.Size))
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

// reapDismissed is reapKeeper where set-up goes on: not for a broker.
func reapDismissed() {
	if !monitor.viaKeeper {
		reapKeeper()
	}
}

// awaitsRelease reports whether a keeper is there that the plan does without.
func awaitsRelease(p plan.View) bool { return monitor.keeper != 0 && acting.Guarded == 0 }

// reapKeeper waits for a keeper that has nothing left to do: one that was let go, or a broker after
// set-up has come to its end or the first process to its own.
func reapKeeper() {
	if monitor.leaving != 0 {
		_, monitor.keeperEnded = raw.Wait(monitor.leaving)
		monitor.leaving = 0
	}
}

// reapStray reaps a first process that ended because its user namespace was of no use to
// it, and in whose place the keeper put another one (keeper.run). It comes last: it must
// not take another child's status.
func reapStray() {
	if monitor.viaKeeper {
		raw.Call(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG, 0, 0, 0)
	}
}
