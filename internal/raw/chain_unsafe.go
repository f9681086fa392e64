package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Chain makes system calls until one fails: then it keeps the errno, and makes no further call. So
// a sequence of calls reads without a condition between them, and is checked once at its end. The
// zero value is a chain that has not failed.
type Chain struct{ Errno unix.Errno }

// Call makes a system call, unless an earlier one has failed, and returns its result, or the earlier failure.
func (c *Chain) Call(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	r := Failed(c.Errno)
	if c.Errno == 0 {
		r = Call(nr, a1, a2, a3, a4, a5, 0)
		c.Errno = Errno(r)
	}
	return r
}

// Require fails with e unless ok.
func (c *Chain) Require(ok bool, e unix.Errno) {
	if c.Errno == 0 && !ok {
		c.Errno = e
	}
}

// Open is Openat.
func (c *Chain) Open(dir uintptr, path unsafe.Pointer, flags uintptr) uintptr {
	fd := AboveStdio(c.Call(unix.SYS_OPENAT, dir, Addr(path), flags|unix.O_CLOEXEC|unix.O_NOCTTY, 0, 0))
	c.Errno = max(c.Errno, Errno(fd))
	return fd
}

// Mount is mount(2).
func (c *Chain) Mount(src, dst, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) {
	c.Call(unix.SYS_MOUNT, Addr(src), Addr(dst), Addr(fs), flags, Addr(data))
}
