package child

// Room: no runtime. See doc.go for the laws of this file.
//
// Runs in: every process that has to say by itself why it ends.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// errnoText is what the C library says for an errno, with its name; nil for one that set-up
// hardly meets.
func errnoText(e unix.Errno) unsafe.Pointer {
	switch e {
	case unix.EPERM:
		return text("Operation not permitted (EPERM)\x00")
	case unix.ENOENT:
		return text("No such file or directory (ENOENT)\x00")
	case unix.ESRCH:
		return text("No such process (ESRCH)\x00")
	case unix.EINTR:
		return text("Interrupted system call (EINTR)\x00")
	case unix.EIO:
		return text("Input/output error (EIO)\x00")
	case unix.ENXIO:
		return text("No such device or address (ENXIO)\x00")
	case unix.E2BIG:
		return text("Argument list too long (E2BIG)\x00")
	case unix.ENOEXEC:
		return text("Exec format error (ENOEXEC)\x00")
	case unix.EBADF:
		return text("Bad file descriptor (EBADF)\x00")
	case unix.EAGAIN:
		return text("Resource temporarily unavailable (EAGAIN)\x00")
	case unix.ENOMEM:
		return text("Cannot allocate memory (ENOMEM)\x00")
	case unix.EACCES:
		return text("Permission denied (EACCES)\x00")
	case unix.EFAULT:
		return text("Bad address (EFAULT)\x00")
	case unix.EBUSY:
		return text("Device or resource busy (EBUSY)\x00")
	case unix.EEXIST:
		return text("File exists (EEXIST)\x00")
	case unix.EXDEV:
		return text("Invalid cross-device link (EXDEV)\x00")
	case unix.ENODEV:
		return text("No such device (ENODEV)\x00")
	case unix.ENOTDIR:
		return text("Not a directory (ENOTDIR)\x00")
	case unix.EISDIR:
		return text("Is a directory (EISDIR)\x00")
	case unix.EINVAL:
		return text("Invalid argument (EINVAL)\x00")
	case unix.ENFILE:
		return text("Too many open files in system (ENFILE)\x00")
	case unix.EMFILE:
		return text("Too many open files (EMFILE)\x00")
	case unix.ETXTBSY:
		return text("Text file busy (ETXTBSY)\x00")
	case unix.ENOSPC:
		return text("No space left on device (ENOSPC)\x00")
	case unix.EROFS:
		return text("Read-only file system (EROFS)\x00")
	case unix.EMLINK:
		return text("Too many links (EMLINK)\x00")
	case unix.EPIPE:
		return text("Broken pipe (EPIPE)\x00")
	case unix.ENAMETOOLONG:
		return text("File name too long (ENAMETOOLONG)\x00")
	case unix.ENOSYS:
		return text("Function not implemented (ENOSYS)\x00")
	case unix.ELOOP:
		return text("Too many levels of symbolic links (ELOOP)\x00")
	case unix.EOVERFLOW:
		return text("Value too large for defined data type (EOVERFLOW)\x00")
	case unix.EUSERS:
		return text("Too many users (EUSERS)\x00")
	case unix.EOPNOTSUPP:
		return text("Operation not supported (EOPNOTSUPP)\x00")
	case unix.EAFNOSUPPORT:
		return text("Address family not supported by protocol (EAFNOSUPPORT)\x00")
	case unix.ETIMEDOUT:
		return text("Connection timed out (ETIMEDOUT)\x00")
	case unix.EHOSTDOWN:
		return text("Host is down (EHOSTDOWN)\x00")
	case unix.ENOTCONN:
		return text("Transport endpoint is not connected (ENOTCONN)\x00")
	case unix.ESTALE:
		return text("Stale file handle (ESTALE)\x00")
	case unix.EDQUOT:
		return text("Disk quota exceeded (EDQUOT)\x00")
	}
	return nil
}

// remedy is the hint for an errno that a call answers with which needs a process, a
// descriptor or memory; nil: none.
func remedy(e unix.Errno) unsafe.Pointer {
	switch e {
	case unix.EMFILE:
		return text("hint: raise the limit on open files (ulimit -n)\x00")
	case unix.EAGAIN:
		return text("hint: the limit on processes is reached (ulimit -u, or pids.max of the cgroup)\x00")
	case unix.ENFILE, unix.ENOMEM:
		return text("hint: the system, or the memory limit of the cgroup, has no more\x00")
	case unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EAFNOSUPPORT, unix.EOPNOTSUPP:
		return text("hint: a seccomp filter, a security module or a setting refuses this: see gobwrap --doctor\x00")
	}
	return nil
}

// complain says on standard error what failed, why, and what can be done about it, in the
// place of a front end that cannot. more ends the first line.
func complain(what unsafe.Pointer, e unix.Errno, more unsafe.Pointer) {
	p := unsafe.Pointer(&room.small)
	n := put(p, text("gobwrap: \x00"))
	n += put(unsafe.Add(p, n), what)
	if e != 0 {
		n += put(unsafe.Add(p, n), text(": \x00"))
		if said := errnoText(e); said != nil {
			n += put(unsafe.Add(p, n), said)
		} else {
			n += put(unsafe.Add(p, n), text("errno \x00"))
			n += putNumber(unsafe.Add(p, n), uintptr(e))
		}
	}
	n += put(unsafe.Add(p, n), more)
	n += put(unsafe.Add(p, n), text("\n\x00"))
	writeFull(2, p, n)
	if hint := remedy(e); hint != nil {
		n = put(p, text("gobwrap: \x00"))
		n += put(unsafe.Add(p, n), hint)
		n += put(unsafe.Add(p, n), text("\n\x00"))
		writeFull(2, p, n)
	}
}

// giveUp ends a launch that has no front end to say why.
func giveUp(what unsafe.Pointer, e unix.Errno) {
	complain(what, e, text("\x00"))
	exit(1)
}
