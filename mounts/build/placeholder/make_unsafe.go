package placeholder

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file makes placeholders: see placeholder_unsafe.go.

// writesForeign are the capabilities by which a process can write a directory of another user:
// those that open files whatever their mode is, and those that change whose it is, its mode, or the
// process's own ids.
const writesForeign = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_CHOWN | 1<<unix.CAP_FOWNER |
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID

// Make makes a placeholder, and locks it. It returns 0 where the payload cannot make
// anything there either.
func Make(r *step.State, p plan.View, dir uintptr, name unsafe.Pointer, directory bool) (uintptr, step.Fault) {
	// With capabilities the file could be made where the monitor, which has none, cannot remove it.
	lowered := lower(r, p)
	var fd uintptr
	var f step.Fault
	if directory {
		fd, f = makeDirectoryHolder(r, dir, name)
	} else {
		fd, f = makeFileHolder(r, dir, name)
	}
	if e := raise(lowered); e != 0 {
		f = f.Or(step.Main(e))
	}
	if f.Sub != plan.SubPlaceholder {
		r.Name(name)
		return fd, f
	}
	switch f.Errno {
	case unix.EEXIST, unix.ENOENT:
		return 0, step.Failed(f.Errno, SubAgain)
	// Nobody with the payload's rights can make a file there: what is missing stays missing by itself.
	case unix.EROFS, unix.EPERM, unix.ENAMETOOLONG, unix.EOVERFLOW:
		return 0, step.Fault{}
	case unix.EACCES:
		var st unix.Stat_t
		_, e := raw.Fstat(dir, &st)
		owner := uint32(raw.Call(unix.SYS_GETEUID, 0, 0, 0, 0, 0, 0))
		if e == 0 && st.Uid != owner && !p.HasCaps(writesForeign) {
			return 0, step.Fault{}
		}
	}
	r.Name(name)
	return 0, f
}

// lower makes a process of a user namespace the plain user for a moment: what it makes can be
// removed by the monitor, which has no capability. It returns what raise takes.
func lower(r *step.State, p plan.View) (lowered bool) {
	if r.FromKeeper != 0 || !p.InUserns() {
		return false
	}
	permitted, inheritable, ok := raw.Caps()
	return ok && raw.SetCaps(permitted, 0, inheritable) == 0
}

func raise(lowered bool) unix.Errno {
	if !lowered {
		return 0
	}
	permitted, inheritable, _ := raw.Caps()
	return raw.SetCaps(permitted, permitted, inheritable)
}

// makeFileHolder makes an empty file that gets its name, and its mark, at once.
func makeFileHolder(r *step.State, dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
	// The mode is that of any file of the user's, in case it is left behind.
	mode := uintptr(0o644&^r.Umask | 0o600) // it is marked and read here
	file := raw.Openat(dir, raw.Text(".\x00"), unix.O_TMPFILE|unix.O_WRONLY, mode)
	named := false
	switch raw.Errno(file) {
	case unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL, unix.ENOENT: // the file system has no O_TMPFILE
		file = raw.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
		named = true
	}
	if e := raw.Errno(file); e != 0 {
		return 0, step.Failed(e, plan.SubPlaceholder)
	}
	// In this order: a file that has its name is marked and locked, so no monitor takes it for one that
	// has been left.
	held, f := markAndLock(r, file)
	var link raw.Line
	if !f.Is() && !named {
		f = step.Failed(raw.Errno(raw.Call(unix.SYS_LINKAT, r.Proc, raw.Addr(link.Below(file)), dir, raw.Addr(name), unix.AT_SYMLINK_FOLLOW, 0)), plan.SubPlaceholder)
	}
	if f.Is() && named {
		takeAway(dir, name, aside(name, true), file, 0)
	}
	raw.Close(file)
	if f.Is() && held != 0 {
		raw.Close(held)
		held = 0
	}
	return held, f
}

// markAndLock gives a file, or a directory, the mark, and returns a descriptor of it with a shared
// lock, by which it cannot be written.
func markAndLock(r *step.State, fd uintptr) (uintptr, step.Fault) {
	value := raw.Text("1\x00")
	if e := raw.Errno(raw.Call(unix.SYS_FSETXATTR, fd, raw.Addr(raw.Text(mark)), raw.Addr(value), 1, 0, 0)); e != 0 {
		return 0, step.Failed(e, plan.SubMark)
	}
	var link raw.Line
	// Opened anew for reading: a descriptor that is open for writing would keep a mount from becoming
	// read-only (EBUSY, mount_setattr(2)).
	held := raw.Openat(r.Proc, link.Below(fd), unix.O_RDONLY, 0)
	if e := raw.Errno(held); e != 0 {
		return 0, step.Failed(e, plan.SubPlaceholder)
	}
	e := raw.Errno(raw.Call(unix.SYS_FLOCK, held, unix.LOCK_SH|unix.LOCK_NB, 0, 0, 0, 0))
	if e != 0 {
		raw.Close(held)
		if e == unix.EWOULDBLOCK { // a monitor removes what another process has left under this name
			e = unix.ENOENT
		}
		return 0, step.Failed(e, plan.SubPlaceholder)
	}
	return held, step.Fault{}
}

// makeDirectoryHolder makes an empty directory under the name aside, marks it, and renames it. An
// empty one that is there has been left by a process that was killed, or is of one that is at
// work. Where anything else is there, which is not ours, or the file system cannot rename in that
// way, the directory is made where it belongs, and marked a moment later.
func makeDirectoryHolder(r *step.State, dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
	// A directory cannot be made without a name (O_TMPFILE is for files), so it gets its mark under
	// another one.
	other := aside(name, false)
	held, f := makeMarked(r, dir, other, true)
	if f.Is() && f.Errno != unix.ENOTEMPTY {
		return held, f
	}
	e := unix.EINVAL
	if !f.Is() {
		if e = renameat2(dir, other, name); e == 0 {
			return held, f
		}
		raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(other), unix.AT_REMOVEDIR, 0, 0, 0)
		raw.Close(held)
	}
	if e == unix.EINVAL || e == unix.ENOSYS {
		return makeMarked(r, dir, name, false)
	}
	return 0, step.Failed(e, plan.SubPlaceholder)
}

// makeMarked makes a directory, marks it, and returns a descriptor of it with a shared lock. With
// takes, an empty one that is there will do; ENOTEMPTY stands for anything else there.
func makeMarked(r *step.State, dir uintptr, name unsafe.Pointer, takes bool) (uintptr, step.Fault) {
	e := raw.Mkdirat(dir, name, 0o755&^r.Umask|0o700)
	if e != 0 && !(takes && e == unix.EEXIST) {
		return 0, step.Failed(e, plan.SubPlaceholder)
	}
	// mkdir(2) did nothing: what is there may be of another process, or a user's.
	there := e != 0
	fd := raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	e = raw.Errno(fd)
	if e == 0 && there && !isEmpty(fd) || there && e != 0 && e != unix.ENOENT {
		e = unix.ENOTEMPTY
	}
	held, f := uintptr(0), step.Failed(e, plan.SubPlaceholder)
	if !f.Is() {
		if held, f = markAndLock(r, fd); f.Is() {
			raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(name), unix.AT_REMOVEDIR, 0, 0, 0)
		}
	}
	if raw.Errno(fd) == 0 {
		raw.Close(fd)
	}
	return held, f
}
