package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kills reports whether a system call kills the process that makes it: a child makes it,
// and it must be harmless in a process that ends at once. It is false where no child can be
// made.
//
// The child has a copy of the runtime's memory and none of its threads: it must not come to
// a stack check, which could call the scheduler. So this function calls assembly only, as
// package syscall does between fork and exec.
//
//go:nosplit
//go:norace
func kills(nr uintptr, operands [5]uintptr) bool {
	all, before, status := ^uint64(0), uint64(0), uint32(0)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), 8, 0, 0)
	pid, _, failed := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if failed == 0 && pid == 0 {
		r, _, e := syscall.RawSyscall6(nr, operands[0], operands[1], operands[2], operands[3], operands[4], 0)
		if nr == unix.SYS_CLONE && e == 0 && r != 0 {
			syscall.RawSyscall6(unix.SYS_WAIT4, r, 0, unix.WALL, 0, 0, 0)
		}
		for {
			syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
		}
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&before)), 0, 8, 0, 0)
	if failed != 0 {
		return false
	}
	for {
		r, _, e := syscall.RawSyscall6(unix.SYS_WAIT4, pid, uintptr(unsafe.Pointer(&status)), unix.WALL, 0, 0, 0)
		if e != syscall.EINTR {
			return r == pid && status&0x7f == uint32(unix.SIGSYS)
		}
	}
}
