package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the first process; after an init has been split off, in the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// runFirst is the sandbox's first process, from its clone to its end.
func runFirst(p plan.View) {
	acting.Status = p.Failed
	hangUp()
	dieWithParentOutside()
	if p.Has(plan.FlagJoin) {
		announce()
	}
	if e := raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); e != 0 {
		acting.EndNoStep(step.Failed(e, plan.SubNoNewPrivs))
	}
	// Modes are to be what the plan says. The payload gets the caller's mask back (settleForExec).
	payload.umask = raw.Call(unix.SYS_UMASK, 0, 0, 0, 0, 0, 0)
	acting.Umask, acting.Feed = uint32(payload.umask), feed.child
	// Nothing here needs them, and a pipe's writer waits for its readers to go.
	closeSlots(p, p.Early, p.Earlyc)
	acting.OpenProc()
	if monitor.direct && line.filtered == 0 {
		acting.Clear = 1
	}
	// Before anything is mounted: a tree is bound by one engine from end to end.
	acting.ChooseEngine()
	run(p, p.Join, p.Setup)
	awaitRelease(p)
	acting.Close(p)
	// Not dumpable from here to the payload's exec, which makes the payload, not init,
	// dumpable again: memory and descriptors are not to be seen from inside.
	if e := raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != 0 {
		acting.EndNoStep(step.Failed(e, plan.SubSeal))
	}
	if p.Has(plan.FlagInit) {
		splitInit(p) // returns in the payload only
	} else {
		sayBegun(feed.child)
	}
	// Descriptors that options named are not for the payload.
	closeSlots(p, p.Close, p.Closec)
	run(p, p.Setup, p.Steps)
	raw.Exit(1) // not reached: the last step is OpExec
}

// run walks the steps [from, to). It returns when all are done; a fault ends the process.
func run(p plan.View, from, to uint32) {
	for i := from; i < to; i++ {
		acting.Step = i
		if f := do(p, p.Step(i)); f.Is() {
			acting.End(f)
		}
	}
}

// do executes one step: one that concerns files and mounts is package build's. Like other
// switches that each launch comes through, it has no tag: with a tag the compiler makes a table of
// eight cases or more, which costs a page fault in each process.
func do(p plan.View, s *plan.Step) step.Fault {
	if f, done := acting.Do(p, s); done {
		return f
	}
	switch {
	case s.Op == plan.OpSetns:
		return guarded(raw.Errno(raw.Call(unix.SYS_SETNS, uintptr(s.A), uintptr(s.B), 0, 0, 0, 0)))
	case s.Op == plan.OpIDMap:
		return writeMaps(p, s)
	case s.Op == plan.OpUnshare:
		return guarded(raw.Errno(raw.Call(unix.SYS_UNSHARE, uintptr(s.A), 0, 0, 0, 0, 0)))
	case s.Op == plan.OpBecome:
		return become(s)
	case s.Op == plan.OpGroups:
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETGROUPS, 0, 0, 0, 0, 0, 0)))
	case s.Op == plan.OpNest:
		return nest(p.Str(s.A), p.Str(s.B))
	case s.Op == plan.OpNoUserns:
		return noUserns()
	case s.Op == plan.OpLoopback:
		return step.Main(raiseLoopback())
	case s.Op == plan.OpHostname:
		return setHostname(p.Str(s.A))
	case s.Op == plan.OpLimitUserns:
		return step.Main(acting.WriteProc(raw.Text("sys/user/max_user_namespaces\x00"), raw.Text("1\x00")))
	case s.Op == plan.OpScore:
		return step.Main(acting.WriteProc(raw.Text("self/oom_score_adj\x00"), p.Str(s.A)))
	case s.Op == plan.OpGo:
		return step.Main(reportAndWait(p))
	case s.Op == plan.OpWaitFd:
		return step.Main(waitFd(uintptr(s.A)))
	case s.Op == plan.OpSetsid:
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)))
	case s.Op == plan.OpLabel:
		return step.Main(setLabel(s.A, p.Str(s.B)))
	case s.Op == plan.OpCaps:
		return setCapabilities(s)
	}
	return doBare(p, s)
}

// raiseLoopback raises the loopback interface. In setuid mode the keeper has tried.
func raiseLoopback() unix.Errno {
	if acting.Guarded != 0 {
		return kept.Loopback
	}
	return step.LoopbackUp()
}

// setHostname sets the host name.
func setHostname(name unsafe.Pointer) step.Fault {
	n := raw.Strlen(name)
	if acting.Guarded == 0 {
		return step.Main(raw.Errno(raw.Call(unix.SYS_SETHOSTNAME, raw.Addr(name), n, 0, 0, 0, 0)))
	}
	if n > broker.MaxName {
		return step.Main(unix.EINVAL)
	}
	q := broker.Request{Op: broker.Hostname, A: uint64(n)}
	for i := range n {
		*(*byte)(unsafe.Add(unsafe.Pointer(&q.Name), i)) = *(*byte)(unsafe.Add(name, i))
	}
	return acting.Ask(&q, broker.None, broker.None)
}

// guarded arms the death signal anew after a change of user namespace, which may clear
// it (commit_creds; see PR_SET_PDEATHSIG(2const)).
func guarded(e unix.Errno) step.Fault {
	if e == 0 {
		dieWithParent()
	}
	return step.Main(e)
}

// fork clones this process, into the namespaces that flags names. A limit on the
// user's processes (RLIMIT_NPROC) may count the front end's threads: it is asked to
// go, once, and the clone is tried again while it does.
func fork(flags uintptr, p plan.View) uintptr {
	pid := raw.Call(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if raw.Errno(pid) != unix.EAGAIN || p.Has(plan.FlagHandshake) || host.there || monitor.direct {
		return pid
	}
	acting.Say(plan.MsgLeave, step.Fault{}, plan.NoStep, 0)
	acting.Alone = 1
	for i := 0; i < 500 && raw.Errno(pid) == unix.EAGAIN; i++ {
		raw.Nap(1e6)
		pid = raw.Call(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	}
	return pid
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
		return acting.WriteProc(raw.Text("self/attr/fscreate\x00"), label)
	}
	return acting.WriteProc(raw.Text("self/attr/exec\x00"), label)
}
