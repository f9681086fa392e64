package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file closes descriptors. Those of ours that set-up has done with are closed several at a time:
// the kernel gives the lowest free numbers, so those of a few operations lie side by side. None of the
// caller's is among them. All are closed before the sources are opened, whose paths may lead to
// descriptors, and before the payload's process is forked and its own steps come (package
// mounts/build). A bind leaves three of them, which would otherwise be three calls of close(2).

// maxIdle is how many there are, at most.
const maxIdle = 16

// idle is a window of 64 numbers, and a bit for each descriptor in it that is to be closed.
type idle struct {
	window uintptr // the first number, divided by 64
	set    uint64
	n      uint32
}

// CloseSoon closes a descriptor with others. It must not be open for writing: the kernel
// refuses to make a mount read-only while there is such a one (mount_setattr(2), EBUSY).
func (s *State) CloseSoon(fd uintptr) {
	if s.Engine == ClassicCalls || s.IsTight(fd) { // close_range(2) (5.9) may be missing, or few are free
		raw.Close(fd)
		return
	}
	// Another window: what was kept of the last one goes first, so that one word of bits is enough.
	if s.idle.window != fd/64 {
		s.CloseIdle()
		s.idle.window = fd / 64
	}
	s.idle.set |= 1 << (fd % 64)
	s.idle.n++
	if s.idle.n == maxIdle {
		s.CloseIdle()
	}
}

// CloseIdle closes what CloseSoon has left open. It comes before a fork, which
// would copy them, and before paths are looked up that may lead through /proc/self/fd.
func (s *State) CloseIdle() {
	set := s.idle.set
	s.idle.set, s.idle.n = 0, 0
	for first := uintptr(0); first < 64; first++ {
		if set>>first&1 == 0 {
			continue
		}
		end := first + 1
		for end < 64 && set>>end&1 != 0 {
			end++
		}
		closeRun(64*s.idle.window+first, 64*s.idle.window+end)
		first = end
	}
}

// closeRun closes the descriptors [first, end), which are all ours.
func closeRun(first, end uintptr) {
	if end-first > 1 && raw.Errno(raw.Call(unix.SYS_CLOSE_RANGE, first, end-1, 0, 0, 0, 0)) == 0 {
		return
	}
	for fd := first; fd < end; fd++ {
		raw.Close(fd)
	}
}
