package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// program is a verified plan in memory that only this process can write.
type program struct {
	base unsafe.Pointer
	h    *plan.Header
}

func (p program) str(off uint32) unsafe.Pointer {
	return unsafe.Add(p.base, uintptr(p.h.Arena)+uintptr(off))
}

func (p program) slot(i uint32) *uint64 { return plan.SlotAt(p.base, p.h, i) }

func (p program) has(flag uint32) bool { return p.h.Flags&flag != 0 }

// runMonitor is the launcher after the fork: it receives the plan, starts the
// sandbox's first process, waits, and ends with the payload's status.
func runMonitor(front uintptr) {
	room.expect = getpid()
	headStart()
	p := attempt(front)
	for p.has(plan.FlagTentative) && !reachedGo() {
		again()
		p = attempt(front)
	}
	releaseFirst(p)
	closeOthers(p, 2) // errors of set-up may still be reported there
	if waitFront(front) != 0 {
		endFailed(p)
	}
	reapKeeper()
	requireSetUp(p)
	closeOthers(p, nowhere)
	code := exitCode(payloadStatus(p))
	reapStray()
	reclaimTerminal(p)
	if p.h.JSONFd >= 0 {
		reportExit(uintptr(p.h.JSONFd), code)
	}
	exit(code)
}

// attempt starts what the front end sends. It returns with the first process started,
// or, for a tentative plan, refused.
func attempt(front uintptr) program {
	p := receive(front)
	if p.has(plan.FlagDieWithParent) && room.hosted == 0 {
		prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		if getppid() != room.parent {
			exit(p.h.Failed)
		}
	}
	room.first = start(p)
	if room.first == 0 && !p.has(plan.FlagTentative) {
		dismissKeeper() // it holds the socket too, at whose end the front end knows
		closeFd(room.sock)
		waitFront(front)
		quit(p.h.Failed)
	}
	if room.first != 0 && p.has(plan.FlagHandshake) {
		say(plan.MsgStarted, 0, plan.NoStep, 0, uint32(room.first))
	}
	return p
}

// reachedGo reports whether a tentative attempt came to OpGo. If not, the front end has
// been told why, and either sends another plan or ends.
func reachedGo() bool {
	if room.first == 0 {
		return false
	}
	if room.childEnd != 0 {
		closeFd(room.childEnd)
		room.childEnd = 0
	}
	return readFull(room.monitorEnd, unsafe.Pointer(&room.message), 4) == 4 && room.message[0] == reached
}

// again clears an attempt away and tells the front end. A first process that was killed has
// sent no fault: without MsgOver the front end would wait for one, and we for its plan.
func again() {
	status := uint32(0)
	if room.first != 0 {
		kill(room.first, uintptr(unix.SIGKILL))
		wait(room.first)
		room.first, status = 0, room.status
	}
	reopenFeed()
	say(plan.MsgOver, 0, plan.NoStep, 0, status)
}

// receive reads the plan and has it verified. A front end that ends without one
// (help, an error, a listing) has said all that there is to say.
func receive(front uintptr) program {
	got := readFull(room.sock, unsafe.Pointer(&room.message), 4) == 4
	if got && room.message[0]&leaving != 0 && room.hosted == 0 {
		waitFront(front)
		quit(room.message[0] & 0xff)
	}
	if !got {
		closeFd(room.sock)
		code := waitFront(front)
		if code > 1 { // not one of its own
			explainFront(code)
			code = 1
		}
		quit(code)
	}
	n := room.message[0] &^ (handed | forKeeper)
	if room.hosted != 0 {
		room.message[0] &^= handed // there is no early process
	}
	room.handed, room.viaKeeper = room.message[0]&handed, room.message[0]&forKeeper
	if n > plan.MaxSize {
		quit(1)
	}
	p, e, v := take(room.sock, n)
	if e == 0 && v == plan.Good {
		return p
	}
	if e != unix.EPIPE {
		say(plan.MsgFault, e, plan.NoStep, plan.SubPlan, uint32(v))
	}
	closeFd(room.sock)
	quit(max(waitFront(front), 1))
	return program{}
}

// explainFront says why the front end has ended without a word: room.status is what was
// waited for, code what exitCode makes of it.
func explainFront(code uint32) {
	switch sig := room.status & 0x7f; sig {
	case 0:
		tell(2, text("can't start: the Go runtime ended with status \x00"), uintptr(code),
			text("; limits on processes or memory may be too low\x00"))
	case uint32(unix.SIGSYS):
		complain(text("can't start: a seccomp filter killed the front end (SIGSYS); it must permit what Go programs call\x00"), 0, text("\x00"))
	default:
		tell(2, text("can't start: the front end was killed by signal \x00"), uintptr(sig),
			text("; if not by hand, memory may be short\x00"))
	}
}

// take reads a plan of n bytes from fd into memory of this process and has it verified. EPIPE
// stands for a plan that stops short.
func take(fd uintptr, n uint32) (program, unix.Errno, plan.Verdict) {
	base := unsafe.Pointer(&room.plan)
	if n > maxHanded { // a plan that the early process has been handed must not fail for want of memory
		r := raw(unix.SYS_MMAP, 0, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
		if e := errno(r); e != 0 {
			return program{}, e, 0
		}
		base = mapped(r)
	}
	if readFull(fd, base, uintptr(n)) != uintptr(n) {
		return program{}, unix.EPIPE, 0
	}
	return program{base, (*plan.Header)(base)}, 0, plan.Verify(base, n)
}

// quit ends a launch that came to nothing.
func quit(code uint32) {
	discard()
	dismissKeeper()
	reapKeeper()
	exit(code)
}

// say sends a message to the front end, and reports whether there was one to take it.
func say(kind uint32, e unix.Errno, step uint32, sub plan.Sub, extra uint32) bool {
	m := unsafe.Pointer(&room.message)
	room.message[0] = kind
	room.message[1] = step
	room.message[2] = uint32(sub)
	room.message[3] = uint32(e)
	room.message[4] = extra
	*(*byte)(unsafe.Add(m, plan.MessageText)) = 0
	if sub == plan.SubExists || sub >= plan.SubScript && sub <= plan.SubNoProgram {
		end := uintptr(plan.MessageSize - plan.MessageText - 1)
		for i := uintptr(0); i <= end; i++ {
			*(*byte)(unsafe.Add(m, plan.MessageText+i)) = *(*byte)(unsafe.Add(unsafe.Pointer(&room.link), i))
		}
		*(*byte)(unsafe.Add(m, plan.MessageText+end)) = 0
	}
	if room.filtered != 0 { // a filter that lets the payload write need not let it send
		return writeFull(room.sock, m, plan.MessageSize) == 0
	}
	r := raw(unix.SYS_SENDTO, room.sock, addr(m), plan.MessageSize, unix.MSG_NOSIGNAL, 0, 0)
	return errno(r) == 0
}

// openFeed makes the pair of sockets between the monitor and the sandbox's first
// process: the plan goes down, the payload's status comes up from init, and who looks
// whether the other end is closed learns whether the monitor still lives.
func openFeed() {
	r := raw(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, addr(unsafe.Pointer(&room.pair)), 0, 0)
	if e := errno(r); e != 0 {
		giveUp(text("Can't make a socket pair\x00"), e)
	}
	room.monitorEnd = above(uintptr(room.pair[0]))
	room.childEnd = above(uintptr(room.pair[1]))
}

// reopenFeed forgets what a process with a wrong head start may have left in the feed.
func reopenFeed() {
	closeFd(room.monitorEnd)
	if room.childEnd != 0 {
		closeFd(room.childEnd)
	}
	openFeed()
}

// start clones the sandbox's first process, through a joining one where namespaces
// are given, or takes the one that had a head start, if the guess was right. It returns
// its pid, or 0 after a fault was reported.
func start(p program) uintptr {
	if room.viaKeeper != 0 {
		discard()
		return startKept(p)
	}
	if room.early != 0 {
		closeFd(room.childEnd) // or the plan would never be refused by a feed that nobody reads
		room.childEnd = 0
		if fits(p) && (room.handed != 0 || hand(p)) {
			return settle(p)
		}
		discard()
		reopenFeed()
	}
	if p.has(plan.FlagJoin) {
		return startJoined(p)
	}
	pid := fork(uintptr(p.h.Clone), p)
	if e := errno(pid); e != 0 {
		if !say(plan.MsgFault, e, plan.NoStep, plan.SubClone, p.h.Clone) {
			complain(text("Creating new namespace failed\x00"), e, text("\x00"))
		}
		return 0
	}
	if pid == 0 {
		runFirst(p)
	}
	return pid
}

// startJoined starts the joining process and learns from it, and from the first
// process, who is there. The first process may live in another pid namespace, where
// its number is not ours: it makes itself the owner of the socket that both hold, and
// the kernel translates (F_GETOWN, fcntl(2)).
func startJoined(p program) uintptr {
	pid := fork(0, p)
	if pid == 0 {
		runJoiner(p)
	}
	closeFd(room.childEnd)
	room.childEnd = 0
	in, buf := room.monitorEnd, unsafe.Pointer(&room.message)
	ok := errno(pid) == 0 && readFull(in, buf, 4) == 4
	helper := uintptr(room.message[0])
	wait(pid)
	if ok && helper != 0 {
		wait(helper)
	}
	if !ok || readFull(in, buf, 4) != 4 {
		return 0
	}
	return fcntl(room.sock, unix.F_GETOWN, 0)
}

// runJoiner enters the given namespaces and clones the first process as the monitor's
// child. A new pid namespace below a given one can only be made from inside of that
// one: then a helper does it, whose pid the joiner says on the feed (0: no helper).
func runJoiner(p program) {
	dieWithParent()
	openProc()
	run(p, 0, p.h.Join)
	helper := uintptr(0)
	if joinsPID(p) && p.h.Clone&unix.CLONE_NEWPID != 0 {
		helper = fork(unix.CLONE_PARENT, p)
		if e := errno(helper); e != 0 {
			fault(e, plan.SubClone, 0)
		}
		if helper == 0 {
			cloneFirst(p)
		}
	}
	room.message[0] = uint32(helper)
	writeFull(room.childEnd, unsafe.Pointer(&room.message), 4)
	if helper == 0 {
		cloneFirst(p)
	}
	exit(0)
}

func joinsPID(p program) bool {
	for i := uint32(0); i < p.h.Join; i++ {
		if s := plan.StepAt(p.base, i); s.Op == plan.OpSetns && s.B == unix.CLONE_NEWPID {
			return true
		}
	}
	return false
}

// cloneFirst clones the first process as a sibling and ends.
func cloneFirst(p program) {
	pid := fork(uintptr(p.h.Clone)|unix.CLONE_PARENT, p)
	if e := errno(pid); e != 0 {
		fault(e, plan.SubClone, p.h.Clone)
	}
	if pid == 0 {
		runFirst(p)
	}
	exit(0)
}

// announce tells the monitor who the first process is; see startJoined.
func announce() {
	fcntl(room.sock, unix.F_SETOWN, getpid())
	room.message[0] = 1
	writeFull(room.childEnd, unsafe.Pointer(&room.message), 4)
}

// closeOthers closes all that the monitor does not need: the caller's descriptors, the
// standard ones too, so that a reader sees the end of the payload. But keeps one that a
// failure of set-up may be reported on; nowhere: none.
func closeOthers(p program, but uintptr) {
	if room.sock != 0 && room.sock != nowhere {
		closeFd(room.sock)
		room.sock = 0
	}
	if room.childEnd != 0 {
		closeFd(room.childEnd)
		room.childEnd = 0
	}
	feed := nowhere
	if room.monitorEnd != 0 {
		feed = room.monitorEnd
	}
	json := nowhere
	if p.h.JSONFd >= 0 {
		json = uintptr(p.h.JSONFd)
	}
	closeAllBut(p, feed, json, but, p.has(plan.FlagKeepSync))
}

// nowhere is above every descriptor.
const nowhere = uintptr(1<<31 - 1)

// closeAllBut closes every descriptor but a, b, c, the line and, where sync says so, the
// sync fds.
func closeAllBut(p program, a, b, c uintptr, sync bool) {
	next := uintptr(0)
	for next < nowhere {
		keep := nowhere
		if a >= next && a < keep {
			keep = a
		}
		if b >= next && b < keep {
			keep = b
		}
		if c >= next && c < keep {
			keep = c
		}
		if line := room.line; line != 0 && line >= next && line < keep {
			keep = line
		}
		for i := uint32(0); sync && i < p.h.Syncc; i++ {
			if v := uintptr(*p.slot(p.h.Sync + i)); v >= next && v < keep {
				keep = v
			}
		}
		if keep > next {
			closeRange(next, keep-1)
		}
		next = keep + 1
	}
}

// waitFront waits for the front end to end and returns its status: 0 when the
// payload runs, or when there was nothing to run.
func waitFront(front uintptr) uint32 {
	if room.hosted != 0 {
		return 0 // it goes on, and has the words by itself
	}
	if errno(wait(front)) != 0 {
		return 1
	}
	return exitCode(room.status)
}
