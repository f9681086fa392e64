package host

import (
	"strconv"

	"github.com/gobwrap/gobwrap/internal/procfs"
	"golang.org/x/sys/unix"
)

// Await returns when a child has ended, and leaves its status for others.
func Await(pid int) {
	var info unix.Siginfo
	// WNOWAIT: os.Process.Wait, or the program's own code, still finds the status.
	for unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		continue
	}
}

// IgnoredSignals returns the signals that a process started from here finds ignored, bit n-1
// for signal n. The runtime of a program that starts itself does not keep them all.
func IgnoredSignals() uint64 {
	// 0 if proc cannot be read: then none is passed on as ignored.
	mask, _ := strconv.ParseUint(procfs.Field(procfs.Text("/proc/self/status"), "SigIgn"), 16, 64)
	return mask
}
