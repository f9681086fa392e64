package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file is plan mode: the front end is a Go program that goes on, the host, which
// started this process as the monitor at once:
//
//	argv: PlanWord, the socket's number, the line's, a mask of ignored signals
//
// The socket is as in any launch. The line is a pipe whose other end the host alone has,
// and the payload's processes never. Until there is a first process, whatever happens
// there kills the monitor (armLine), and what it has started with it (FlagDieWithParent is
// in every such plan). From then on the monitor looks itself (watch): at the end of the
// line, or a byte LineKill, it ends the sandbox and is the last to go. The host says
// LineRuns when set-up is over: without FlagLifeline the sandbox may then outlive it. So
// nothing hangs on a thread of the host's, whose end is where PR_SET_PDEATHSIG would
// strike.

// PlanWord is the name, argv[0], of a program that is to be a monitor. A caller with
// bubblewrap's command line has no use for it. It is not an argument, since there are
// programs that let strangers choose the arguments of a privileged one, but not its name.
const PlanWord = "gobwrap: monitor"

// What the host says on the line.
const (
	LineRuns = iota + 1 // set-up is over, and others have been told
	LineKill            // the sandbox is to end; or set-up has failed
)

const planWord = PlanWord + "\x00"

// inPlanMode reports whether this start is for plan mode.
func inPlanMode(sp unsafe.Pointer) bool {
	return *(*uintptr)(sp) == 4 && same(mapped(*(*uintptr)(unsafe.Add(sp, 8))), text(planWord))
}

// enterHosted is the first function of a host that was linked with childs's entry for
// hosts, hostEntry: it returns where this is a start like any other.
//
//lint:ignore U1000 called by hostEntry, in assembly
func enterHosted(sp uintptr) {
	room.entered = enteredHost
	if !inPlanMode(mapped(sp)) {
		return
	}
	if auxv(mapped(sp), atSecure) != 0 {
		exit(1) // a set-id host lends nobody its privilege
	}
	hosted(mapped(sp))
}

// hosted is the launcher in plan mode, from its start to its end.
func hosted(sp unsafe.Pointer) {
	sock, okSock := number(mapped(*(*uintptr)(unsafe.Add(sp, 16))))
	line, okLine := number(mapped(*(*uintptr)(unsafe.Add(sp, 24))))
	if !okSock || !okLine || !areOurs(sock, line) {
		giveUp(text("this name is for the package sandbox of gobwrap\x00"), 0)
	}
	closeRange(line+1, nowhere) // what the host has open without close-on-exec
	for fd := uintptr(0); fd < 3; fd++ {
		if errno(fcntl(fd, unix.F_GETFD, 0)) == 0 {
			room.stdio |= 1 << fd
		}
	}
	defaultAction(unix.SIGCHLD)
	takeUp(sock, line)
	if auxv(sp, atSecure) != 0 {
		standAndDrop(sp, room.line, room.sock)
	}
	monitorHosted()
}

// monitorHosted is the part that a host which starts itself has too (takenOver).
func monitorHosted() {
	room.expect = getpid()
	if refusedStart() {
		say(plan.MsgFault, 0, plan.NoStep, plan.SubStanding, uint32(room.standing))
		exit(1)
	}
	if !armLine() {
		exit(1)
	}
	openFeed()
	p := attempt(0)
	for p.has(plan.FlagTentative) && !reachedGo() {
		again()
		p = attempt(0)
	}
	releaseFirst(p)
	// From here on we look ourselves. The host says nothing on the line before it has seen
	// the end of the socket, of which closeOthers closes our copy: no word of its kills us.
	fcntl(room.line, unix.F_SETFL, 0)
	closeOthers(p, nowhere)
	reapKeeper()
	status := watch(p)
	reapStray()
	reclaimTerminal(p)
	if p.h.JSONFd >= 0 && ran() {
		reportExit(uintptr(p.h.JSONFd), exitCode(status))
	}
	endLike(status)
}

// areOurs reports whether these can be the socket and the line: open, and in the order in
// which hosts have them. The kernel looks at the lower half of a number only.
func areOurs(sock, line uintptr) bool {
	return sock < line && line < nowhere && isSocket(sock) && errno(fcntl(line, unix.F_GETFD, 0)) == 0
}

// takeUp moves them out of the way. From here on this is plan mode, for the keeper's
// processes too: none of them asks the host to end.
func takeUp(sock, line uintptr) {
	room.hosted = 1
	fcntl(sock, unix.F_SETFD, unix.FD_CLOEXEC)
	fcntl(line, unix.F_SETFD, unix.FD_CLOEXEC)
	room.sock, room.line = above(sock), above(line)
}

// isSocket reports whether fd is a stream socket of this machine.
func isSocket(fd uintptr) bool {
	domain, kind, size := &room.message[0], &room.message[1], &room.message[2]
	*size = 4
	a := errno(raw(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_DOMAIN, addr(unsafe.Pointer(domain)), addr(unsafe.Pointer(size)), 0))
	*size = 4
	b := errno(raw(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_TYPE, addr(unsafe.Pointer(kind)), addr(unsafe.Pointer(size)), 0))
	return a == 0 && b == 0 && *domain == unix.AF_UNIX && *kind == unix.SOCK_STREAM
}

// armLine makes whatever happens on the line kill us (F_SETSIG, fcntl(2)), wherever we
// are. What has happened before that raises no signal.
func armLine() bool {
	if errno(fcntl(room.line, unix.F_SETOWN, getpid())) != 0 || errno(fcntl(room.line, fSetSig, uintptr(unix.SIGKILL))) != 0 ||
		errno(fcntl(room.line, unix.F_SETFL, unix.O_ASYNC)) != 0 {
		return false
	}
	var fds pollfd
	var now unix.Timespec
	fds.fd, fds.events = int32(room.line), unix.POLLIN
	r := raw(unix.SYS_PPOLL, addr(unsafe.Pointer(&fds)), 1, addr(unsafe.Pointer(&now)), 0, 8, 0)
	return errno(r) == 0 && fds.revents == 0
}

const fSetSig = 10 // F_SETSIG

// watch waits for the payload, and obeys the line meanwhile. It returns the payload's
// wait status with nothing of the sandbox left that is ours to wait for.
func watch(p program) uint32 {
	var fds [2]pollfd
	fds[0].fd, fds[0].events = int32(room.line), unix.POLLIN
	fds[1].fd, fds[1].events = int32(room.monitorEnd), unix.POLLIN
	patience := uintptr(0)
	var nap unix.Timespec
	if !p.has(plan.FlagInit) {
		fd := raw(unix.SYS_PIDFD_OPEN, room.first, 0, 0, 0, 0, 0)
		if errno(fd) != 0 { // before 5.3, or refused by a filter
			fd = ^uintptr(0)
			nap.Nsec = 1e7
			patience = addr(unsafe.Pointer(&nap))
		}
		fds[1].fd = int32(fd)
	}
	for {
		raw(unix.SYS_PPOLL, addr(unsafe.Pointer(&fds)), 2, patience, 0, 8, 0)
		if fds[1].revents != 0 && p.has(plan.FlagInit) && readWord() && room.message[0] == begun {
			fds[1].revents = 0
		}
		if fds[1].revents != 0 || patience != 0 && hasEnded(room.first) {
			return lastStatus(p)
		}
		if fds[0].revents != 0 {
			fds[0].revents = 0
			fds[0].fd = heed(p)
		}
	}
}

// heed does what the line says, and returns it, or -1 where there is nothing more to
// expect of it.
func heed(p program) int32 {
	if readFull(room.line, unsafe.Pointer(&room.small), 1) != 1 {
		if room.runs != LineRuns || p.has(plan.FlagLifeline) {
			kill(room.first, uintptr(unix.SIGKILL))
		}
		return -1
	}
	if room.small[0] != LineRuns {
		kill(room.first, uintptr(unix.SIGKILL))
	}
	if room.runs == 0 {
		room.runs = uint32(room.small[0])
	}
	return int32(room.line)
}

// ran reports whether the command has run, as the host has it, who may not have said so yet:
// what it tells others about that comes before the exit status.
func ran() bool {
	for room.runs == 0 {
		room.runs = LineKill
		if readFull(room.line, unsafe.Pointer(&room.small), 1) == 1 {
			room.runs = uint32(room.small[0])
		}
	}
	return room.runs == LineRuns
}

// hasEnded reports whether a child has, without taking its status.
func hasEnded(pid uintptr) bool {
	const exited = 4 // WEXITED
	info := addr(unsafe.Pointer(&room.data))
	*(*uint32)(unsafe.Pointer(&room.data)) = 0
	r := raw(unix.SYS_WAITID, 1, pid, info, exited|unix.WNOHANG|unix.WNOWAIT|unix.WALL, 0, 0) // P_PID
	return errno(r) != 0 || *(*uint32)(unsafe.Pointer(&room.data)) == uint32(unix.SIGCHLD)
}

// lastStatus is the payload's status, by init's word where there is one. Whoever is left
// with init then goes too, and init with them: nobody is left for the host to inherit.
func lastStatus(p program) uint32 {
	status := room.message[0] & 0xffff // watch has read it
	got := p.has(plan.FlagInit) && room.message[0]&ended != 0
	if got {
		kill(room.first, uintptr(unix.SIGKILL))
	}
	if e := errno(wait(room.first)); e != 0 && !got {
		return 1 << 8
	}
	if got {
		return status
	}
	return room.status
}

// endLike ends this process as another one has ended, by the same signal if it was one:
// the host sees what it would see of the payload itself.
func endLike(status uint32) {
	if sig := uintptr(status & 0x7f); sig != 0 {
		prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // one core is enough
		defaultAction(unix.Signal(sig))
		raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, maskOf(unix.Signal(sig)), 0, 8, 0, 0)
		kill(getpid(), sig)
	}
	exit(exitCode(status))
}

// hangUp closes, in a process that is not the monitor, what only that needs: the line, the
// ear, and the ways to the keeper.
func hangUp() {
	for _, fd := range [...]*uintptr{&room.ear, &room.line, &room.keeperEnd, &room.keptEar, &room.keptSock} {
		if *fd != 0 {
			closeFd(*fd)
			*fd = 0
		}
	}
}
