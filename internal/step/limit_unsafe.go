package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file counts descriptors. A plan may name more sources than the caller's limit admits
// (RLIMIT_NOFILE, getrlimit(2)), and each is held open from before the first mount until it is
// bound. So the soft limit is raised for set-up, and where even the hard one is too low, sources
// are opened again when they are needed: that costs a second look at a path, and is avoided as
// long as descriptors suffice.

// keepFree is how many descriptors the operations themselves need, at most.
const keepFree = 12

// The caller's own descriptors may lie anywhere below the limit. Under a limit above fewLimit there is
// room for what a launch opens first, and below manyOpen nothing is looked up: that would be a
// system call in every launch.
const (
	fewLimit = 128
	manyOpen = 64
)

// IsTight reports whether a descriptor that has served is closed at once, not with others.
func (s *State) IsTight(fd uintptr) bool {
	return s.Limit() <= fewLimit || fd+keepFree+maxIdle > s.Limit()
}

// HasFree reports whether keepFree descriptors can be opened besides fd, which was opened last
// and so had the lowest number that was free.
func (s *State) HasFree(fd uintptr) bool {
	limit := s.Limit()
	if fd+keepFree >= limit {
		return false
	}
	if limit > fewLimit && fd < manyOpen {
		return true
	}
	if s.spare > 0 {
		s.spare--
		return true
	}
	free := uint32(0)
	for first := fd + 1; first < limit && free < keepFree; first += window {
		n, ok := freeOf(first, min(window, limit-first))
		if !ok {
			return true // the numbers allow it; if there are too few, opening one fails with EMFILE
		}
		free += n
	}
	if free < keepFree {
		return false
	}
	s.spare = free - keepFree
	return true
}

// window is how many descriptors are looked at in one call.
const window = 64

// freeOf returns how many of the n descriptors from first on are not open: ppoll(2) says POLLNVAL
// of such a one. ok is false where a filter refuses the call.
func freeOf(first, n uintptr) (free uint32, ok bool) {
	var fds [window]raw.PollFd
	var now unix.Timespec
	for i := range fds {
		fds[i].Fd = int32(first) + int32(i)
	}
	if raw.Errno(raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), n, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)) != 0 {
		return 0, false
	}
	for i := range fds {
		if fds[i].Revents&unix.POLLNVAL != 0 {
			free++
		}
	}
	return free, true
}

// RaiseLimit lifts the soft limit on descriptors to the hard one, for set-up only, and
// reports whether there is room behind fd now. The payload gets the caller's limit back
// ([State.RestoreLimit]): programs that use select(2) cannot
// cope with descriptors above 1023, which a low soft limit keeps from them.
func (s *State) RaiseLimit(fd uintptr) bool {
	if s.raised != 0 || raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, raw.Addr(unsafe.Pointer(&s.nofile)), 0, 0)) != 0 {
		return false
	}
	all := s.nofile
	all.Cur = all.Max
	if raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, raw.Addr(unsafe.Pointer(&all)), 0, 0, 0)) != 0 {
		return false
	}
	s.raised = 1
	s.SetLimit(uintptr(all.Max))
	return s.HasFree(fd)
}

// RestoreLimit undoes RaiseLimit. Descriptors above the old limit stay open; the kernel applies it
// only to new ones.
func (s *State) RestoreLimit() {
	if s.raised != 0 {
		raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, raw.Addr(unsafe.Pointer(&s.nofile)), 0, 0, 0)
		s.raised = 0
	}
}
