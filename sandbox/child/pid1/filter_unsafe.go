package pid1

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: init.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/payload"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)); the machines that we run on are little-endian.
const (
	dataCall = 0
	dataArch = 4
	dataArg0 = 16
)

// initFilter is the filter that filterInit makes.
//
//nolint:gochecknoglobals // too large for the stack
var initFilter [8 * plan.MaxFilter]byte

// exceptions is how many instructions filterInit puts in front of a filter.
const exceptions = 12

// filterInit installs one of the payload's filters, n instructions, in init, behind an
// exception for what init still does: wait for its children, write the payload's status to
// the feed and close that, end. None of these is of use to a payload that takes init over.
// A filter so long that the exceptions do not fit in front of it is installed as it is.
func filterInit(filter unsafe.Pointer, n uint32) unix.Errno {
	if n > plan.MaxFilter-exceptions {
		return payload.InstallFilter(filter, n)
	}
	end := ^uint32(0)
	if launch.Feed.Child != 0 {
		end = uint32(launch.Feed.Child)
	}
	const load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	const equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	at := unsafe.Pointer(&initFilter)
	at = instruction(at, load, 0, 0, dataArch)
	at = instruction(at, equal, 0, 9, auditArch) // else the filter decides
	at = instruction(at, load, 0, 0, dataCall)
	at = instruction(at, equal, 6, 0, unix.SYS_WAIT4) // permitted
	at = instruction(at, equal, 5, 0, unix.SYS_EXIT_GROUP)
	at = instruction(at, equal, 4, 0, unix.SYS_EXIT)
	at = instruction(at, equal, 1, 0, unix.SYS_WRITE)
	at = instruction(at, equal, 0, 3, unix.SYS_CLOSE)
	at = instruction(at, load, 0, 0, dataArg0)
	at = instruction(at, equal, 0, 1, end)
	at = instruction(at, unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW)
	at = instruction(at, unix.BPF_LD|unix.BPF_IMM, 0, 0, 0) // the accumulator as a filter finds it
	for i := uintptr(0); i < uintptr(n); i++ {
		*(*uint64)(unsafe.Add(at, 8*i)) = *(*uint64)(unsafe.Add(filter, 8*i))
	}
	return payload.InstallFilter(unsafe.Pointer(&initFilter), exceptions+n)
}

// instruction writes a struct sock_filter and returns where the next one goes.
func instruction(at unsafe.Pointer, code uint16, yes, no uint8, k uint32) unsafe.Pointer {
	*(*uint64)(at) = uint64(code) | uint64(yes)<<16 | uint64(no)<<24 | uint64(k)<<32
	return unsafe.Add(at, 8)
}
