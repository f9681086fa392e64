package bpf

import (
	"strconv"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// maxErrno is the largest error number that the kernel gives to a program (MAX_ERRNO,
// linux/err.h); a filter's larger ones are cut to it.
const maxErrno = 4095

// Answer formats what a filter answered.
func Answer(answer uint32) string {
	name, data := seccomp.ActionName(answer), answer&unix.SECCOMP_RET_DATA
	switch seccomp.Action(answer) {
	case unix.SECCOMP_RET_ERRNO:
		data = min(data, maxErrno)
		if errno := unix.ErrnoName(unix.Errno(data)); errno != "" {
			return name + " " + errno
		}
		return name + " " + strconv.Itoa(int(data))
	case unix.SECCOMP_RET_TRACE, unix.SECCOMP_RET_TRAP:
		if data != 0 {
			return name + " " + strconv.Itoa(int(data))
		}
	}
	if name == "" {
		return "unknown (0x" + strconv.FormatUint(uint64(answer), 16) + "): kill_process"
	}
	return name
}
