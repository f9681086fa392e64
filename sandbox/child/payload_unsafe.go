package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the payload's process; chdir and lock in init too.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// doBare executes a step of the payload's process that takes no privilege: in setuid mode
// OpCaps has given it up by then.
func doBare(p plan.View, s *plan.Step) step.Fault {
	switch {
	case s.Op == plan.OpLock, s.Op == plan.OpTimeout, s.Op == plan.OpCgroup, s.Op == plan.OpSocket:
		return step.Fault{} // init's: see takeLocks; the monitor's; OpFence's
	case s.Op == plan.OpClose:
		closeBetween(uintptr(s.A), uintptr(s.B))
		return step.Fault{}
	case s.Op == plan.OpFence:
		return step.Main(fence(p, s))
	case s.Op == plan.OpChdir:
		return step.Main(chdir(p, s))
	case s.Op == plan.OpTell:
		tellWho()
		return step.Fault{}
	case s.Op == plan.OpSet:
		v := setting.Values{s.B, s.C, s.D, s.E, s.F}
		return step.Main(v.Set(setting.Kind(s.A)))
	case s.Op == plan.OpSeccomp:
		return step.Main(filterPayload(p, s))
	case s.Op == plan.OpExec:
		return execute(p)
	}
	return step.Main(unix.ENOSYS)
}

// closeBetween closes the descriptors from first to last. Ours are closed by the exec.
func closeBetween(first, last uintptr) {
	// In ascending order: around each, a range in front of it and the rest.
	for _, own := range [...]uintptr{min(acting.Sock, acting.Proc), max(acting.Sock, acting.Proc)} {
		if own >= first && own <= last {
			acting.CloseRange(first, own-1)
			first = own + 1
		}
	}
	acting.CloseRange(first, last)
}

// chdir tries one place for the command to start in. Once one of them was taken, the rest of
// the OpChdir steps do nothing. PWD in the environment follows.
func chdir(p plan.View, s *plan.Step) unix.Errno {
	if payload.moved {
		return 0
	}
	e := acting.ChangeDir(p.Str(s.A))
	// The next place will do.
	if e != 0 && s.Flags&plan.FlagTry != 0 {
		return 0
	}
	if e == 0 {
		payload.moved = true
		*p.Slot(p.Pwd) = uint64(s.B)
	}
	return e
}

// waitFd waits for a byte or the end of the caller's fd, then closes it.
func waitFd(fd uintptr) unix.Errno {
	for {
		var b byte
		r := raw.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&b)), 1, 0, 0, 0)
		switch e := raw.Errno(r); e {
		case 0:
			raw.Close(fd)
			return 0
		case unix.EINTR:
		case unix.EAGAIN: // another process made it non-blocking
			var p raw.PollFd
			p.Fd, p.Events = int32(fd), unix.POLLIN
			raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&p)), 1, 0, 0, 8, 0)
		default:
			return e
		}
	}
}

// filterPayload installs one of the payload's filters. The first one may refuse every call
// but execve: what else comes before the payload is done now.
func filterPayload(p plan.View, s *plan.Step) unix.Errno {
	if !payload.settled {
		settleForExec(p)
		diagnose(p)
	}
	e := seccomp(p.Str(s.A), s.B)
	if e == 0 {
		acting.Filtered = 1
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
	// struct sock_fprog: a length, and an address that is aligned.
	prog.n = uint16(n)
	prog.filter = raw.Addr(filter)
	return raw.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, raw.Addr(unsafe.Pointer(&prog)), 0, 0)
}

// lock takes a read lock on a file in the sandbox. Its descriptor stays open.
func lock(path unsafe.Pointer) step.Fault {
	fd := raw.Openat(raw.AtCwd, path, unix.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hold us up
	if e := raw.Errno(fd); e != 0 {
		return step.Failed(e, plan.SubSource)
	}
	var l unix.Flock_t
	// A whole file, as bwrap locks it: fcntl(2) takes a length of 0 for up to the end.
	l.Type = unix.F_RDLCK
	l.Whence = unix.SEEK_SET
	return step.Main(raw.Errno(raw.Fcntl(fd, unix.F_SETLK, raw.Addr(unsafe.Pointer(&l)))))
}
