package link

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Host is the link of an embedding program.
type Host struct {
	// This end of the socket pair; the launcher has the other one.
	Sock *os.File
	// The command's pid, in this process's PID namespace; 0: not known.
	PID int
	// A pidfd of the command, since Linux 5.3; nil: there is none. Unlike a pid, it never means another process later.
	Command *os.File
	// Writer is where a descriptor of an option leads; nil: nowhere.
	Writer func(fd int) io.Writer
}

// Hand writes the plan with its length in front, in one call: the launcher reads the length first.
func (t *Host) Hand(p *plan.Program, keeper bool) bool {
	return t.Send(append(binary.NativeEndian.AppendUint32(make([]byte, 0, 4+len(p.Bytes)), told(p, keeper)), p.Bytes...))
}

// Send writes to the launcher's socket. A launcher that is gone is an error and not a SIGPIPE (os/signal).
func (t *Host) Send(b []byte) bool {
	_, err := t.Sock.Write(b)
	return err == nil
}

// KnowSenders sets SO_PASSCRED. The kernel then attaches the sender's pid to every message, which the sender cannot forge
// without privilege.
func (t *Host) KnowSenders() {
	if c, err := t.Sock.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	}
}

// HearOut waits until a failed launcher has closed its socket. The launcher must not be killed
// before it has reaped its children.
func (t *Host) HearOut() {
	if c, err := t.Sock.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
	}
	// A launcher that does not end is not waited for longer than this.
	_ = t.Sock.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.Copy(io.Discard, t.Sock)
}

// Certain is true: an embedding program must tell a set-up that failed from a command that ended.
func (t *Host) Certain() bool { return true }

// Receive waits by the runtime's poller, so that no thread is held up. It keeps the descriptor of the command that comes with
// a message, and the pid of the process that sends MsgExec.
func (t *Host) Receive(bool) (m plan.Message, sender int, ok bool) {
	c, err := t.Sock.SyscallConn()
	if err != nil {
		return m, 0, false
	}
	buf := make([]byte, plan.MessageSize)
	sender, fd, ok := listen(buf, func(b, side []byte) (n, more int, err error) {
		if e := c.Read(func(fd uintptr) bool {
			n, more, _, _, err = syscall.Recvmsg(int(fd), b, side, syscall.MSG_CMSG_CLOEXEC|syscall.MSG_DONTWAIT)
			return err != syscall.EAGAIN
		}); e != nil {
			return 0, 0, e
		}
		return n, more, err
	})
	m = Message(buf)
	switch {
	case fd >= 0 && t.Command == nil:
		t.Command = os.NewFile(uintptr(fd), "command")
	// A second one is not expected, and must not stay open.
	case fd >= 0:
		_ = syscall.Close(fd)
	}
	if m.Kind == plan.MsgExec {
		t.PID = sender
	}
	return m, sender, ok
}

// Write writes for an option to one of the embedding program's files.
func (t *Host) Write(fd int, text string) {
	if w := t.Writer(fd); w != nil {
		_, _ = w.Write([]byte(text))
	}
}

// Tools returns the program's own environment: what os/exec gives to programs, and its descriptors are close-on-exec.
func (t *Host) Tools() ([]string, error) { return os.Environ(), nil }

// Done does nothing: the files are the caller's to close.
func (t *Host) Done(int) {}

// SocketPair makes a pair of sockets, the first of which the runtime's poller knows.
func SocketPair() (ours, its *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	// Ours alone: the launcher, which has no runtime, waits in its calls.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "launcher"), os.NewFile(uintptr(fds[1]), "host"), nil
}
