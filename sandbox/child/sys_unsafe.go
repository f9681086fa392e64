package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// raw makes a system call; a result above -4096 is a negated errno.
func raw(nr, a, b, c, d, e, f uintptr) uintptr

// trap executes an instruction that there is not.
func trap()

// mapped turns an address that mmap gave into a pointer.
func mapped(addr uintptr) unsafe.Pointer

// failed is the raw result of a call that failed with e.
func failed(e unix.Errno) uintptr { return -uintptr(e) }

// errno is the error of a raw result, 0 where there is none.
func errno(r uintptr) unix.Errno {
	if r > ^uintptr(4095) {
		return unix.Errno(-r)
	}
	return 0
}

func addr(p unsafe.Pointer) uintptr { return uintptr(p) }

// exit ends the process, also under a filter that refuses the call for it.
func exit(code uint32) {
	raw(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0, 0, 0, 0)
	raw(unix.SYS_EXIT, uintptr(code), 0, 0, 0, 0, 0)
	for {
		trap()
	}
}

const atCwd = ^uintptr(99) // AT_FDCWD, -100

func closeFd(fd uintptr) { raw(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0) }

// openat opens path below dir; O_CLOEXEC is always set. What it opens is never a
// standard stream, also where the caller closed those: 0 can stand for "none".
func openat(dir uintptr, path unsafe.Pointer, flags, mode uintptr) uintptr {
	fd := raw(unix.SYS_OPENAT, dir, addr(path), flags|unix.O_CLOEXEC|unix.O_NOCTTY, mode, 0, 0)
	if fd > 2 {
		return fd
	}
	lifted := fcntl(fd, unix.F_DUPFD_CLOEXEC, 3)
	closeFd(fd)
	return lifted
}

func mkdirat(dir uintptr, path unsafe.Pointer, mode uint32) uintptr {
	return raw(unix.SYS_MKDIRAT, dir, addr(path), uintptr(mode), 0, 0, 0)
}

// fchdir also notes whether the host's proc is the working directory; see mountOn.
func fchdir(fd uintptr) uintptr {
	r := raw(unix.SYS_FCHDIR, fd, 0, 0, 0, 0, 0)
	if errno(r) == 0 {
		room.inProc = 0
		if fd == room.proc {
			room.inProc = 1
		}
	}
	return r
}

// moveInto makes the directory fd this process's root and working directory.
func moveInto(fd uintptr) unix.Errno {
	if e := errno(fchdir(fd)); e != 0 {
		return e
	}
	return errno(privileged(unix.CAP_SYS_CHROOT, unix.SYS_CHROOT, addr(text(".\x00")), 0, 0, 0, 0, 0))
}

func mount(src, dst, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) unix.Errno {
	return errno(asAdmin(unix.SYS_MOUNT, addr(src), addr(dst), addr(fs), flags, addr(data), 0))
}

func fcntl(fd, cmd, arg uintptr) uintptr { return raw(unix.SYS_FCNTL, fd, cmd, arg, 0, 0, 0) }

func prctl(op, a, b, c, d uintptr) unix.Errno {
	return errno(raw(unix.SYS_PRCTL, op, a, b, c, d, 0))
}

func getpid() uintptr  { return raw(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0) }
func getppid() uintptr { return raw(unix.SYS_GETPPID, 0, 0, 0, 0, 0, 0) }

func kill(pid, sig uintptr) { raw(unix.SYS_KILL, pid, sig, 0, 0, 0, 0) }

// wait waits for a child and leaves its status in room.status.
func wait(pid uintptr) uintptr {
	for {
		r := raw(unix.SYS_WAIT4, pid, addr(unsafe.Pointer(&room.status)), unix.WALL, 0, 0, 0)
		if errno(r) == 0 && room.status&0xff == 0x7f {
			// Stopped, which only a child that asked to be traced by us reports.
			raw(unix.SYS_PTRACE, unix.PTRACE_CONT, r, 0, uintptr(room.status>>8&0xff), 0, 0)
			continue
		}
		if errno(r) != unix.EINTR {
			return r
		}
	}
}

// readFull reads n bytes; it returns how many there were before the end or an error.
func readFull(fd uintptr, p unsafe.Pointer, n uintptr) uintptr {
	done := uintptr(0)
	for done < n {
		r := raw(unix.SYS_READ, fd, addr(p)+done, n-done, 0, 0, 0)
		if e := errno(r); e == unix.EINTR {
			continue
		} else if e != 0 || r == 0 {
			return done
		}
		done += r
	}
	return done
}

// writeFull writes n bytes and returns the errno that stopped it.
func writeFull(fd uintptr, p unsafe.Pointer, n uintptr) unix.Errno {
	done := uintptr(0)
	for done < n {
		r := raw(unix.SYS_WRITE, fd, addr(p)+done, n-done, 0, 0, 0)
		if e := errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			return e
		}
		done += r
	}
	return 0
}

// fstat fills room.stat; it returns the file type bits of the mode.
func fstat(fd uintptr) (uint32, unix.Errno) {
	e := errno(raw(unix.SYS_FSTAT, fd, addr(unsafe.Pointer(&room.stat)), 0, 0, 0, 0))
	return room.stat.Mode & unix.S_IFMT, e
}

func strlen(p unsafe.Pointer) uintptr {
	n := uintptr(0)
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return n
}

// clone forks this process into the namespaces that flags names.
func clone(flags uint32) uintptr {
	return raw(unix.SYS_CLONE, uintptr(flags)|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
}

// closeRange closes every fd from first to last. Where close_range is missing
// (before 5.9) or refused, it closes one by one what the host's /proc lists.
func closeRange(first, last uintptr) {
	if first > last || errno(raw(unix.SYS_CLOSE_RANGE, first, last, 0, 0, 0, 0)) == 0 {
		return
	}
	closeListed(first, last)
}

// linuxDirent64 has its name at this offset.
const direntName = 19

func closeListed(first, last uintptr) {
	dir := uintptr(0)
	if room.proc != 0 {
		dir = openat(room.proc, text("self/fd\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	} else { // the monitor, whose /proc is the host's
		dir = openat(atCwd, text("/proc/self/fd\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	}
	if e := errno(dir); e != 0 && room.proc != 0 {
		fault(e, plan.SubProc, 0)
	} else if e != 0 {
		for fd := first; fd <= last && fd < 1<<20 && fd < max(room.limit, 1<<12); fd++ {
			closeFd(fd)
		}
		return
	}
	buf := unsafe.Pointer(&room.data)
	for {
		n := raw(unix.SYS_GETDENTS64, dir, addr(buf), uintptr(len(room.data)), 0, 0, 0)
		if errno(n) != 0 || n == 0 {
			break
		}
		for off := uintptr(0); off < n; {
			entry := unsafe.Add(buf, off)
			off += uintptr(*(*uint16)(unsafe.Add(entry, 16)))
			fd, ok := number(unsafe.Add(entry, direntName))
			if ok && fd >= first && fd <= last && fd != dir && fd != room.proc {
				closeFd(fd)
			}
		}
	}
	closeFd(dir)
}

// number reads the decimal number at p, which ends with NUL.
func number(p unsafe.Pointer) (uintptr, bool) {
	n := uintptr(0)
	for i := uintptr(0); ; i++ {
		c := *(*byte)(unsafe.Add(p, i))
		if c == 0 {
			return n, i > 0
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uintptr(c-'0')
	}
}

// putNumber writes n in decimal and a NUL at p and returns how many digits there are.
func putNumber(p unsafe.Pointer, n uintptr) uintptr {
	digits := uintptr(1)
	for v := n; v >= 10; v /= 10 {
		digits++
	}
	*(*byte)(unsafe.Add(p, digits)) = 0
	for i := digits; i > 0; i-- {
		*(*byte)(unsafe.Add(p, i-1)) = byte('0' + n%10)
		n /= 10
	}
	return digits
}

// putOctal writes a mode, at most 07777, in four octal digits and a NUL.
func putOctal(p unsafe.Pointer, mode uint32) uintptr {
	for i := uintptr(0); i < 4; i++ {
		*(*byte)(unsafe.Add(p, i)) = byte('0' + mode>>(9-3*i)&7)
	}
	*(*byte)(unsafe.Add(p, 4)) = 0
	return 4
}

// put copies the string at src, with its NUL, to p and returns its length.
func put(p, src unsafe.Pointer) uintptr {
	n := uintptr(0)
	for {
		c := *(*byte)(unsafe.Add(src, n))
		*(*byte)(unsafe.Add(p, n)) = c
		if c == 0 {
			return n
		}
		n++
	}
}
