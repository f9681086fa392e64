package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Floor returns where our descriptors begin.
func (s *State) Floor() uintptr {
	s.measure()
	return s.high
}

// Limit returns the limit on descriptors that is in force.
func (s *State) Limit() uintptr {
	s.measure()
	return s.limit
}

// SetLimit says that the limit on descriptors has been changed.
func (s *State) SetLimit(n uintptr) { s.limit = n }

// measure looks at the limit on descriptors, once, and chooses where ours begin.
func (s *State) measure() {
	if s.high != 0 {
		return
	}
	// Measured in the launcher, before the first fork, or in the process that asks first: the limit is
	// inherited, so the numbers are the same.
	var limit unix.Rlimit
	raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, raw.Addr(unsafe.Pointer(&limit)), 0, 0)
	s.limit = uintptr(limit.Cur)
	s.high = 3 // under a low limit there is no room above others
	if limit.Cur > 128 {
		s.high = 64 // shells take single digits, other programs the lowest that are free
	}
	if limit.Cur > 1024 {
		s.high = 1000 // hardly a caller names one so high
	}
}

// Above lifts fd to a number that callers are unlikely to name, if it can.
func (s *State) Above(fd uintptr) uintptr {
	s.measure()
	// EINVAL where the limit is below high, EMFILE where all above it are taken: then the number that
	// it has must do, unless it is that of a standard stream.
	r := raw.Fcntl(fd, unix.F_DUPFD_CLOEXEC, s.high)
	switch e := raw.Errno(r); {
	case e != 0 && fd > 2:
		return fd
	case e != 0:
		r = raw.Fcntl(fd, unix.F_DUPFD_CLOEXEC, 3)
	}
	if e := raw.Errno(r); e != 0 {
		GiveUp(raw.Text("Can't move a descriptor\x00"), e)
	}
	raw.Close(fd)
	return r
}

// SocketPair makes a pair of connected stream sockets, above the numbers that callers name.
func (s *State) SocketPair() (a, b uintptr, e unix.Errno) {
	var pair [2]int32
	// Stream sockets: the end of one side is seen as the end of what can be read, and words need no
	// frame.
	r := raw.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&pair)), 0, 0)
	if e := raw.Errno(r); e != 0 {
		return 0, 0, e
	}
	return s.Above(uintptr(pair[0])), s.Above(uintptr(pair[1])), 0
}

// CloseRange closes every descriptor from first to last. Where close_range is missing
// (before 5.9) or refused, it closes one by one what /proc lists.
func (s *State) CloseRange(first, last uintptr) {
	// close_range(2) of nothing is EINVAL.
	if first > last || raw.Errno(raw.Call(unix.SYS_CLOSE_RANGE, first, last, 0, 0, 0, 0)) == 0 {
		return
	}
	s.closeListed(first, last)
}

// closeListed is CloseRange by what /proc lists; without a /proc it tries every number, those above
// a limit that was set later too.
func (s *State) closeListed(first, last uintptr) {
	at, path := raw.AtCwd, raw.Text("/proc/self/fd\x00") // for the monitor, whose /proc is the host's
	if s.Proc != 0 {
		at, path = s.Proc, raw.Text("self/fd\x00")
	}
	dir := raw.Openat(at, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	// With a proc at hand this fails only for want of a descriptor or of memory. What is not closed
	// would reach the payload, so the launch fails.
	if e := raw.Errno(dir); e != 0 && s.Proc != 0 {
		s.End(Failed(e, plan.SubProc))
	} else if e != 0 {
		for fd := first; fd <= last && fd < 1<<20 && fd < max(s.limit, 1<<12); fd++ {
			raw.Close(fd)
		}
		return
	}
	// Closing while the list is read is safe: proc lists descriptors by number, from where it stopped.
	list := raw.Numbers{Dir: dir}
	for fd, more := list.Next(); more; fd, more = list.Next() {
		// But not the list itself, nor the /proc that it is read from.
		if fd >= first && fd <= last && fd != dir && fd != s.Proc {
			raw.Close(fd)
		}
	}
	raw.Close(dir)
}
