package step

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: every process that has to print by itself why it ends, since no Go program can.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// errnoTexts are what the C library says for the errnos that set-up may meet, with their names.
//
//nolint:gochecknoglobals // read-only table
var errnoTexts = [...]string{
	unix.EPERM:        "Operation not permitted (EPERM)\x00",
	unix.ENOENT:       "No such file or directory (ENOENT)\x00",
	unix.ESRCH:        "No such process (ESRCH)\x00",
	unix.EINTR:        "Interrupted system call (EINTR)\x00",
	unix.EIO:          "Input/output error (EIO)\x00",
	unix.ENXIO:        "No such device or address (ENXIO)\x00",
	unix.E2BIG:        "Argument list too long (E2BIG)\x00",
	unix.ENOEXEC:      "Exec format error (ENOEXEC)\x00",
	unix.EBADF:        "Bad file descriptor (EBADF)\x00",
	unix.EAGAIN:       "Resource temporarily unavailable (EAGAIN)\x00",
	unix.ENOMEM:       "Cannot allocate memory (ENOMEM)\x00",
	unix.EACCES:       "Permission denied (EACCES)\x00",
	unix.EFAULT:       "Bad address (EFAULT)\x00",
	unix.EBUSY:        "Device or resource busy (EBUSY)\x00",
	unix.EEXIST:       "File exists (EEXIST)\x00",
	unix.EXDEV:        "Invalid cross-device link (EXDEV)\x00",
	unix.ENODEV:       "No such device (ENODEV)\x00",
	unix.ENOTDIR:      "Not a directory (ENOTDIR)\x00",
	unix.EISDIR:       "Is a directory (EISDIR)\x00",
	unix.EINVAL:       "Invalid argument (EINVAL)\x00",
	unix.ENFILE:       "Too many open files in system (ENFILE)\x00",
	unix.EMFILE:       "Too many open files (EMFILE)\x00",
	unix.ETXTBSY:      "Text file busy (ETXTBSY)\x00",
	unix.ENOSPC:       "No space left on device (ENOSPC)\x00",
	unix.EROFS:        "Read-only file system (EROFS)\x00",
	unix.EMLINK:       "Too many links (EMLINK)\x00",
	unix.EPIPE:        "Broken pipe (EPIPE)\x00",
	unix.ENAMETOOLONG: "File name too long (ENAMETOOLONG)\x00",
	unix.ENOSYS:       "Function not implemented (ENOSYS)\x00",
	unix.ELOOP:        "Too many levels of symbolic links (ELOOP)\x00",
	unix.EOVERFLOW:    "Value too large for defined data type (EOVERFLOW)\x00",
	unix.EUSERS:       "Too many users (EUSERS)\x00",
	unix.EOPNOTSUPP:   "Operation not supported (EOPNOTSUPP)\x00",
	unix.EAFNOSUPPORT: "Address family not supported by protocol (EAFNOSUPPORT)\x00",
	unix.ETIMEDOUT:    "Connection timed out (ETIMEDOUT)\x00",
	unix.EHOSTDOWN:    "Host is down (EHOSTDOWN)\x00",
	unix.ENOTCONN:     "Transport endpoint is not connected (ENOTCONN)\x00",
	unix.ESTALE:       "Stale file handle (ESTALE)\x00",
	unix.EDQUOT:       "Disk quota exceeded (EDQUOT)\x00",
}

// What can be done about an errno.
const (
	tooMany = "hint: the system, or the memory limit of the cgroup, has no more\x00"
	refused = "hint: a seccomp filter, a security module or a setting refuses this: see gobwrap --doctor\x00"
)

// remedies are the hints for errnos of calls that need a process, a descriptor or memory.
//
//nolint:gochecknoglobals // read-only table
var remedies = [...]string{
	unix.EMFILE:       "hint: raise the limit on open files (ulimit -n)\x00",
	unix.EAGAIN:       "hint: the limit on processes is reached (ulimit -u, or pids.max of the cgroup)\x00",
	unix.ENFILE:       tooMany,
	unix.ENOMEM:       tooMany,
	unix.EPERM:        refused,
	unix.EACCES:       refused,
	unix.ENOSYS:       refused,
	unix.EAFNOSUPPORT: refused,
	unix.EOPNOTSUPP:   refused,
}

// ErrnoText returns the text of an errno, nil for one that set-up hardly meets.
func ErrnoText(e unix.Errno) unsafe.Pointer { return entry(errnoTexts[:], e) }

// entry returns what a table says of an errno; nil: nothing.
func entry(table []string, e unix.Errno) unsafe.Pointer {
	// A string in a table is an address in the program and a length, so that nothing is allocated.
	if e >= unix.Errno(len(table)) || table[e] == "" {
		return nil
	}
	return raw.Text(table[e])
}

// Line is a line for a person, made of pieces that are written in one call.
type Line struct {
	pieces [8][2]uintptr // struct iovec
	n      uintptr
	digits [24]byte
}

// Add puts a string at the end of the line, of which there are at most seven.
func (l *Line) Add(p unsafe.Pointer) {
	// Addresses as numbers: no pointer is stored (see the laws). The mask stands for a bounds check.
	l.pieces[l.n&7] = [2]uintptr{raw.Addr(p), raw.Strlen(p)}
	l.n++
}

// AddNumber puts a number, the only one of a line, at its end.
func (l *Line) AddNumber(n uintptr) {
	// The digits are part of the line, which lives until it is written.
	raw.PutNumber(unsafe.Pointer(&l.digits), n)
	l.Add(unsafe.Pointer(&l.digits))
}

// Write ends the line and writes it to fd: in one call, or, where a filter refuses that,
// piece by piece.
func (l *Line) Write(fd uintptr) {
	l.Add(raw.Text("\n\x00"))
	// In one call, so that the lines of several processes do not mix.
	if raw.Errno(raw.Call(unix.SYS_WRITEV, fd, raw.Addr(unsafe.Pointer(&l.pieces)), min(l.n, 8), 0, 0, 0)) == 0 {
		return
	}
	for i := range min(l.n, 8) {
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
	// A second line, as the front end prints a hint.
	if hint := entry(remedies[:], e); hint != nil {
		var second Line
		second.Add(raw.Text("gobwrap: \x00"))
		second.Add(hint)
		second.Write(2)
	}
}

// GiveUp prints a message like Complain, and ends the process: no other one can report it.
func GiveUp(what unsafe.Pointer, e unix.Errno) {
	Complain(what, e, raw.Text("\x00"))
	raw.Exit(1)
}

// Tell prints a line with a number in it on fd, where there is no Go program to do so.
func Tell(fd uintptr, what unsafe.Pointer, number uintptr, more unsafe.Pointer) {
	var line Line
	line.Add(raw.Text("gobwrap: \x00"))
	line.Add(what)
	line.AddNumber(number)
	line.Add(more)
	line.Write(fd)
}
