package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process of the setuid mode, which the keeper has cloned.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// RunUnderKeeper is the first process of the setuid mode, from where it is the user's. The plan comes
// by the socket that was the keeper's. Nothing of what the launcher has done since it forked the
// keeper has been done here.
func RunUnderKeeper(sp unsafe.Pointer, end uintptr, f keeper.First) {
	fromKeeper = f
	launch.Acting.Parent = f.Launcher
	launch.Acting.Step = plan.NoStep
	launch.Acting.FromKeeper = 1
	launch.Acting.NoProc = f.Proc
	if f.Clone&unix.CLONE_NEWUSER != 0 {
		launch.Acting.Mapped = 1
	}
	// The keeper's change of ids has cleared it (PR_SET_DUMPABLE(2const)). Our files in proc would be
	// root's, and there is nothing of privilege left to protect.
	raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	// It is inherited from the keeper, which was forked before the launcher reset it.
	raw.DefaultAction(unix.SIGCHLD)
	launch.Feed.Child, launch.Acting.Broker = launch.Acting.Above(end), launch.Acting.Above(f.Broker)
	switch {
	case f.Cwd == 0: // the keeper has not changed it
	case raw.Fchdir(f.Cwd) == 0: // a source may be /proc/self/cwd
		raw.Close(f.Cwd)
	default: // a directory that the user may not search
		launch.Acting.Cwd = launch.Acting.Above(f.Cwd)
	}
	var head launch.PlanHeader
	sock := launch.Nowhere
	if raw.ReceiveWith(launch.Feed.Child, unsafe.Pointer(&head), unsafe.Sizeof(head), &sock) != unsafe.Sizeof(head) || sock == launch.Nowhere || head.Size > plan.MaxSize {
		raw.Exit(1)
	}
	launch.Acting.Sock = launch.Acting.Above(sock)
	launch.Facts.NoFrontEnd, launch.Facts.Filtered = head.How&launch.NoFrontEnd != 0, head.How&launch.UnderFilter
	if head.How&launch.InPlanMode != 0 {
		launch.Facts.Embedded = true
		closeLeaked(sp)
	}
	p, e, v := launch.ReadPlan(launch.Feed.Child, head.Size)
	if e == unix.EPIPE {
		raw.Exit(1)
	}
	if e != 0 || v != plan.Good {
		launch.Acting.End(step.Fault{Errno: e, Sub: plan.SubPlan, Extra: uint32(v)})
	}
	// The keeper decides about the user namespace: with TryUser it may have gone without one.
	p.Clone = p.Clone&^unix.CLONE_NEWUSER | f.Clone&unix.CLONE_NEWUSER
	// What setuid.conf refuses of namespaces the keeper has judged, and of mounts the broker will
	// (suid.Conf.Deny). The plan is judged here, where the fault has a step, so that the message
	// can name the option.
	if extra, at := keeper.CheckSteps(p.Base()); extra != 0 {
		launch.Acting.Step = at
		launch.Acting.End(step.Fault{Sub: plan.SubRefused, Extra: extra})
	}
	announce() // the monitor has not cloned us, and knows nothing of us yet
	Run(p, false)
}

// closeLeaked closes, in plan mode, the socket and the lifeline, and what the embedding program had
// open without close-on-exec, as runPlanMode (package child) has done in the monitor.
func closeLeaked(sp unsafe.Pointer) {
	sock, _ := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 16))))
	end, _ := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 24))))
	raw.Close(sock)
	raw.Close(end)
	first := min(launch.Feed.Child, launch.Acting.Broker, launch.Acting.Sock)
	last := max(launch.Feed.Child, launch.Acting.Broker, launch.Acting.Sock, launch.Acting.Cwd)
	if launch.Acting.Cwd != 0 {
		first = min(first, launch.Acting.Cwd)
	}
	// Around ours, one by one: there are at most a handful of numbers in between.
	launch.Acting.CloseRange(end+1, first-1)
	for fd := first + 1; fd < last; fd++ {
		if fd != launch.Feed.Child && fd != launch.Acting.Broker && fd != launch.Acting.Sock && fd != launch.Acting.Cwd {
			raw.Close(fd)
		}
	}
	launch.Acting.CloseRange(last+1, launch.Nowhere)
}
