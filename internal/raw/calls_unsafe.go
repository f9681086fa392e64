package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Call makes a system call. A result above -4096 is a negated errno.
func Call(nr, a, b, c, d, e, f uintptr) uintptr

// Trap executes an instruction that does not exist, which ends the process.
func Trap()

// Mapped turns an address that the kernel gave into a pointer.
func Mapped(addr uintptr) unsafe.Pointer

// Addr returns the number of an address, for the kernel.
func Addr(p unsafe.Pointer) uintptr { return uintptr(p) }

// Errno returns the error of a raw result, 0 if there is none.
func Errno(r uintptr) unix.Errno {
	// MAX_ERRNO is 4095 (include/linux/err.h): no address and no length that a call returns is so high.
	if r > ^uintptr(4095) {
		return unix.Errno(-r)
	}
	return 0
}

// Failed returns the raw result of a call that failed with e.
func Failed(e unix.Errno) uintptr { return -uintptr(e) }

// Exit ends the process, also under a seccomp filter that refuses the calls for it.
func Exit(code uint32) {
	Call(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0, 0, 0, 0)
	Call(unix.SYS_EXIT, uintptr(code), 0, 0, 0, 0, 0)
	for {
		Trap()
	}
}

// AtCwd is AT_FDCWD, -100.
const AtCwd = ^uintptr(99)

// Close closes a descriptor.
func Close(fd uintptr) { Call(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0) }

// Openat opens path below dir; O_CLOEXEC is always set. What it opens is never a standard
// stream, also where the caller closed those: so 0 can stand for "no descriptor".
func Openat(dir uintptr, path unsafe.Pointer, flags, mode uintptr) uintptr {
	return AboveStdio(Call(unix.SYS_OPENAT, dir, Addr(path), flags|unix.O_CLOEXEC|unix.O_NOCTTY, mode, 0, 0))
}

// AboveStdio moves a new descriptor above the standard streams, which may be closed. A failure stays one.
func AboveStdio(fd uintptr) uintptr {
	if fd > 2 {
		return fd
	}
	lifted := Call(unix.SYS_FCNTL, fd, unix.F_DUPFD_CLOEXEC, 3, 0, 0, 0)
	Close(fd)
	return lifted
}

// Mkdirat makes a directory below dir.
func Mkdirat(dir uintptr, path unsafe.Pointer, mode uint32) unix.Errno {
	return Errno(Call(unix.SYS_MKDIRAT, dir, Addr(path), uintptr(mode), 0, 0, 0))
}

// Fchdir makes a directory the working directory.
func Fchdir(fd uintptr) unix.Errno { return Errno(Call(unix.SYS_FCHDIR, fd, 0, 0, 0, 0, 0)) }

// Fcntl is fcntl(2).
// arg is an integer, or the address of a struct, as cmd says.
func Fcntl(fd, cmd, arg uintptr) uintptr { return Call(unix.SYS_FCNTL, fd, cmd, arg, 0, 0, 0) }

// Prctl is prctl(2), for the operations that return nothing but an error.
func Prctl(op, a, b, c, d uintptr) unix.Errno {
	return Errno(Call(unix.SYS_PRCTL, op, a, b, c, d, 0))
}

// Fstat fills st and returns the file type bits of the mode.
func Fstat(fd uintptr, st *unix.Stat_t) (uint32, unix.Errno) {
	e := Errno(Call(unix.SYS_FSTAT, fd, Addr(unsafe.Pointer(st)), 0, 0, 0, 0))
	return st.Mode & unix.S_IFMT, e
}

// Fstatat looks at a path below dir, and follows links.
func Fstatat(dir uintptr, path unsafe.Pointer, st *unix.Stat_t) unix.Errno {
	return Errno(Call(unix.SYS_NEWFSTATAT, dir, Addr(path), Addr(unsafe.Pointer(st)), 0, 0, 0))
}

// FileType is Fstat where nothing but the type is wanted.
func FileType(fd uintptr) (uint32, unix.Errno) {
	var st unix.Stat_t
	return Fstat(fd, &st)
}

// Readlinkat reads a symbolic link into a buffer of size bytes, with a NUL at the end, and
// returns how long it is. A longer link is cut.
func Readlinkat(dir uintptr, path, buf unsafe.Pointer, size uintptr) (uintptr, unix.Errno) {
	n := Call(unix.SYS_READLINKAT, dir, Addr(path), Addr(buf), size-1, 0, 0)
	if e := Errno(n); e != 0 {
		return 0, e
	}
	// The kernel writes no NUL (readlink(2)); size-1 has left room for one.
	*(*byte)(unsafe.Add(buf, n)) = 0
	return n, 0
}

// Getpid returns the number of this process.
func Getpid() uintptr { return Call(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0) }

// Getppid returns the number of its parent, 0 if that is outside of the PID namespace.
func Getppid() uintptr { return Call(unix.SYS_GETPPID, 0, 0, 0, 0, 0, 0) }

// Kill sends a signal.
func Kill(pid, sig uintptr) { Call(unix.SYS_KILL, pid, sig, 0, 0, 0, 0) }

// Wait waits for a child, or for any with ^0, and returns which one has ended and its wait
// status.
func Wait(pid uintptr) (ended uintptr, status uint32) { return WaitFor(pid, false, nil) }

// Wait statuses of processes that have not ended.
const (
	Stopped   = 0x7f // the lowest byte; the signal is above it
	Continued = 0xffff
)

// WaitFor is Wait, with what the child and those that it has waited for have used. With stops it
// also returns for a child that has stopped, as job control stops it, or was continued.
func WaitFor(pid uintptr, stops bool, used *unix.Rusage) (child uintptr, status uint32) {
	// With __WALL a child counts whatever signal it sends at its end (wait(2)).
	options := uintptr(unix.WALL)
	if stops {
		options |= unix.WUNTRACED | unix.WCONTINUED
	}
	for {
		r := Call(unix.SYS_WAIT4, pid, Addr(unsafe.Pointer(&status)), options, Addr(unsafe.Pointer(used)), 0, 0)
		if Errno(r) == 0 && status&0xff == Stopped && !(stops && isJobStop(unix.Signal(status>>8))) {
			// Otherwise only a child that asked to be traced by us reports a stop.
			Call(unix.SYS_PTRACE, unix.PTRACE_CONT, r, 0, uintptr(status>>8&0xff), 0, 0)
			continue
		}
		if Errno(r) != unix.EINTR {
			return r, status
		}
	}
}

// isJobStop reports whether a signal stops a process by default.
func isJobStop(sig unix.Signal) bool {
	return sig == unix.SIGTSTP || sig == unix.SIGSTOP || sig == unix.SIGTTIN || sig == unix.SIGTTOU
}

// Nap sleeps for some nanoseconds, less than a second.
func Nap(ns int64) {
	// Interrupted by a signal it returns early; every caller looks again anyway.
	var nap unix.Timespec
	nap.Nsec = ns
	Call(unix.SYS_NANOSLEEP, Addr(unsafe.Pointer(&nap)), 0, 0, 0, 0, 0)
}

// Clone forks this process into the namespaces that flags names.
func Clone(flags uint32) uintptr {
	return Call(unix.SYS_CLONE, uintptr(flags)|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
}

// ReadFull reads n bytes and returns how many there were before the end, or before an error.
func ReadFull(fd uintptr, p unsafe.Pointer, n uintptr) uintptr {
	done := uintptr(0)
	for done < n {
		r := Call(unix.SYS_READ, fd, Addr(p)+done, n-done, 0, 0, 0)
		if e := Errno(r); e == unix.EINTR {
			continue
		} else if e != 0 || r == 0 {
			return done
		}
		done += r
	}
	return done
}

// WriteFull writes n bytes and returns the errno that stopped it.
func WriteFull(fd uintptr, p unsafe.Pointer, n uintptr) unix.Errno {
	done := uintptr(0)
	for done < n {
		r := Call(unix.SYS_WRITE, fd, Addr(p)+done, n-done, 0, 0, 0)
		if e := Errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			return e
		}
		done += r
	}
	return 0
}

// ReadByte reads one byte. It reports false at the end, or after an error.
func ReadByte(fd uintptr) (byte, bool) {
	var b byte
	ok := ReadFull(fd, unsafe.Pointer(&b), 1) == 1
	return b, ok
}

// Hears waits for a byte. It reports false at the end, or after an error.
func Hears(fd uintptr) bool {
	_, ok := ReadByte(fd)
	return ok
}

// ReadWord reads a number of four bytes. It reports false at the end, or after an error.
func ReadWord(fd uintptr) (uint32, bool) {
	var w uint32
	ok := ReadFull(fd, unsafe.Pointer(&w), 4) == 4
	return w, ok
}

// WriteByte writes one byte.
func WriteByte(fd uintptr, b byte) unix.Errno { return WriteFull(fd, unsafe.Pointer(&b), 1) }

// WriteWord writes a number of four bytes.
func WriteWord(fd uintptr, w uint32) unix.Errno { return WriteFull(fd, unsafe.Pointer(&w), 4) }

// SendWord is WriteWord for a socket.
func SendWord(fd uintptr, w uint32) bool { return SendFull(fd, unsafe.Pointer(&w), 4) }

// SendFull writes to a socket whose other end may be gone, without a signal for it. It reports
// whether all was written.
func SendFull(fd uintptr, p unsafe.Pointer, n uintptr) bool {
	for done := uintptr(0); done < n; {
		r := Call(unix.SYS_SENDTO, fd, Addr(p)+done, n-done, unix.MSG_NOSIGNAL, 0, 0)
		if e := Errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			return false
		}
		done += r
	}
	return true
}

// Msghdr is the kernel's struct user_msghdr (recvmsg(2)).
type Msghdr struct {
	Name, Namelen, Iov, Iovlen, Control, Controllen uintptr
	Flags                                           uint32
	_                                               uint32
}

// PollFd is struct pollfd (poll(2)).
type PollFd struct {
	Fd              int32
	Events, Revents int16
}

// Load and Store are compiled to single instructions: package sync/atomic is not linked in.

// Load reads what another process may write.
func Load(p *uint32) uint32 { return atomic.LoadUint32(p) }

// Store writes what another process may read.
func Store(p *uint32, v uint32) { atomic.StoreUint32(p, v) }

// Numbers lists the names in the directory Dir that are numbers, as in /proc/self/fd. It does not
// close Dir.
type Numbers struct {
	Dir     uintptr
	at, end uintptr
	entries [1 << 10]byte // struct linux_dirent64 (getdents(2))
}

// Next returns the next number. It reports false at the end, or after an error.
func (l *Numbers) Next() (uintptr, bool) {
	const length, name = 16, 19 // offsets in an entry
	for l.at < l.end || l.more() {
		entry := unsafe.Add(unsafe.Pointer(&l.entries), l.at)
		l.at += uintptr(*(*uint16)(unsafe.Add(entry, length)))
		if n, ok := Number(unsafe.Add(entry, name)); ok {
			return n, true
		}
	}
	return 0, false
}

// more reads further entries, and reports whether there were any.
func (l *Numbers) more() bool {
	// Several entries lie in the buffer after one call; an entry is at least 24 bytes long.
	n := Call(unix.SYS_GETDENTS64, l.Dir, Addr(unsafe.Pointer(&l.entries)), unsafe.Sizeof(l.entries), 0, 0, 0)
	l.at, l.end = 0, n
	return Errno(n) == 0 && n > 0
}

// rights is struct cmsghdr with one descriptor (cmsg(3), SCM_RIGHTS in unix(7)).
type rights struct {
	length      uint64
	level, kind int32
	fd          int32
	_           int32
}

// SendWith sends n bytes, and a descriptor with them. It reports whether all was sent.
func SendWith(sock uintptr, p unsafe.Pointer, n, fd uintptr) bool {
	// CMSG_LEN of one descriptor: 16 bytes of header and 4 of data. The last word is for alignment.
	with := rights{length: 20, level: unix.SOL_SOCKET, kind: unix.SCM_RIGHTS, fd: int32(fd)}
	iov := [2]uintptr{Addr(p), n}
	h := Msghdr{Iov: Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: Addr(unsafe.Pointer(&with)), Controllen: unsafe.Sizeof(with)}
	return Call(unix.SYS_SENDMSG, sock, Addr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL, 0, 0, 0) == n
}

// ReceiveWith reads n bytes, and one descriptor that comes with them; fd is 0 where none does. It
// returns how many bytes there were before the end, or before an error.
func ReceiveWith(sock uintptr, p unsafe.Pointer, n uintptr, fd *uintptr) uintptr {
	var with rights
	iov := [2]uintptr{Addr(p), n}
	h := Msghdr{Iov: Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: Addr(unsafe.Pointer(&with)), Controllen: unsafe.Sizeof(with)}
	r := Failed(unix.EINTR)
	for Errno(r) == unix.EINTR {
		r = Call(unix.SYS_RECVMSG, sock, Addr(unsafe.Pointer(&h)), unix.MSG_CMSG_CLOEXEC|unix.MSG_WAITALL, 0, 0, 0)
	}
	if Errno(r) != 0 {
		return 0
	}
	// More descriptors than one do not fit: the kernel closes the others (MSG_CTRUNC, recvmsg(2)).
	if h.Controllen > 0 && with.level == unix.SOL_SOCKET && with.kind == unix.SCM_RIGHTS {
		*fd = uintptr(with.fd)
	}
	return r
}
