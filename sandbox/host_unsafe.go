package sandbox

import (
	"syscall"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// permitted reads the caller's permitted capabilities.
func permitted() uint64 {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, e := syscall.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data)), 0)
	if e != 0 {
		return 0
	}
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
}

func ioctlTermios(fd int, t *unix.Termios) bool {
	_, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.TCGETS, uintptr(unsafe.Pointer(t)))
	return e == 0
}

// gate asks the policy of the setuid mode about a plan of our own.
func gate(p *plan.Program) (suid.Row, uint32) {
	var info syscall.Sysinfo_t
	_ = syscall.Sysinfo(&info) // no memory then, as the keeper sees it
	return suid.Gate(unsafe.Pointer(unsafe.SliceData(p.Bytes)), uint64(info.Totalram)*uint64(info.Unit)/2)
}

// hasSeccomp asks for a filter at no address: EFAULT from a kernel that has filters,
// EINVAL from one that has not (seccomp(2)).
func hasSeccomp() bool {
	_, _, e := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0)
	return e == syscall.EFAULT
}

func landlockABI() int {
	if deadly(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION) {
		return 0
	}
	abi, _, e := syscall.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(abi)
}

// hasNewMounts asks as package child does: flags that no kernel knows are EINVAL where
// the call is there. move_mount looks at the caller's rights first (EPERM); it came with
// open_tree (5.2).
func hasNewMounts() bool {
	const none, odd = ^uintptr(0), 0xffff0000
	if deadly(unix.SYS_OPEN_TREE, none, 0, odd) || deadly(unix.SYS_MOUNT_SETATTR, none, 0, odd) || deadly(unix.SYS_OPENAT2, none, 0, 0) {
		return false
	}
	_, _, a := syscall.RawSyscall(unix.SYS_OPEN_TREE, none, 0, odd)
	_, _, b := syscall.RawSyscall6(unix.SYS_MOUNT_SETATTR, none, 0, odd, 0, 0, 0)
	_, _, c := syscall.RawSyscall6(unix.SYS_OPENAT2, none, 0, 0, 0, 0, 0)
	return a == syscall.EINVAL && b == syscall.EINVAL && c == syscall.EINVAL
}

// deadly reports whether a filter kills the process that makes a call. Without a filter
// nothing is tried.
func deadly(nr, a, b, c uintptr) bool {
	return filtered() && child.Deadly(nr, a, b, c, 0, 0, 0)
}
