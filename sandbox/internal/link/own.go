package link

import (
	"encoding/binary"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Own is the link of the launcher's front end, which this process is.
type Own struct{}

// Hand writes the length of the plan, and then the plan, to the monitor.
func (Own) Hand(p *plan.Program, keeper bool) bool {
	return send(child.Sock(), binary.NativeEndian.AppendUint32(nil, told(p, keeper))) && send(child.Sock(), p.Bytes)
}

// told returns what the monitor is told about a plan, before it comes.
func told(p *plan.Program, keeper bool) uint32 {
	if keeper {
		return child.ForKeeper(p.Bytes)
	}
	return uint32(len(p.Bytes))
}

// Send writes to the monitor's socket.
func (Own) Send(b []byte) bool { return send(child.Sock(), b) }

// KnowSenders is child.KnowSenders: the socket is package child's.
func (Own) KnowSenders() { child.KnowSenders() }

// Certain is false: without reports to write, a launch saves the message.
func (Own) Certain() bool { return false }

// Write writes to the descriptor as the caller numbers it, which has another number here where it is standard error.
func (Own) Write(fd int, text string) { send(child.Here(fd), []byte(text)) }

// Done closes a descriptor. This process is a fork, so the caller's own copy stays.
func (Own) Done(fd int) {
	if fd != 2 { // errors may still have to be said there
		_ = syscall.Close(fd)
	}
}

// Tools returns the caller's environment, and keeps programs from inheriting the caller's descriptors (helper.Isolate).
func (Own) Tools() ([]string, error) { return child.Environ(), helper.Isolate() }

// Receive takes the next message. Set-up takes less than a millisecond: to wait for it without
// the runtime's knowledge saves the start of further threads. Where another process decides
// how long it takes (patient), the runtime is told.
func (Own) Receive(patient bool) (m plan.Message, sender int, ok bool) {
	buf := make([]byte, plan.MessageSize)
	if !patient {
		sender, ok = child.Listen(buf)
	} else {
		sender, _, ok = listen(buf, func(b, side []byte) (int, int, error) {
			n, more, _, _, err := syscall.Recvmsg(child.Sock(), b, side, syscall.MSG_CMSG_CLOEXEC)
			return n, more, err
		})
	}
	return Message(buf), sender, ok
}

// MonitorEnds reports whether the monitor, the parent of the launcher's front end, is about to
// end: the launcher was killed, and the caller learns that from its status. The kernel marks a
// process as exiting (PF_EXITING, proc_pid_stat(5), field 9) before it closes the socket at
// whose end this is asked.
func MonitorEnds() bool {
	const exiting = 0x4
	text := procfs.Text("/proc/" + strconv.Itoa(syscall.Getppid()) + "/stat")
	// Behind the last parenthesis: the name in the second field may hold anything.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 7 {
		return false
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&exiting != 0
}

// Send writes all of b. The raw call is the runtime's blocking one, so that it does
// not hold up the scheduler.
func send(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// Message reads a message of the acting side.
func Message(buf []byte) plan.Message {
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(buf[4*i:]) }
	return plan.Message{
		Kind: word(0), Step: word(1), Sub: plan.Sub(word(2)), Errno: word(3), Extra: word(4), Raw: buf[plan.MessageText:],
	}
}

// listen fills buf from recvmsg(2), and says who sent it, where that is asked for, and
// which descriptor came along, -1 for none.
func listen(buf []byte, recvmsg func(b, side []byte) (n, more int, err error)) (sender, fd int, ok bool) {
	fd = -1
	side := make([]byte, syscall.CmsgSpace(syscall.SizeofUcred)+syscall.CmsgSpace(4))
	for have := 0; have < len(buf); {
		n, more, err := recvmsg(buf[have:], side)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, fd, false
		}
		have += n
		parts, _ := syscall.ParseSocketControlMessage(side[:more])
		for i := range parts {
			if from, err := syscall.ParseUnixCredentials(&parts[i]); err == nil {
				sender = int(from.Pid)
			} else if fds, err := syscall.ParseUnixRights(&parts[i]); err == nil && len(fds) == 1 {
				fd = fds[0]
			}
		}
	}
	return sender, fd, true
}
