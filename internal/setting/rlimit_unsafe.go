package setting

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process, without privilege in setuid mode.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// setLimit lowers a limit. What would raise the hard limit is refused for root too, who could
// by CAP_SYS_RESOURCE.
func setLimit(l limit) unix.Errno {
	var now unix.Rlimit
	if e := prlimit(l.resource, nil, &now); e != 0 {
		return e
	}
	// EPERM is what the kernel says to all others. Root's set-up has the capability still, and a
	// sandbox is to be no way to more.
	if l.hard > now.Max {
		return unix.EPERM
	}
	now.Cur, now.Max = l.soft, l.hard
	return prlimit(l.resource, &now, nil)
}

// prlimit is prlimit(2) for this process. getrlimit and setrlimit are not there on every architecture.
func prlimit(resource uint32, to, was *unix.Rlimit) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, uintptr(resource), raw.Addr(unsafe.Pointer(to)), raw.Addr(unsafe.Pointer(was)), 0, 0))
}
