package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; after an init has been split off, in the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/payload"
	"github.com/gobwrap/gobwrap/sandbox/child/pid1"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Run is the sandbox's first process, from its clone to its end.
func Run(p plan.View, awaitKeeper bool) {
	launch.Acting.Status = p.Failed
	// It comes first: a monitor that is killed from here on takes the sandbox with it. The clone
	// itself could not arm the signal, which fork(2) clears in a child.
	launch.DieWithParentOutside()
	// Only where a joining process is in between does the monitor not know our pid from clone(2).
	if p.Has(plan.FlagJoin) {
		announce()
	}
	// It is inherited by all that is started from here on, survives exec, and cannot be taken back.
	// Without it the payload's filters and Landlock domain would need CAP_SYS_ADMIN
	// (PR_SET_NO_NEW_PRIVS(2const)).
	if e := raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); e != 0 {
		launch.Acting.EndNoStep(step.Failed(e, plan.SubNoNewPrivs))
	}
	// Modes are to be what the plan says. The payload gets the caller's mask back (settleForExec).
	launch.Acting.Umask = uint32(raw.Call(unix.SYS_UMASK, 0, 0, 0, 0, 0, 0))
	launch.Acting.Feed = launch.Feed.Child
	// Nothing here needs them, and a pipe's writer waits for its readers to go.
	closeSlots(p, p.Early, p.Earlyc)
	launch.Acting.OpenProc()
	if launch.Facts.NoFrontEnd && launch.Facts.Filtered == 0 {
		launch.Acting.Clear = 1
	}
	// Before anything is mounted: a tree is bound by one engine from end to end.
	launch.Acting.ChooseEngine()
	runSteps(p, p.Join, p.Setup)
	// The keeper has capabilities until its end: it must be gone before the payload runs.
	if awaitKeeper {
		awaitKeeperGone()
	}
	launch.Acting.Close(p)
	// Not dumpable from here to the payload's exec, which makes the payload, not init,
	// dumpable again: memory and descriptors are not to be seen from inside.
	if e := raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != 0 {
		launch.Acting.EndNoStep(step.Failed(e, plan.SubSeal))
	}
	if p.Has(plan.FlagInit) {
		pid1.Split(p) // returns in the payload only
	} else {
		launch.SendBegun(launch.Feed.Child)
	}
	// Descriptors that options named are not for the payload.
	closeSlots(p, p.Close, p.Closec)
	runSteps(p, p.Setup, p.Steps)
	raw.Exit(1) // not reached: the last step is OpExec
}

// runSteps walks the steps [from, to). It returns when all are done; a fault ends the process.
func runSteps(p plan.View, from, to uint32) {
	for i := from; i < to; i++ {
		launch.Acting.Step = i
		if f := doStep(p, p.Step(i)); f.Is() {
			launch.Acting.End(f)
		}
	}
}

// doStep executes one step: one that concerns files and mounts is package build's. Like other
// switches that each launch comes through, it has no tag: with a tag the compiler makes a table of
// eight cases or more, which costs a page fault in each process.
func doStep(p plan.View, s *plan.Step) step.Fault {
	if f, done := launch.Acting.Do(p, s); done {
		return f
	}
	switch {
	case s.Op == plan.OpSetns:
		return rearmed(raw.Errno(raw.Call(unix.SYS_SETNS, uintptr(s.A), uintptr(s.B), 0, 0, 0, 0)))
	case s.Op == plan.OpIDMap:
		return writeMaps(p, s)
	case s.Op == plan.OpUnshare:
		return rearmed(raw.Errno(raw.Call(unix.SYS_UNSHARE, uintptr(s.A), 0, 0, 0, 0, 0)))
	case s.Op == plan.OpBecome:
		return switchIDs(s)
	case s.Op == plan.OpGroups:
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETGROUPS, 0, 0, 0, 0, 0, 0)))
	case s.Op == plan.OpNest:
		return enterNested(p.Str(s.A), p.Str(s.B))
	case s.Op == plan.OpNoUserns:
		return verifyNoUserns()
	case s.Op == plan.OpLoopback:
		return step.Main(raiseLoopback())
	case s.Op == plan.OpHostname:
		return setHostname(p.Str(s.A))
	case s.Op == plan.OpLimitUserns: // it counts for this user namespace and those below (namespaces(7))
		return step.Main(launch.Acting.WriteProc(raw.Text("sys/user/max_user_namespaces\x00"), raw.Text("1\x00")))
	case s.Op == plan.OpScore: // without CAP_SYS_RESOURCE it can only be raised (proc_pid_oom_score_adj(5))
		return step.Main(launch.Acting.WriteProc(raw.Text("self/oom_score_adj\x00"), p.Str(s.A)))
	case s.Op == plan.OpGo:
		return step.Main(reportReady(p))
	case s.Op == plan.OpWaitFd: // --block-fd, --userns-block-fd: the caller sets something up meanwhile
		return step.Main(awaitDescriptor(uintptr(s.A)))
	case s.Op == plan.OpSetsid:
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)))
	case s.Op == plan.OpLabel:
		return step.Main(setLabel(s.A, p.Str(s.B)))
	case s.Op == plan.OpCaps:
		return payload.SetCapabilities(s)
	}
	return payload.Do(p, s)
}

// raiseLoopback raises the loopback interface. In setuid mode the keeper has tried.
func raiseLoopback() unix.Errno {
	if launch.Acting.FromKeeper != 0 {
		return fromKeeper.Loopback
	}
	return step.LoopbackUp()
}

// setHostname sets the host name.
func setHostname(name unsafe.Pointer) step.Fault {
	n := raw.Strlen(name)
	if launch.Acting.FromKeeper == 0 {
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETHOSTNAME, raw.Addr(name), n, 0, 0, 0, 0)))
	}
	if n > broker.MaxName {
		return step.Main(unix.EINVAL) // as sethostname(2) says of more than 64 bytes
	}
	q := broker.Request{Op: broker.Hostname, A: uint64(n)}
	for i := range n {
		*(*byte)(unsafe.Add(unsafe.Pointer(&q.Name), i)) = *(*byte)(unsafe.Add(name, i))
	}
	return launch.Acting.Ask(&q, broker.None, broker.None)
}

// rearmed arms the death signal anew after a change of user namespace, which may clear
// it (commit_creds; see PR_SET_PDEATHSIG(2const)).
func rearmed(e unix.Errno) step.Fault {
	if e == 0 {
		launch.DieWithParent()
	}
	return step.Main(e)
}

// closeSlots closes the descriptors in a range of slots.
func closeSlots(p plan.View, first, n uint32) {
	for i := range n {
		raw.Close(uintptr(*p.Slot(first + i)))
	}
}

// setLabel sets the security label of the next exec, or of new files (proc_pid_attr(5)).
func setLabel(kind uint32, label unsafe.Pointer) unix.Errno {
	if kind == plan.LabelNew {
		return launch.Acting.WriteProc(raw.Text("self/attr/fscreate\x00"), label)
	}
	return launch.Acting.WriteProc(raw.Text("self/attr/exec\x00"), label)
}

// awaitDescriptor waits for a byte or the end of the caller's fd, then closes it.
func awaitDescriptor(fd uintptr) unix.Errno {
	for {
		var b byte
		r := raw.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&b)), 1, 0, 0, 0)
		switch e := raw.Errno(r); e {
		case 0:
			raw.Close(fd)
			return 0
		case unix.EINTR:
		case unix.EAGAIN: // another process made it non-blocking: O_NONBLOCK is shared with the caller (open(2))
			var p raw.PollFd
			p.Fd, p.Events = int32(fd), unix.POLLIN
			raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&p)), 1, 0, 0, 8, 0)
		default:
			return e
		}
	}
}
