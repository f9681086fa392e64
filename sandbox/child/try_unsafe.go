package child

// Room: no runtime. See doc.go for the laws of this file.
//
// Runs in: the front end, or an embedding program, and in a child of it that makes one
// system call and ends.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Deadly reports whether a system call kills the process that makes it, as a seccomp filter
// may have it: a child makes it. The call must be harmless in a process that ends at once. It
// answers false where no child can be made.
//
// The child has the runtime's memory and none of its threads: it must not come to a stack
// check, which could call the scheduler. So this function calls assembly only.
//
//go:nosplit
//go:norace
func Deadly(nr, a, b, c, d, e, f uintptr) bool {
	all, before, status := ^uint64(0), uint64(0), uint32(0)
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), 8, 0, 0)
	pid := raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		r := raw(nr, a, b, c, d, e, f)
		if nr == unix.SYS_CLONE && r != 0 && r < ^uintptr(4095) {
			raw(unix.SYS_WAIT4, r, 0, unix.WALL, 0, 0, 0)
		}
		raw(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
		for {
			trap()
		}
	}
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&before)), 0, 8, 0, 0)
	if pid > ^uintptr(4095) {
		return false
	}
	for {
		r := raw(unix.SYS_WAIT4, pid, uintptr(unsafe.Pointer(&status)), unix.WALL, 0, 0, 0)
		if r != ^uintptr(unix.EINTR-1) {
			return r == pid && status&0x7f == uint32(unix.SIGSYS)
		}
	}
}
