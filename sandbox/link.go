package sandbox

import (
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// host is the link of an embedding program.
type host struct {
	c       *Cmd
	sock    *os.File
	pid     int      // the command's, 0: not known
	command *os.File // a pidfd of the command, nil: there is none
}

func (t *host) hand(p *plan.Program, keeper bool) bool {
	return t.send(append(binary.NativeEndian.AppendUint32(make([]byte, 0, 4+len(p.Bytes)), told(p, keeper)), p.Bytes...))
}

func (t *host) send(b []byte) bool {
	_, err := t.sock.Write(b)
	return err == nil
}

func (t *host) knowSenders() {
	if c, err := t.sock.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	}
}

// hearOut waits until a failed launcher has closed its socket. The launcher must not be killed
// before it has reaped its children.
func (t *host) hearOut() {
	if c, err := t.sock.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
	}
	_ = t.sock.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.Copy(io.Discard, t.sock)
}

func (t *host) certain() bool { return true }

func (t *host) receive(bool) (m plan.Message, sender int, ok bool) {
	c, err := t.sock.SyscallConn()
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
	m = message(buf)
	switch {
	case fd >= 0 && t.command == nil:
		t.command = os.NewFile(uintptr(fd), "command")
	case fd >= 0:
		_ = syscall.Close(fd)
	}
	if m.Kind == plan.MsgExec {
		t.pid = sender
	}
	return m, sender, ok
}

// write writes for an option to one of the Cmd's files.
func (t *host) write(fd int, text string) {
	switch {
	case fd >= 3:
		_, _ = t.c.ExtraFiles[fd-3].WriteString(text)
	case fd == 2 && t.c.Stderr != nil:
		_, _ = t.c.Stderr.Write([]byte(text))
	case fd == 1 && t.c.Stdout != nil:
		_, _ = t.c.Stdout.Write([]byte(text))
	}
}

func (t *host) tools() ([]string, error) { return os.Environ(), nil }

func (t *host) done(int) {} // the files are the caller's to close

// socketPair makes a pair of sockets, the first of which the runtime's poller knows.
func socketPair() (ours, its *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "launcher"), os.NewFile(uintptr(fds[1]), "host"), nil
}
