package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// Flags in the front end's message, above the size of its plan.
const (
	// forKeeper: it is one for the keeper.
	forKeeper = 1 << 30
	// leaving: there is no plan. The front end ends, and the lowest eight bits are its status.
	// Its exit status is not used, because it may be the Go runtime's crash status.
	leaving = 1 << 29
)

// runMonitor is the launcher after the fork: it receives the plan, starts the
// sandbox's first process, waits, and ends with the payload's status.
func runMonitor(front uintptr) {
	acting.Parent = raw.Getpid()
	p := attempt(front)
	for p.Has(plan.FlagTentative) && !reachedGo() {
		again()
		p = attempt(front)
	}
	releaseFirst(p)
	closeOthers(p, 2) // errors of set-up may still be reported there
	listen(feed.monitor)
	if status := waitFront(front); status != 0 {
		endFailed(p, status)
	}
	requireSetUp(p)
	reapKeeper()
	closeOthers(p, nowhere)
	status := payloadStatus(p)
	reapStray()
	removePlaceholders()
	reclaimTerminal(p)
	reportEnd(p, status)
	endCaught(status)
	raw.Exit(exitCode(status))
}

// attempt starts what the front end sends. It returns with the first process started,
// or, for a tentative plan, refused.
func attempt(front uintptr) plan.View {
	p := receive(front)
	if p.Has(plan.FlagDieWithParent) && !host.there {
		raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		if raw.Getppid() != started.parent {
			raw.Exit(p.Failed)
		}
	}
	monitor.first = start(p)
	if monitor.first == 0 && !p.Has(plan.FlagTentative) {
		dismissKeeper() // it holds the socket too, at whose end the front end knows
		raw.Close(acting.Sock)
		waitFront(front)
		quit(p.Failed)
	}
	if monitor.first != 0 && p.Has(plan.FlagHandshake) {
		acting.Say(plan.MsgStarted, step.Fault{}, plan.NoStep, uint32(monitor.first))
	}
	return p
}

// reachedGo reports whether a tentative attempt reached OpGo. If not, the front end has been
// told why, and either sends another plan or ends.
func reachedGo() bool {
	if monitor.first == 0 {
		return false
	}
	if feed.child != 0 {
		raw.Close(feed.child)
		feed.child = 0
	}
	listen(feed.monitor)
	word, _ := readWord()
	return word == reached
}

// again clears an attempt away and tells the front end. A first process that was killed has
// sent no fault: without MsgOver the front end would wait for one, and we for its plan.
func again() {
	status := uint32(0)
	if monitor.first != 0 {
		status = killFirst()
		monitor.first = 0
	}
	reopenFeed()
	acting.Say(plan.MsgOver, step.Fault{}, plan.NoStep, status)
}

// receive reads the plan and has it verified. A front end that ends without one (help, an
// error, a listing) has printed everything.
func receive(front uintptr) plan.View {
	word, got := raw.ReadWord(acting.Sock)
	if got && word&leaving != 0 && !host.there {
		waitFront(front)
		quit(word & 0xff)
	}
	if !got {
		raw.Close(acting.Sock)
		status := waitFront(front)
		code := exitCode(status)
		if code > 1 { // not one of its own
			explainFront(status)
			code = 1
		}
		quit(code)
	}
	// The length of a plan has room for a mark: it is at most plan.MaxSize.
	n := word &^ forKeeper
	monitor.viaKeeper = word&forKeeper != 0
	if n > plan.MaxSize {
		quit(1)
	}
	p, e, v := take(acting.Sock, n)
	if e == 0 && v == plan.Good {
		return p
	}
	if e != unix.EPIPE {
		acting.Say(plan.MsgFault, step.Fault{Errno: e, Sub: plan.SubPlan}, plan.NoStep, uint32(v))
	}
	raw.Close(acting.Sock)
	quit(max(exitCode(waitFront(front)), 1))
	return plan.View{}
}

// explainFront prints why the front end ended without a message, from its wait status.
func explainFront(status uint32) {
	switch sig := status & 0x7f; sig {
	case 0:
		step.Tell(2, raw.Text("can't start: the Go runtime ended with status \x00"), uintptr(exitCode(status)),
			raw.Text("; limits on processes or memory may be too low\x00"))
	case uint32(unix.SIGSYS):
		step.Complain(raw.Text("can't start: a seccomp filter killed the front end (SIGSYS); it must permit what Go programs call\x00"), 0, raw.Text("\x00"))
	default:
		step.Tell(2, raw.Text("can't start: the front end was killed by signal \x00"), uintptr(sig),
			raw.Text("; if not by hand, memory may be short\x00"))
	}
}

// take reads a plan of n bytes from a socket into memory of this process and has it
// verified. EPIPE stands for a plan that stops short.
func take(sock uintptr, n uint32) (plan.View, unix.Errno, plan.Verdict) {
	base := unsafe.Pointer(&smallPlan)
	if uintptr(n) > unsafe.Sizeof(smallPlan) {
		r := raw.Call(unix.SYS_MMAP, 0, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
		if e := raw.Errno(r); e != 0 {
			return plan.View{}, e, 0
		}
		base = raw.Mapped(r)
	}
	if raw.ReadFull(sock, base, uintptr(n)) != uintptr(n) {
		return plan.View{}, unix.EPIPE, 0
	}
	return plan.ViewAt(base), 0, plan.Verify(base, n)
}

// quit ends a launch that failed before there was a plan.
func quit(code uint32) {
	dismissKeeper()
	reapKeeper()
	raw.Exit(code)
}

// openFeed makes the pair of sockets between the monitor and the sandbox's first process: the
// payload's status comes from init through it, and its closed end shows that the monitor has
// ended.
func openFeed() {
	feed.monitor, feed.child = sockets()
}

// reopenFeed forgets what a first attempt may have left in the feed.
func reopenFeed() {
	raw.Close(feed.monitor)
	if feed.child != 0 {
		raw.Close(feed.child)
	}
	openFeed()
}

// start clones the sandbox's first process, through a joining one where namespaces
// are given, or has the keeper do it. It returns its pid, or 0 after a fault was reported.
func start(p plan.View) uintptr {
	if !permitted(p) {
		return 0
	}
	holdSignals(p)
	knowCommand(p)
	wakeInTime(p) // the command could stop us before we know that it runs
	if !triesScopes(p) {
		acting.Say(plan.MsgFault, step.Failed(unix.EOPNOTSUPP, plan.SubMain), fenceAt(p), 0)
		return 0
	}
	if monitor.viaKeeper {
		return startKept(p)
	}
	if p.Has(plan.FlagJoin) {
		return startJoined(p)
	}
	pid, said := forkInto(uintptr(p.Clone), p)
	if e := raw.Errno(pid); e != 0 {
		if !said && !acting.Say(plan.MsgFault, step.Fault{Errno: e, Sub: plan.SubClone}, plan.NoStep, p.Clone) {
			step.Complain(raw.Text("Creating new namespace failed\x00"), e, raw.Text("\x00"))
		}
		return 0
	}
	if pid == 0 {
		letSignals()
		runFirst(p)
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
		letSignals()
		runJoiner(p)
	}
	raw.Close(feed.child)
	feed.child = 0
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
	return raw.Fcntl(acting.Sock, unix.F_GETOWN, 0)
}

// runJoiner enters the given namespaces and clones the first process as the monitor's
// child. A new pid namespace below a given one can only be made from inside of that
// one: then a helper does it, whose pid the joiner says on the feed (0: no helper).
func runJoiner(p plan.View) {
	dieWithParent()
	acting.OpenProc()
	run(p, 0, p.Join)
	helper := uintptr(0)
	if joinsPID(p) && p.Clone&unix.CLONE_NEWPID != 0 {
		helper = fork(unix.CLONE_PARENT, p)
		if e := raw.Errno(helper); e != 0 {
			acting.End(step.Failed(e, plan.SubClone))
		}
		if helper == 0 {
			cloneFirst(p)
		}
	}
	raw.WriteWord(feed.child, uint32(helper))
	if helper == 0 {
		cloneFirst(p)
	}
	raw.Exit(0)
}

func joinsPID(p plan.View) bool {
	for i := uint32(0); i < p.Join; i++ {
		if s := p.Step(i); s.Op == plan.OpSetns && s.B == unix.CLONE_NEWPID {
			return true
		}
	}
	return false
}

// cloneFirst clones the first process as a sibling and ends.
func cloneFirst(p plan.View) {
	pid := fork(uintptr(p.Clone)|unix.CLONE_PARENT, p)
	if e := raw.Errno(pid); e != 0 {
		acting.End(step.Fault{Errno: e, Sub: plan.SubClone, Extra: p.Clone})
	}
	if pid == 0 {
		runFirst(p)
	}
	raw.Exit(0)
}

// announced is the word on the feed that the first process has made itself known.
const announced = 1

// announce tells the monitor who the first process is; see startJoined.
func announce() {
	raw.Fcntl(acting.Sock, unix.F_SETOWN, raw.Getpid())
	raw.WriteWord(feed.child, announced)
}

// closeOthers closes all that the monitor does not need: the caller's descriptors, the
// standard ones too, so that a reader sees the end of the payload. But keeps one that a
// failure of set-up may be reported on; nowhere: none.
func closeOthers(p plan.View, but uintptr) {
	if acting.Sock != 0 && acting.Sock != nowhere {
		raw.Close(acting.Sock)
		acting.Sock = 0
	}
	if feed.child != 0 {
		raw.Close(feed.child)
		feed.child = 0
	}
	end := nowhere
	if feed.monitor != 0 {
		end = feed.monitor
	}
	json := nowhere
	if p.JSONFd >= 0 {
		json = uintptr(p.JSONFd)
	}
	closeAllBut(p, end, json, but, p.Has(plan.FlagKeepSync))
}

// nowhere is above every descriptor.
const nowhere = uintptr(1<<31 - 1)

// orNowhere returns a descriptor of ours, nowhere if it is not open.
func orNowhere(fd uintptr) uintptr {
	if fd == 0 {
		return nowhere
	}
	return fd
}

// closeAllBut closes every descriptor but a, b, c, the line, the cgroup, what
// placeholders need and, where sync says so,
// the sync fds.
func closeAllBut(p plan.View, a, b, c uintptr, sync bool) {
	next := uintptr(0)
	for next < nowhere {
		keep := nowhere
		for _, fd := range [...]uintptr{a, b, c, orNowhere(host.line), orNowhere(monitor.cgroup), orNowhere(relay.fd)} {
			if fd >= next {
				keep = min(keep, fd)
			}
		}
		keep = heldAbove(next, keep)
		for i := uint32(0); sync && i < p.Syncc; i++ {
			if v := uintptr(*p.Slot(p.Sync + i)); v >= next && v < keep {
				keep = v
			}
		}
		if keep > next {
			acting.CloseRange(next, keep-1)
		}
		next = keep + 1
	}
}

// waitFront waits for the front end to end and returns its wait status: 0 when the payload
// runs, or when there was nothing to run.
func waitFront(front uintptr) uint32 {
	if host.there {
		return 0 // the embedding program goes on, and formats the message itself
	}
	r, status := raw.Wait(front)
	if raw.Errno(r) != 0 {
		return 1 << 8
	}
	return status
}
