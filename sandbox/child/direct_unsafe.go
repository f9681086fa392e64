package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor, which has no privilege here: that of a set-id start is dropped.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// launchDirect is a launch without a front end. It returns false, with nothing changed,
// where the command line takes a Go runtime; and true in a process that is to become Go to
// say what became of the launch (see LaunchHeard). It does not return otherwise.
func launchDirect(sp unsafe.Pointer) bool {
	if refusedStart() || !findWords(sp) || !parseLine() || needsGo() || !compileLine(false) {
		return false
	}
	p := linePlan()
	if !openEar(p) {
		return false
	}
	monitor.direct = true
	openFeed()
	acting.Parent = raw.Getpid()
	if p.Has(plan.FlagDieWithParent) {
		raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		if raw.Getppid() != started.parent {
			raw.Exit(p.Failed)
		}
	}
	if !admitted(p) {
		return endFailedDirect(p)
	}
	monitor.first = start(p)
	if p.Has(plan.FlagTentative) && !reachedGo() {
		if !refusedDirect(p) {
			return endFailedDirect(p)
		}
		p = linePlan()
		monitor.first = start(p)
	}
	releaseFirst(p)
	reapDismissed()
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

// linePlan returns the plan of the command line.
func linePlan() plan.View {
	return plan.ViewAt(raw.Mapped(line.planAt))
}

// deaf closes the monitor's copy of the sending end of the socket, so that the end of the
// first process shows as the end of the socket.
func deaf() {
	raw.Close(acting.Sock)
	acting.Sock = nowhere
	if feed.child != 0 {
		raw.Close(feed.child)
		feed.child = 0
	}
}

// refusedDirect reads why a tentative attempt did not reach OpGo. If the kernel refuses a user
// namespace, it makes another plan, for the keeper or without one, and reports true; the first
// one and its fault are kept, for the text of a second one.
func refusedDirect(p plan.View) bool {
	raw.Close(acting.Sock)
	acting.Sock = nowhere
	line.heard = killed
	if _, ok := hear(monitor.ear, unsafe.Pointer(&line.message), plan.MessageSize); ok && line.message[0] == plan.MsgFault {
		line.heard = setUpFailed
	}
	if line.heard == killed || !refuses(p) {
		return false
	}
	if monitor.first != 0 {
		killFirst()
		monitor.first = 0
	}
	line.firstPlanAt, line.firstPlanSize, line.firstOriginsAt = line.planAt, line.planSize, line.originsAt
	line.firstMessage = line.message
	closeEar()
	reopenFeed()
	if !compileLine(true) || !admitted(linePlan()) {
		return false
	}
	if monitor.viaKeeper {
		line.firstPlanAt = 0 // what the keeper says speaks for itself
	}
	return openEar(linePlan())
}

// admitted looks whether setuid mode can do what a plan for it says.
func admitted(p plan.View) bool {
	if !monitor.viaKeeper {
		return true
	}
	row, step := suid.CheckPlan(p.Base(), halfMemory())
	if row == suid.Permitted {
		return true
	}
	m := &line.message
	m[0], m[1], m[2], m[3], m[4] = plan.MsgFault, step, uint32(plan.SubRefused), 0, suid.Extra(row, 0)
	line.heard = setUpFailed
	return false
}

// halfMemory is what the kernel gives a tmpfs by itself, in bytes; 0 where it does not say.
func halfMemory() uint64 {
	var info unix.Sysinfo_t
	if raw.Errno(raw.Call(unix.SYS_SYSINFO, raw.Addr(unsafe.Pointer(&info)), 0, 0, 0, 0, 0)) != 0 {
		return 0
	}
	return broker.HalfMemory(&info)
}

// refuses reports whether a fault is the kernel's refusal of a user namespace: of the clone,
// or of the first things that one is good for.
func refuses(p plan.View) bool {
	m := &line.message
	step, sub, e, extra := m[1], plan.Sub(m[2]), unix.Errno(m[3]), m[4]
	if step == plan.NoStep {
		switch e {
		case unix.ENOSPC, unix.EUSERS:
			// Used up is not refused: a sandboxed command could use them up on purpose, to
			// have the next sandbox made in another way.
			return sub == plan.SubClone && extra != 0 && zero(raw.Text("/proc/sys/user/max_user_namespaces\x00"))
		case unix.EAGAIN, unix.ENOMEM:
			return false
		}
		return sub == plan.SubClone && extra != 0
	}
	if step >= p.Steps || e != unix.EPERM && e != unix.EACCES {
		return false
	}
	// Behind OpGo the attempt is no longer tentative.
	for i := uint32(0); i < step; i++ {
		if p.Step(i).Op == plan.OpGo {
			return false
		}
	}
	switch p.Step(step).Op {
	case plan.OpIDMap, plan.OpLoopback, plan.OpSlave, plan.OpRoot:
		return true
	}
	return false
}

// The results of set-up, in line.heard, for the process that becomes Go.
const (
	payloadRuns = iota
	warned      // line.message is a warning
	setUpFailed // line.message is a fault
	killed      // nothing was said
)

// openEar makes the pair of sockets on which the acting side sends messages to this process.
func openEar(p plan.View) bool {
	var e unix.Errno
	if monitor.ear, acting.Sock, e = acting.SocketPair(); e != 0 {
		return false
	}
	if p.JSONFd >= 0 {
		passSender(monitor.ear)
	}
	return true
}

// closeEar ends the hearing: what is said from here on is lost.
func closeEar() {
	if monitor.ear != 0 {
		raw.Close(monitor.ear)
		monitor.ear = 0
	}
}

// hearSetUp reads messages until the payload runs, or there is a fault or a warning.
func hearSetUp(p plan.View) uint32 {
	m := &line.message
	// Somebody relies on a command that runs only where it can be told apart: otherwise the end of
	// the socket, which the exec closes, is enough.
	reached := p.JSONFd < 0 && p.Failed == 1 && line.filtered == 0
	command := uintptr(0)
	for {
		listen(monitor.ear)
		sender, ok := hear(monitor.ear, unsafe.Pointer(m), plan.MessageSize)
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
			if !raw.SendFull(monitor.ear, unsafe.Pointer(m), 1) { // the first process may have been killed meanwhile
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

// hear reads a message of n bytes. ok is false at the end; sender is a pid, where it is known.
func hear(sock uintptr, buf unsafe.Pointer, n uintptr) (sender uintptr, ok bool) {
	sender, fd, ok := hearAll(sock, buf, n)
	if fd != 0 {
		raw.Close(fd)
	}
	return sender, ok
}

// hearAll is hear, with the descriptor that came along; 0: none.
func hearAll(sock uintptr, buf unsafe.Pointer, n uintptr) (sender, fd uintptr, ok bool) {
	var side [8]uint64 // struct cmsghdr, each with what it is about
	for have := uintptr(0); have < n; {
		var m raw.Msghdr
		iov := [2]uintptr{raw.Addr(buf) + have, n - have}
		m.Iov, m.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
		m.Control, m.Controllen = raw.Addr(unsafe.Pointer(&side)), unsafe.Sizeof(side)
		r := raw.Call(unix.SYS_RECVMSG, sock, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		switch e := raw.Errno(r); {
		case e == unix.EINTR:
			continue
		case e != 0: // a filter
			r = raw.Call(unix.SYS_READ, sock, raw.Addr(buf)+have, n-have, 0, 0, 0)
			if raw.Errno(r) != 0 || r == 0 {
				return 0, fd, false
			}
		case r == 0:
			return 0, fd, false
		default:
			for at := uintptr(0); at+16 < min(m.Controllen, unsafe.Sizeof(side)); {
				length, what, value := sidePart(unsafe.Add(unsafe.Pointer(&side), at))
				switch what {
				case unix.SCM_CREDENTIALS:
					sender = value
				case unix.SCM_RIGHTS:
					fd = acting.Above(value) // the monitor may have closed its standard streams
				}
				at += max((length+7)&^7, 16)
			}
		}
		have += r
	}
	return sender, fd, true
}

// sidePart is a part of what came along with a message (cmsg(3)): how long it is, its kind, and
// its first number.
func sidePart(p unsafe.Pointer) (length, kind, value uintptr) {
	part := (*struct {
		length      uint64
		level, kind int32
		value       int32
	})(p)
	return uintptr(part.length), uintptr(part.kind), uintptr(part.value)
}

// endDirect stays until the payload has ended, and ends with its status.
func endDirect(p plan.View) {
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

// endFailedDirect ends a launch that has failed. It returns true in a process that becomes
// Go to say why.
func endFailedDirect(p plan.View) bool {
	closeEar()
	deaf()
	first := uint32(0)
	if monitor.first != 0 {
		first = killFirst()
	}
	dismissKeeper()
	reapKeeper()
	first = lastWord(first)
	reapStray()
	if line.heard == setUpFailed && plan.Sub(line.message[2]) == plan.SubKeeper && monitor.keeperEnded&0x7f != 0 {
		line.heard, first = killed, monitor.keeperEnded
	}
	removePlaceholders()
	if line.heard != killed || p.JSONFd >= 0 || line.filtered != 0 {
		if becomeGo() {
			return true
		}
	}
	if line.heard == killed && line.filtered == 0 {
		tellKilled(first)
	}
	raw.Exit(p.Failed)
	return false
}

// becomeGo forks a process that becomes a Go program and prints what line.heard is about. It
// returns true there, and false in this process when that one has ended. If that one printed
// nothing, this process prints a possible reason.
func becomeGo() bool {
	launcher := raw.Getpid()
	// On it that process says that it has spoken (Spoken). Without it a message may come twice, but
	// none gets lost.
	mine, its, e := acting.SocketPair()
	if e != 0 {
		mine, its = nowhere, nowhere
	}
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		step.Complain(raw.Text("Can't start the front end\x00"), e, raw.Text("\x00"))
		return false
	}
	if pid == 0 {
		closeEar()
		raw.Close(mine)
		acting.Sock = its
		frontEnd(launcher)
		return true
	}
	raw.Close(its)
	r, status := raw.Wait(pid)
	var spoken byte
	said := raw.Call(unix.SYS_RECVFROM, mine, raw.Addr(unsafe.Pointer(&spoken)), 1, unix.MSG_DONTWAIT, 0, 0) == 1
	raw.Close(mine)
	if raw.Errno(r) == 0 && !said && exitCode(status) > 1 {
		explainFront(status)
	}
	return false
}
