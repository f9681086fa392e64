package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// chdir tries one place for the command to start in. Once one of them was taken, the
// rest of the OpChdir steps do nothing. PWD in the environment follows.
func chdir(p program, s *plan.Step) unix.Errno {
	if room.cwdDone != 0 {
		return 0
	}
	e := enterDir(p.str(s.A))
	if e != 0 && s.Flags&plan.FlagTry != 0 {
		return 0
	}
	if e == 0 {
		room.cwdDone = 1
		*p.slot(p.h.Pwd) = uint64(s.B)
	}
	return e
}

// enterDir changes into a directory. None of our descriptors is open any more, but
// the caller's may be: a magic link of /proc does not count as a place inside.
func enterDir(path unsafe.Pointer) unix.Errno {
	room.how.Flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	room.how.Mode = 0
	room.how.Resolve = unix.RESOLVE_NO_MAGICLINKS
	fd := raw(unix.SYS_OPENAT2, atCwd, addr(path), addr(unsafe.Pointer(&room.how)), unsafe.Sizeof(room.how), 0, 0)
	if room.engine == engineClassic {
		root := openat(atCwd, text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
		if e := errno(root); e != 0 {
			return e
		}
		fd = walk(root, path, findOnly, 0, 0)
		closeFd(root)
		room.sub = plan.SubMain
	}
	if e := errno(fd); e != 0 {
		return e
	}
	e := errno(fchdir(fd))
	closeFd(fd)
	return e
}

// pollfd is struct pollfd.
type pollfd struct {
	fd              int32
	events, revents int16
}

// waitFd waits for a byte or the end of the caller's fd, then closes it.
func waitFd(fd uintptr) unix.Errno {
	for {
		r := raw(unix.SYS_READ, fd, addr(unsafe.Pointer(&room.small)), 1, 0, 0, 0)
		switch e := errno(r); e {
		case 0:
			closeFd(fd)
			return 0
		case unix.EINTR:
		case unix.EAGAIN: // somebody made it non-blocking
			var p pollfd
			p.fd, p.events = int32(fd), unix.POLLIN
			raw(unix.SYS_PPOLL, addr(unsafe.Pointer(&p)), 1, 0, 0, 8, 0)
		default:
			return e
		}
	}
}

// filterPayload installs one of the payload's filters. The first one may refuse every call
// but execve: what else comes before the payload is done now.
func filterPayload(p program, s *plan.Step) unix.Errno {
	if room.settled == 0 {
		settleForExec(p)
		diagnose(p)
	}
	e := seccomp(p.str(s.A), s.B)
	if e == 0 {
		room.filtered = 1
	}
	return e
}

// seccomp installs a filter of n instructions.
func seccomp(filter unsafe.Pointer, n uint32) unix.Errno {
	var prog struct {
		n      uint16
		_      [6]byte
		filter uintptr
	}
	prog.n = uint16(n)
	prog.filter = addr(filter)
	return prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, addr(unsafe.Pointer(&prog)), 0, 0)
}

// lock takes a read lock on a file in the sandbox. Its descriptor stays open.
func lock(path unsafe.Pointer) unix.Errno {
	fd := openat(atCwd, path, unix.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hold us up
	room.sub = plan.SubSource
	if e := errno(fd); e != 0 {
		return e
	}
	room.sub = plan.SubMain
	var l unix.Flock_t
	l.Type = unix.F_RDLCK
	l.Whence = unix.SEEK_SET
	return errno(fcntl(fd, unix.F_SETLK, addr(unsafe.Pointer(&l))))
}

// maskOf stores a one-signal mask in the room and returns its address.
func maskOf(sig unix.Signal) uintptr {
	mask := (*uint64)(unsafe.Pointer(&room.message))
	*mask = 1 << (uint(sig) - 1)
	return addr(unsafe.Pointer(mask))
}
