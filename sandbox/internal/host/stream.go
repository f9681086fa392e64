package host

import (
	"os"
	"strconv"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"golang.org/x/sys/unix"
)

// IsTerminalFile reports whether w, a stream of a Cmd, is a file that is a terminal.
func IsTerminalFile(w any) bool {
	f, ok := w.(*os.File)
	if !ok || f == nil {
		return false
	}
	return IsTerminal(int(f.Fd()))
}

// WritableStdin reports whether the payload's standard input is a regular file that the caller
// may write. The payload can then open it anew, by a link of proc. r is the stream of a Cmd.
func WritableStdin(r any) (writable bool) {
	f, ok := r.(*os.File)
	switch {
	case ok && f != nil:
		if conn, err := f.SyscallConn(); err == nil {
			_ = conn.Control(func(fd uintptr) { writable = writableFile(int(fd)) })
		}
	case child.Entered() && child.Passed(0):
		writable = writableFile(0)
	}
	return writable
}

// writableFile reports whether a descriptor is a regular file that the caller may write, by a path or
// by a link of proc.
func writableFile(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG &&
		unix.Access("/proc/self/fd/"+strconv.Itoa(fd), unix.W_OK) == nil
}
