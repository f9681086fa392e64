package step

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: every process that has to print by itself why it ends, since no Go program can.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// ErrnoText is what the C library says for an errno, with its name; nil for one that set-up
// hardly meets.
func ErrnoText(e unix.Errno) unsafe.Pointer {
	switch e {
	case unix.EPERM:
		return raw.Text("Operation not permitted (EPERM)\x00")
	case unix.ENOENT:
		return raw.Text("No such file or directory (ENOENT)\x00")
	case unix.ESRCH:
		return raw.Text("No such process (ESRCH)\x00")
	case unix.EINTR:
		return raw.Text("Interrupted system call (EINTR)\x00")
	case unix.EIO:
		return raw.Text("Input/output error (EIO)\x00")
	case unix.ENXIO:
		return raw.Text("No such device or address (ENXIO)\x00")
	case unix.E2BIG:
		return raw.Text("Argument list too long (E2BIG)\x00")
	case unix.ENOEXEC:
		return raw.Text("Exec format error (ENOEXEC)\x00")
	case unix.EBADF:
		return raw.Text("Bad file descriptor (EBADF)\x00")
	case unix.EAGAIN:
		return raw.Text("Resource temporarily unavailable (EAGAIN)\x00")
	case unix.ENOMEM:
		return raw.Text("Cannot allocate memory (ENOMEM)\x00")
	case unix.EACCES:
		return raw.Text("Permission denied (EACCES)\x00")
	case unix.EFAULT:
		return raw.Text("Bad address (EFAULT)\x00")
	case unix.EBUSY:
		return raw.Text("Device or resource busy (EBUSY)\x00")
	case unix.EEXIST:
		return raw.Text("File exists (EEXIST)\x00")
	case unix.EXDEV:
		return raw.Text("Invalid cross-device link (EXDEV)\x00")
	case unix.ENODEV:
		return raw.Text("No such device (ENODEV)\x00")
	case unix.ENOTDIR:
		return raw.Text("Not a directory (ENOTDIR)\x00")
	case unix.EISDIR:
		return raw.Text("Is a directory (EISDIR)\x00")
	case unix.EINVAL:
		return raw.Text("Invalid argument (EINVAL)\x00")
	case unix.ENFILE:
		return raw.Text("Too many open files in system (ENFILE)\x00")
	case unix.EMFILE:
		return raw.Text("Too many open files (EMFILE)\x00")
	case unix.ETXTBSY:
		return raw.Text("Text file busy (ETXTBSY)\x00")
	case unix.ENOSPC:
		return raw.Text("No space left on device (ENOSPC)\x00")
	case unix.EROFS:
		return raw.Text("Read-only file system (EROFS)\x00")
	case unix.EMLINK:
		return raw.Text("Too many links (EMLINK)\x00")
	case unix.EPIPE:
		return raw.Text("Broken pipe (EPIPE)\x00")
	case unix.ENAMETOOLONG:
		return raw.Text("File name too long (ENAMETOOLONG)\x00")
	case unix.ENOSYS:
		return raw.Text("Function not implemented (ENOSYS)\x00")
	case unix.ELOOP:
		return raw.Text("Too many levels of symbolic links (ELOOP)\x00")
	case unix.EOVERFLOW:
		return raw.Text("Value too large for defined data type (EOVERFLOW)\x00")
	case unix.EUSERS:
		return raw.Text("Too many users (EUSERS)\x00")
	case unix.EOPNOTSUPP:
		return raw.Text("Operation not supported (EOPNOTSUPP)\x00")
	case unix.EAFNOSUPPORT:
		return raw.Text("Address family not supported by protocol (EAFNOSUPPORT)\x00")
	case unix.ETIMEDOUT:
		return raw.Text("Connection timed out (ETIMEDOUT)\x00")
	case unix.EHOSTDOWN:
		return raw.Text("Host is down (EHOSTDOWN)\x00")
	case unix.ENOTCONN:
		return raw.Text("Transport endpoint is not connected (ENOTCONN)\x00")
	case unix.ESTALE:
		return raw.Text("Stale file handle (ESTALE)\x00")
	case unix.EDQUOT:
		return raw.Text("Disk quota exceeded (EDQUOT)\x00")
	}
	return nil
}

// remedy is the hint for an errno that a call answers with which needs a process, a
// descriptor or memory; nil: none.
func remedy(e unix.Errno) unsafe.Pointer {
	switch e {
	case unix.EMFILE:
		return raw.Text("hint: raise the limit on open files (ulimit -n)\x00")
	case unix.EAGAIN:
		return raw.Text("hint: the limit on processes is reached (ulimit -u, or pids.max of the cgroup)\x00")
	case unix.ENFILE, unix.ENOMEM:
		return raw.Text("hint: the system, or the memory limit of the cgroup, has no more\x00")
	case unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EAFNOSUPPORT, unix.EOPNOTSUPP:
		return raw.Text("hint: a seccomp filter, a security module or a setting refuses this: see gobwrap --doctor\x00")
	}
	return nil
}

// Line is a line for a person, made of pieces that are written in one call.
type Line struct {
	pieces [8][2]uintptr // struct iovec
	n      uintptr
	digits [24]byte
}

// Add puts a string at the end of the line, of which there are at most seven.
func (l *Line) Add(p unsafe.Pointer) {
	l.pieces[l.n&7] = [2]uintptr{raw.Addr(p), raw.Strlen(p)}
	l.n++
}

// AddNumber puts a number, the only one of a line, at its end.
func (l *Line) AddNumber(n uintptr) {
	raw.PutNumber(unsafe.Pointer(&l.digits), n)
	l.Add(unsafe.Pointer(&l.digits))
}

// Write ends the line and writes it to fd: in one call, or, where a filter refuses that,
// piece by piece.
func (l *Line) Write(fd uintptr) {
	l.Add(raw.Text("\n\x00"))
	n := min(l.n, 8)
	if raw.Errno(raw.Call(unix.SYS_WRITEV, fd, raw.Addr(unsafe.Pointer(&l.pieces)), n, 0, 0, 0)) == 0 {
		return
	}
	for i := range n {
		raw.WriteFull(fd, raw.Mapped(l.pieces[i&7][0]), l.pieces[i&7][1])
	}
}

// Complain prints on standard error what failed, why, and what can be done about it. more
// ends the first line.
func Complain(what unsafe.Pointer, e unix.Errno, more unsafe.Pointer) {
	var line Line
	line.Add(raw.Text("gobwrap: \x00"))
	line.Add(what)
	if e != 0 {
		line.Add(raw.Text(": \x00"))
		if name := ErrnoText(e); name != nil {
			line.Add(name)
		} else {
			line.Add(raw.Text("errno \x00"))
			line.AddNumber(uintptr(e))
		}
	}
	line.Add(more)
	line.Write(2)
	if hint := remedy(e); hint != nil {
		var second Line
		second.Add(raw.Text("gobwrap: \x00"))
		second.Add(hint)
		second.Write(2)
	}
}

// GiveUp is Complain, and the end of a launch that has nobody else to report it.
func GiveUp(what unsafe.Pointer, e unix.Errno) {
	Complain(what, e, raw.Text("\x00"))
	raw.Exit(1)
}

// Tell prints a line with a number in it on fd, where no Go program is there to do it.
func Tell(fd uintptr, what unsafe.Pointer, number uintptr, more unsafe.Pointer) {
	var line Line
	line.Add(raw.Text("gobwrap: \x00"))
	line.Add(what)
	line.AddNumber(number)
	line.Add(more)
	line.Write(fd)
}
