package placeholder

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file removes placeholders: see placeholder_unsafe.go.

// Remove removes the placeholder name in dir, if it still is one, and no sandbox needs it.
func Remove(dir uintptr, name unsafe.Pointer) {
	// Again where something lies at the name aside; after that it stays, and the next sandbox takes it
	// over.
	for i := range 8 {
		fd := openPlain(dir, name)
		if raw.Errno(fd) != 0 {
			return
		}
		again := false
		if hasMark(raw.Call(unix.SYS_FGETXATTR, fd, raw.Addr(raw.Text(mark)), 0, 0, 0, 0)) && isEmpty(fd) &&
			raw.Errno(raw.Call(unix.SYS_FLOCK, fd, unix.LOCK_EX|unix.LOCK_NB, 0, 0, 0, 0)) == 0 && notWritten(fd) {
			how := uintptr(0)
			if kind, _ := raw.FileType(fd); kind == unix.S_IFDIR {
				how = unix.AT_REMOVEDIR
			}
			again = takeAway(dir, name, aside(name, i > 0), fd, how)
		}
		raw.Close(fd)
		if !again {
			return
		}
		raw.Nap(1e6)
	}
}

// notWritten reports whether nobody has the file open for writing: it takes a lease, which the
// kernel refuses otherwise (fcntl(2), "Leases"). A file system without leases, or a directory, has
// no such answer. SIGIO, which comes when somebody opens it from now on, is to be ignored.
func notWritten(fd uintptr) bool {
	return raw.Errno(raw.Fcntl(fd, unix.F_SETLEASE, unix.F_RDLCK)) != unix.EAGAIN
}

// takeAway removes name in dir, which was the file fd a moment ago, by the name other: how is
// AT_REMOVEDIR for a directory. What has the name by now, if it is another file, stays. again is
// true where something lies at other.
func takeAway(dir uintptr, name, other unsafe.Pointer, fd, how uintptr) (again bool) {
	var st unix.Stat_t
	if _, e := raw.Fstat(fd, &st); e != 0 || !isAt(dir, name, &st) {
		return false
	}
	// Without replacing: what lies at the name aside may be another file.
	switch e := renameat2(dir, name, other); e {
	case 0:
	case unix.EEXIST:
		clearAside(dir, other)
		return true
	case unix.EINVAL, unix.ENOSYS: // the file system cannot do it without replacing
		if how == unix.AT_REMOVEDIR {
			raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(name), how, 0, 0, 0)
			return false
		}
		var there unix.Stat_t
		if lookAt(dir, other, &there) != unix.ENOENT ||
			raw.Errno(raw.Call(unix.SYS_RENAMEAT2, dir, raw.Addr(name), dir, raw.Addr(other), 0, 0)) != 0 {
			return false
		}
	default:
		return false
	}
	// Under this name no other process looks for it, so what is checked is what is removed.
	if isAt(dir, other, &st) && isEmpty(fd) &&
		raw.Errno(raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(other), how, 0, 0, 0)) == 0 {
		return false
	}
	putBack(dir, other, name)
	return false
}

// putBack undoes a rename to the name aside.
func putBack(dir uintptr, other, name unsafe.Pointer) {
	e := renameat2(dir, other, name)
	if e != unix.EINVAL && e != unix.ENOSYS {
		return
	}
	if raw.Errno(raw.Call(unix.SYS_LINKAT, dir, raw.Addr(other), dir, raw.Addr(name), 0, 0)) == 0 {
		raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(other), 0, 0, 0, 0)
	}
}

// clearAside removes a placeholder that a monitor, killed meanwhile, has left under the name aside.
// Nobody else uses the name.
func clearAside(dir uintptr, other unsafe.Pointer) {
	fd := openPlain(dir, other)
	if raw.Errno(fd) != 0 {
		return
	}
	if isEmpty(fd) && raw.Errno(raw.Call(unix.SYS_FLOCK, fd, unix.LOCK_EX|unix.LOCK_NB, 0, 0, 0, 0)) == 0 {
		how := uintptr(0)
		if kind, _ := raw.FileType(fd); kind == unix.S_IFDIR {
			how = unix.AT_REMOVEDIR
		}
		if how != 0 || hasMark(raw.Call(unix.SYS_FGETXATTR, fd, raw.Addr(raw.Text(mark)), 0, 0, 0, 0)) {
			raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(other), how, 0, 0, 0)
		}
	}
	raw.Close(fd)
}
