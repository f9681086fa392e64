package child

// Room: no runtime. See doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// launchDirect is a launch without a front end. It returns false, with nothing changed,
// where the command line takes a Go runtime; and true in a process that is to become Go to
// say what became of the launch (see LaunchHeard). It does not return otherwise.
func launchDirect(sp unsafe.Pointer) bool {
	if !findWords(sp) || !parseLine() || needsGo() || !compileLine(false) {
		return false
	}
	p := linePlan()
	if !openEar(p) {
		return false
	}
	room.direct = 1
	openFeed()
	room.expect = getpid()
	if p.has(plan.FlagDieWithParent) {
		prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		if getppid() != room.parent {
			exit(p.h.Failed)
		}
	}
	room.first = start(p)
	if p.has(plan.FlagTentative) && !reachedGo() {
		if !refusedDirect(p) {
			return endFailedDirect(p)
		}
		p = linePlan()
		room.first = start(p)
	}
	deaf()
	for {
		switch hearSetUp(p) {
		case payloadRuns:
			endDirect(p)
		case warned:
			if becomeGo() {
				return true
			}
		case setUpFailed:
			return endFailedDirect(p)
		}
	}
}

// linePlan is the plan of the command line.
func linePlan() program {
	base := mapped(line.planAt)
	return program{base, (*plan.Header)(base)}
}

// deaf leaves the first process, and its own, as the only ones that can speak on the socket:
// the ear hears its end then.
func deaf() {
	closeFd(room.sock)
	room.sock = nowhere
	if room.childEnd != 0 {
		closeFd(room.childEnd)
		room.childEnd = 0
	}
}

// refusedDirect hears why a tentative attempt has not come to OpGo. If the kernel refuses a
// user namespace, it makes another plan, without one, and reports true; the first one and
// its fault are kept, for the text of a second one.
func refusedDirect(p program) bool {
	closeFd(room.sock)
	room.sock = nowhere
	line.heard = killed
	if _, ok := hear(unsafe.Pointer(&line.message)); ok && line.message[0] == plan.MsgFault {
		line.heard = setUpFailed
	}
	if line.heard == killed || !refuses(p) {
		return false
	}
	if room.first != 0 {
		kill(room.first, uintptr(unix.SIGKILL))
		wait(room.first)
		room.first = 0
	}
	line.firstPlanAt, line.firstPlanSize, line.firstOriginsAt = line.planAt, line.planSize, line.originsAt
	line.firstMessage = line.message
	closeEar()
	reopenFeed()
	return compileLine(true) && openEar(linePlan())
}

// refuses reports whether a fault is the kernel's refusal of a user namespace: of the clone,
// or of the first things that one is good for.
func refuses(p program) bool {
	m := &line.message
	step, sub, e, extra := m[1], plan.Sub(m[2]), unix.Errno(m[3]), m[4]
	if step == plan.NoStep {
		switch e {
		case unix.ENOSPC, unix.EUSERS:
			// Used up is not refused: a sandboxed command could use them up on purpose, to
			// have the next sandbox made in another way.
			return sub == plan.SubClone && extra != 0 && zero(text("/proc/sys/user/max_user_namespaces\x00"))
		case unix.EAGAIN, unix.ENOMEM:
			return false
		}
		return sub == plan.SubClone && extra != 0
	}
	if step >= p.h.Steps || e != unix.EPERM && e != unix.EACCES {
		return false
	}
	for i := uint32(0); i < step; i++ {
		if plan.StepAt(p.base, i).Op == plan.OpGo {
			return false
		}
	}
	switch plan.StepAt(p.base, step).Op {
	case plan.OpIDMap, plan.OpLoopback, plan.OpSlave, plan.OpRoot:
		return true
	}
	return false
}

// What is heard of set-up, and where line.heard says so to the process that becomes Go.
const (
	payloadRuns = iota
	warned      // line.message is a warning
	setUpFailed // line.message is a fault
	killed      // nothing was said
)

// openEar makes the pair of sockets on which the acting side speaks to this process.
func openEar(p program) bool {
	r := raw(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, addr(unsafe.Pointer(&room.pair)), 0, 0)
	if errno(r) != 0 {
		return false
	}
	room.ear, room.sock = above(uintptr(room.pair[0])), above(uintptr(room.pair[1]))
	if p.h.JSONFd >= 0 {
		on := uint32(1)
		raw(unix.SYS_SETSOCKOPT, room.ear, unix.SOL_SOCKET, unix.SO_PASSCRED, addr(unsafe.Pointer(&on)), 4, 0)
	}
	return true
}

func closeEar() {
	if room.ear != 0 {
		closeFd(room.ear)
		room.ear = 0
	}
}

// hearSetUp follows set-up until the payload runs, or there is something to say.
func hearSetUp(p program) uint32 {
	m := &line.message
	reached := p.h.JSONFd < 0 && p.h.Failed == 1 && line.filtered == 0
	command := uintptr(0)
	for {
		sender, ok := hear(unsafe.Pointer(m))
		if !ok && !(reached || command != 0) {
			line.heard = killed
			return setUpFailed
		}
		if !ok {
			reportRuns(command)
			return payloadRuns
		}
		switch m[0] {
		case plan.MsgExec:
			command = sender
			reached = true
		case plan.MsgReady:
			reportReady(p)
			if writeFull(room.ear, unsafe.Pointer(m), 1) != 0 {
				line.heard = killed
				return setUpFailed
			}
		case plan.MsgWarn:
			line.heard = warned
			return warned
		case plan.MsgFault:
			line.heard = setUpFailed
			return setUpFailed
		}
	}
}

// hear reads one message. ok is false at the end; sender is a pid, where it is known.
func hear(buf unsafe.Pointer) (sender uintptr, ok bool) {
	var from struct {
		length      uint64 // struct cmsghdr, then struct ucred
		level, kind int32
		pid         int32
		uid, gid    uint32
		_           int32
	}
	for have := uintptr(0); have < plan.MessageSize; {
		var m msghdr
		iov := [2]uintptr{addr(buf) + have, plan.MessageSize - have}
		m.iov, m.iovlen = addr(unsafe.Pointer(&iov)), 1
		m.control, m.controllen = addr(unsafe.Pointer(&from)), unsafe.Sizeof(from)
		r := raw(unix.SYS_RECVMSG, room.ear, addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		switch e := errno(r); {
		case e == unix.EINTR:
			continue
		case e != 0: // a filter
			r = raw(unix.SYS_READ, room.ear, addr(buf)+have, plan.MessageSize-have, 0, 0, 0)
			if errno(r) != 0 || r == 0 {
				return 0, false
			}
		case r == 0:
			return 0, false
		case m.controllen > 0 && from.level == unix.SOL_SOCKET && from.kind == unix.SCM_CREDENTIALS:
			sender = uintptr(from.pid)
		}
		have += r
	}
	return sender, true
}

// endDirect stays until the payload has ended, and ends with its status.
func endDirect(p program) {
	requireSetUp(p)
	closeOthers(p, nowhere)
	code := exitCode(payloadStatus(p))
	reclaimTerminal(p)
	if p.h.JSONFd >= 0 {
		reportExit(uintptr(p.h.JSONFd), code)
	}
	exit(code)
}

// endFailedDirect ends a launch that has failed. It returns true in a process that becomes
// Go to say why.
func endFailedDirect(p program) bool {
	closeEar()
	first := uint32(0)
	if room.first != 0 {
		kill(room.first, uintptr(unix.SIGKILL))
		wait(room.first)
		first = room.status
	}
	for readWord() {
		if room.message[0]&ended != 0 { // init has outlived the payload's process
			first = room.message[0] & 0xffff
		}
	}
	if line.heard != killed || p.h.JSONFd >= 0 || line.filtered != 0 {
		if becomeGo() {
			return true
		}
	}
	if line.heard == killed && line.filtered == 0 {
		tellKilled(first)
	}
	exit(p.h.Failed)
	return false
}

// becomeGo forks a process that becomes a Go program and says what line.heard is about. It
// returns true there, and false in this process when that one has ended. If it has said
// nothing by then, this process says why that may be.
func becomeGo() bool {
	launcher := getpid()
	r := raw(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, addr(unsafe.Pointer(&room.pair)), 0, 0)
	mine, its := nowhere, nowhere
	if errno(r) == 0 {
		mine, its = above(uintptr(room.pair[0])), above(uintptr(room.pair[1]))
	}
	pid := clone(0)
	if e := errno(pid); e != 0 {
		complain(text("Can't start the front end\x00"), e, text("\x00"))
		return false
	}
	if pid == 0 {
		closeEar()
		closeFd(mine)
		room.sock = its
		frontEnd(launcher)
		return true
	}
	closeFd(its)
	ended := errno(wait(pid)) == 0
	spoken := raw(unix.SYS_RECVFROM, mine, addr(unsafe.Pointer(&room.small)), 1, unix.MSG_DONTWAIT, 0, 0) == 1
	closeFd(mine)
	if code := exitCode(room.status); ended && !spoken && code > 1 {
		explainFront(code)
	}
	return false
}
