package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor; most of it in one that has no front end.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// The results of set-up (Outcome.Result), for the process that becomes Go. PayloadRuns is 0, so that
// a front end that was started for anything else finds nothing to report.
const (
	PayloadRuns = iota
	Warned      // Outcome.Message is a warning
	SetUpFailed // Outcome.Message is a fault
	Killed      // nothing was said
)

// OpenInbox makes the pair of sockets on which the acting side sends messages to this process.
func OpenInbox(p plan.View) bool {
	var e unix.Errno
	if State.Inbox, launch.Acting.Sock, e = launch.Acting.SocketPair(); e != 0 {
		return false
	}
	if p.JSONFd >= 0 {
		passSender(State.Inbox)
	}
	return true
}

// ReceiveFault reads the message about a launch that has failed, and reports whether there is one.
func ReceiveFault() bool {
	Outcome.Result = Killed
	if _, ok := receiveMessage(State.Inbox, unsafe.Pointer(&Outcome.Message), plan.MessageSize); ok && Outcome.Message[0] == plan.MsgFault {
		Outcome.Result = SetUpFailed
	}
	return Outcome.Result == SetUpFailed
}

// CloseInbox ends the receiving: what is sent from here on is lost.
func CloseInbox() {
	if State.Inbox != 0 {
		raw.Close(State.Inbox)
		State.Inbox = 0
	}
}

// CloseSenders closes the monitor's copy of the sending end of the socket, so that the end of the
// first process shows as the end of the socket.
func CloseSenders() {
	raw.Close(launch.Acting.Sock)
	launch.Acting.Sock = launch.Nowhere
	if launch.Feed.Child != 0 {
		raw.Close(launch.Feed.Child)
		launch.Feed.Child = 0
	}
}

// AwaitSetUp reads messages until the payload runs, or there is a fault or a warning.
func AwaitSetUp(p plan.View) uint32 {
	m := &Outcome.Message
	// Only where a caller can tell a payload that has run from a failure does that have to be certain:
	// otherwise the end of the socket, which the exec closes, is enough.
	reached := p.JSONFd < 0 && p.Failed == 1 && launch.Facts.Filtered == 0
	payload := uintptr(0)
	for {
		awaitInput(State.Inbox)
		sender, ok := receiveMessage(State.Inbox, unsafe.Pointer(m), plan.MessageSize)
		if !ok && !(reached || payload != 0) {
			Outcome.Result = Killed
			return SetUpFailed
		}
		if !ok {
			reportRuns(payload)
			return PayloadRuns
		}
		switch m[0] {
		case plan.MsgExec:
			payload = sender
			reached = true
		case plan.MsgReady:
			reportReady(p)
			if !raw.SendFull(State.Inbox, unsafe.Pointer(m), 1) { // the first process may have been killed meanwhile
				Outcome.Result = Killed
				return SetUpFailed
			}
		case plan.MsgWarn:
			Outcome.Result = Warned
			return Warned
		case plan.MsgFault:
			Outcome.Result = SetUpFailed
			return SetUpFailed
		}
	}
}

// receiveMessage reads a message of n bytes. ok is false at the end; sender is a pid, where it is known.
func receiveMessage(sock uintptr, buf unsafe.Pointer, n uintptr) (sender uintptr, ok bool) {
	sender, fd, ok := receiveWithSender(sock, buf, n)
	if fd != 0 {
		raw.Close(fd)
	}
	return sender, ok
}

// receiveWithSender is receiveMessage, with the descriptor that came along; 0: none.
func receiveWithSender(sock uintptr, buf unsafe.Pointer, n uintptr) (sender, fd uintptr, ok bool) {
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
		case e != 0: // a filter that knows read(2) alone; then the sender is not known
			r = raw.Call(unix.SYS_READ, sock, raw.Addr(buf)+have, n-have, 0, 0, 0)
			if raw.Errno(r) != 0 || r == 0 {
				return 0, fd, false
			}
		case r == 0:
			return 0, fd, false
		default:
			for at := uintptr(0); at+16 < min(m.Controllen, unsafe.Sizeof(side)); {
				length, what, value := controlPart(unsafe.Add(unsafe.Pointer(&side), at))
				switch what {
				case unix.SCM_CREDENTIALS:
					sender = value
				case unix.SCM_RIGHTS:
					fd = launch.Acting.Above(value) // the monitor may have closed its standard streams
				}
				at += max((length+7)&^7, 16)
			}
		}
		have += r
	}
	return sender, fd, true
}

// controlPart is a part of what came along with a message (cmsg(3)): how long it is, its kind, and
// its first number.
func controlPart(p unsafe.Pointer) (length, kind, value uintptr) {
	part := (*struct {
		length      uint64
		level, kind int32
		value       int32
	})(p)
	return uintptr(part.length), uintptr(part.kind), uintptr(part.value)
}

// passSender makes the kernel say from which process each message is (SO_PASSCRED, unix(7)).
func passSender(sock uintptr) {
	on := uint32(1)
	raw.Call(unix.SYS_SETSOCKOPT, sock, unix.SOL_SOCKET, unix.SO_PASSCRED, raw.Addr(unsafe.Pointer(&on)), 4, 0)
}

// EndWithPayload stays until the payload has ended, and ends with its status.
func EndWithPayload(p plan.View) {
	requireSetUp(p)
	// Set-up is over, so the broker sees the end of its requests, and ends.
	ReapKeeper()
	closeOthers(p, launch.Nowhere)
	status := payloadStatus(p)
	RemovePlaceholders()
	reclaimTerminal(p)
	reportEnd(p, status)
	endByTerminalSignal(status)
	raw.Exit(launch.ExitCode(status))
}
