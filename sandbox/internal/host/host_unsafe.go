package host

// Runs in: the front end, and embedding programs.

import (
	"syscall"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Permitted reads the caller's permitted capabilities.
func Permitted() uint64 {
	// Version 3 has 64 bits, in two halves (capget(2), since Linux 2.6.26).
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, e := syscall.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data)), 0)
	// A filter refuses it: none is the answer that promises nothing.
	if e != 0 {
		return 0
	}
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
}

// IsTerminal reports whether a descriptor is a terminal.
func IsTerminal(fd int) bool {
	var t unix.Termios
	// As isatty(3) does. It works on a descriptor that is non-blocking, too.
	_, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.TCGETS, uintptr(unsafe.Pointer(&t)))
	return e == 0
}

// Possible reports whether setuid mode can do what a plan says.
func Possible(p *plan.Program) (suid.Reason, uint32) {
	return suid.CheckPlan(unsafe.Pointer(unsafe.SliceData(p.Bytes)))
}
