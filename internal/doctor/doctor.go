package doctor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Examine tries everything and judges it. engine is what the launcher would mount with.
func Examine(engine string) *Report {
	f := Here()
	kernel := Kernel{MountEngine: engine}
	_, _, kernel.Openat2 = syscall.RawSyscall6(unix.SYS_OPENAT2, ^uintptr(0), 0, 0, 0, 0, 0)
	return Judge(f, Probe(f), kernel)
}
