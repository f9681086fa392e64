package frame

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file keeps files on the frame's tmpfs. They have numbers for names, and the newest one is the
// only one that is named: what needs another one holds a descriptor of it.

// PrivateDir makes a directory on the frame's tmpfs, which the payload never sees.
func (r *Frame) PrivateDir() (uintptr, unix.Errno) {
	r.serial++
	var name raw.Line
	if e := raw.Mkdirat(r.Base, r.privateName(&name), 0o755); e != 0 {
		return 0, e
	}
	// With its own name, since the caller mounts on it and opens what is mounted then.
	fd := r.OpenPrivate(unix.O_DIRECTORY)
	return fd, raw.Errno(fd)
}

// PrivateNumber returns the number that is the name of the newest file on the frame's tmpfs.
func (r *Frame) PrivateNumber() uint32 { return r.serial }

// privateName returns the name of the newest file on the frame's tmpfs.
func (r *Frame) privateName(name *raw.Line) unsafe.Pointer {
	raw.PutNumber(unsafe.Pointer(name), uintptr(r.serial))
	return unsafe.Pointer(name)
}

// OpenPrivate opens the newest file on the frame's tmpfs, or what is mounted on it.
func (r *Frame) OpenPrivate(flags uintptr) uintptr {
	var name raw.Line
	return raw.Openat(r.Base, r.privateName(&name), unix.O_PATH|unix.O_NOFOLLOW|flags, 0)
}

// PrivateFile makes a file on the frame's tmpfs, and opens it for reading and writing.
func (r *Frame) PrivateFile(mode uintptr) uintptr {
	r.serial++
	var name raw.Line
	return raw.Openat(r.Base, r.privateName(&name), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, mode)
}

// UnlinkPrivate removes the name of a file on the frame's tmpfs.
func (r *Frame) UnlinkPrivate(number uint32) {
	var name raw.Line
	raw.Call(unix.SYS_UNLINKAT, r.Base, raw.Addr(name.Number(uintptr(number)).At()), 0, 0, 0, 0)
}
