package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor; closeMonitorEnds in each process that it clones.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/first"
	"github.com/gobwrap/gobwrap/sandbox/child/landlock"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Start starts the first process of a plan, and keeps its pid in State.First.
func Start(p plan.View) { State.First = start(p) }

// start clones the sandbox's first process, through the joining process where namespaces
// are given, or has the keeper do it. It returns its pid, or 0 after a fault was reported.
func start(p plan.View) uintptr {
	if !isPermitted(p) {
		return 0
	}
	// Before there is a process that could end, or be killed, without the monitor's knowing of it.
	blockSignals(p)
	requestPayloadPid(p)
	armWakeup(p) // the payload could stop us before we know that it runs
	if !landlock.TryScopes(p) {
		launch.Acting.Say(plan.MsgFault, step.Failed(unix.EOPNOTSUPP, plan.SubMain), launch.ScopeStep(p), 0)
		return 0
	}
	if State.ViaKeeper {
		return startThroughKeeper(p)
	}
	if p.Has(plan.FlagJoin) {
		return startJoined(p)
	}
	pid, said := forkInto(uintptr(p.Clone), p)
	if e := raw.Errno(pid); e != 0 {
		if !said && !launch.Acting.Say(plan.MsgFault, step.Fault{Errno: e, Sub: plan.SubClone}, plan.NoStep, p.Clone) {
			step.Complain(raw.Text("Creating new namespace failed\x00"), e, raw.Text("\x00"))
		}
		return 0
	}
	if pid == 0 {
		restoreSignals()
		closeMonitorEnds()
		first.Run(p, awaitsKeeper())
	}
	return pid
}

// startJoined starts the joining process, and learns its helper's pid and the first process's
// pid. The first process may live in another pid namespace, where its number is not ours: it
// makes itself the owner of the socket that both hold, and the kernel translates (F_GETOWN,
// fcntl(2)).
func startJoined(p plan.View) uintptr {
	pid, _ := forkInto(0, p)
	if pid == 0 {
		restoreSignals()
		closeMonitorEnds()
		first.Join(p, awaitsKeeper())
	}
	raw.Close(launch.Feed.Child)
	launch.Feed.Child = 0
	helper, ok := uint32(0), false
	if raw.Errno(pid) == 0 {
		helper, ok = readWord()
	}
	raw.Wait(pid)
	// The helper ends when it has cloned; its status says nothing that the feed does not.
	if ok && helper != 0 {
		raw.Wait(uintptr(helper))
	}
	if ok {
		_, ok = readWord() // see announce
	}
	if !ok {
		return 0
	}
	return raw.Fcntl(launch.Acting.Sock, unix.F_GETOWN, 0)
}

// closeMonitorEnds closes, in a process that is not the monitor, what only that needs: the
// inbox, the cgroup, the lifeline, and the way to the keeper. A copy would keep the keeper and the
// embedding program from seeing the monitor's end.
func closeMonitorEnds() {
	for _, fd := range [...]*uintptr{&State.Inbox, &State.cgroup, &State.Lifeline, &State.KeeperSock} {
		if *fd != 0 {
			raw.Close(*fd)
			*fd = 0
		}
	}
}

// closeOthers closes all that the monitor does not need: the caller's descriptors, the
// standard ones too, so that a reader sees the end of the payload. It keeps except, on which
// a failure of set-up may be reported; launch.Nowhere: none.
func closeOthers(p plan.View, except uintptr) {
	if launch.Acting.Sock != 0 && launch.Acting.Sock != launch.Nowhere {
		raw.Close(launch.Acting.Sock)
		launch.Acting.Sock = 0
	}
	if launch.Feed.Child != 0 {
		raw.Close(launch.Feed.Child)
		launch.Feed.Child = 0
	}
	json := launch.Nowhere
	if p.JSONFd >= 0 {
		json = uintptr(p.JSONFd)
	}
	keep := [...]uintptr{
		launch.OrNowhere(launch.Feed.Monitor), json, except,
		launch.OrNowhere(State.Lifeline), launch.OrNowhere(State.cgroup), launch.OrNowhere(signals.fd),
	}
	launch.CloseAllBut(p, p.Has(plan.FlagKeepSync), keep[:], unsafe.Pointer(&placeholders.dirs), State.placeholders)
}
