package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// ProcMagic is PROC_SUPER_MAGIC, the type of proc (statfs(2)).
const ProcMagic = 0x9fa0

// OpenProc opens the host's /proc while it can be named, or ends the process.
func (s *State) OpenProc() {
	if e := s.TryProc(); e != 0 {
		s.EndNoStep(Failed(e, plan.SubProc))
	}
}

// TryProc is like OpenProc, but returns the error. What it opens must be a proc: links in its
// place have been used to redirect writes (CVE-2019-16884 and its line).
func (s *State) TryProc() unix.Errno {
	if s.Proc != 0 {
		return 0
	}
	// It is kept open: once this process is in the frame, no path leads to it.
	fd := raw.Openat(raw.AtCwd, raw.Text("/proc\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(fd); e != 0 {
		return e
	}
	kind, e := s.FileSystem(fd)
	// An ordinary directory in its place could hold links of the caller's choice where set-up writes id
	// maps.
	if e == 0 && kind != ProcMagic {
		e = unix.ENODEV
	}
	if e != 0 {
		raw.Close(fd)
		return e
	}
	s.Proc = s.Above(fd)
	return 0
}

// CloseProc closes the host's /proc. From there on no link below /proc/self/fd leads out of
// the sandbox (CVE-2024-21626).
func (s *State) CloseProc() {
	raw.Close(s.Proc)
	s.Proc = 0
}

// FileSystem returns the type of the file system that fd lies on (statfs(2)).
func (s *State) FileSystem(fd uintptr) (int64, unix.Errno) {
	var st unix.Statfs_t
	e := raw.Errno(raw.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0, 0))
	return st.Type, e
}

// MountFlags returns the flags of the mount that fd lies on, as statfs(2) has them (ST_RDONLY).
func (s *State) MountFlags(fd uintptr) (int64, unix.Errno) {
	var st unix.Statfs_t
	e := raw.Errno(raw.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0, 0))
	return st.Flags, e
}

// WriteProc writes a string to a file below the host's /proc, in one write.
func (s *State) WriteProc(path, value unsafe.Pointer) unix.Errno {
	return WriteBelow(s.Proc, path, value)
}

// WriteBelow writes a string to a file below dir. Files of proc take a value whole or not at all.
func WriteBelow(dir uintptr, path, value unsafe.Pointer) unix.Errno {
	var c raw.Chain
	raw.Close(WriteOpen(&c, dir, path, value))
	return c.Errno
}

// WriteOpen is WriteBelow that leaves the file open. fd is a failed result if it could not be opened.
func WriteOpen(c *raw.Chain, dir uintptr, path, value unsafe.Pointer) (fd uintptr) {
	fd = c.Open(dir, path, unix.O_WRONLY)
	c.Call(unix.SYS_WRITE, fd, raw.Addr(value), raw.Strlen(value), 0, 0)
	return fd
}
