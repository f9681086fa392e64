package broker

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the broker.
//
// The seccomp filter is the broker's last protection, not its first: it bounds what a flaw in the code
// that handles requests could be used for. It compares call numbers only; descriptors and flags are
// checked where they are used. With it the broker can never execute a program, create a process,
// connect a socket, write what is in a file or change its ids.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// allowedCalls are the system calls that the broker makes. Any other one kills it.
//
//nolint:gochecknoglobals // read-only table
var allowedCalls = [...]uint32{
	unix.SYS_RECVMSG, unix.SYS_SENDTO, unix.SYS_CLOSE, unix.SYS_EXIT_GROUP, unix.SYS_GETPPID, // requests and answers
	unix.SYS_MOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_OPENAT, unix.SYS_PIVOT_ROOT, unix.SYS_UMOUNT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT,
	unix.SYS_FSTATFS, unix.SYS_NEWFSTATAT, // a mount's flags, a file's device
	unix.SYS_SETHOSTNAME,
}

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataNr   = 0
	dataArch = 4
)

// installFilter installs the filter. EINVAL means a kernel without CONFIG_SECCOMP_FILTER, where the
// broker works without one.
func installFilter() bool {
	const first, end = 3, 3 + len(allowedCalls)
	var prog [end + 2]unix.SockFilter
	prog[0] = unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: dataArch}
	prog[1] = unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(end - 2), K: arch}
	prog[2] = unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: dataNr}
	for i := range len(allowedCalls) {
		prog[first+i] = unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(allowedCalls) - i), K: allowedCalls[i]}
	}
	prog[end] = unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_KILL_THREAD}
	prog[end+1] = unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW}
	how := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	e := raw.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, raw.Addr(unsafe.Pointer(&how)), 0, 0)
	return e == 0 || e == unix.EINVAL
}
