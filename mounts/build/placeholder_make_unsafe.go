package build

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

// makePlaceholder makes a placeholder, and locks it. It returns 0 where the payload cannot make
// anything there either.
func (r *Root) makePlaceholder(p plan.View, dir uintptr, name unsafe.Pointer, directory bool) (uintptr, step.Fault) {
	lowered := r.lower(p)
	var fd uintptr
	var f step.Fault
	if directory {
		fd, f = r.makeDirectoryHolder(dir, name)
	} else {
		fd, f = r.makeFileHolder(dir, name)
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
		return 0, step.Failed(f.Errno, subAgain)
	case unix.EROFS, unix.EPERM, unix.ENAMETOOLONG, unix.EOVERFLOW:
		return 0, step.Fault{}
	case unix.EACCES:
		var st unix.Stat_t
		_, e := raw.Fstat(dir, &st)
		owner := uint32(raw.Call(unix.SYS_GETEUID, 0, 0, 0, 0, 0, 0))
		if e == 0 && st.Uid != owner && !hasAny(p, writesForeign) {
			return 0, step.Fault{}
		}
	}
	r.Name(name)
	return 0, f
}

// isOurs reports whether a directory lies on a tmpfs that set-up has mounted, the frame's or one
// of the plan: what is in it goes with the sandbox.
func (r *Root) isOurs(p plan.View, dir uintptr) bool {
	var st, other unix.Stat_t
	if kind, e := r.FileSystem(dir); e != 0 || kind != unix.TMPFS_MAGIC {
		return false
	}
	if _, e := raw.Fstat(dir, &st); e != 0 {
		return false
	}
	if _, e := raw.Fstat(r.base, &other); e == 0 && st.Dev == other.Dev {
		return true
	}
	for i := p.Join; i < r.Step; i++ {
		s := p.Step(i)
		if s.Op != plan.OpMount || s.A != plan.MountTmpfs {
			continue
		}
		at, f := r.dest(p.Str(s.B), findOnly, 0, 0)
		if f.Is() {
			continue
		}
		_, e := raw.Fstat(at.fd, &other)
		r.leave(at)
		if e == 0 && st.Dev == other.Dev {
			return true
		}
	}
	return false
}

// makePlain makes a placeholder without a mark or a lock.
func makePlain(dir uintptr, name unsafe.Pointer, directory bool) step.Fault {
	if directory {
		return step.Failed(raw.Mkdirat(dir, name, 0o755), plan.SubPlaceholder)
	}
	fd := raw.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if e := raw.Errno(fd); e != 0 {
		return step.Failed(e, plan.SubPlaceholder)
	}
	raw.Close(fd)
	return step.Fault{}
}

// lower makes a process of a user namespace the plain user for a moment: what it makes can be
// removed by the monitor, which has no capability. It returns what raise takes.
func (r *Root) lower(p plan.View) (lowered bool) {
	if r.Guarded != 0 || !inUserns(p) {
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

// inUserns reports whether the payload will be in a user namespace.
func inUserns(p plan.View) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpCaps && s.Flags&plan.FlagBounding != 0 {
			return true
		}
	}
	return false
}

// makeFileHolder makes an empty file that gets its name, and its mark, at once.
func (r *Root) makeFileHolder(dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
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
	held, f := r.markAndLock(file)
	var link raw.Link
	if !f.Is() && !named {
		f = step.Failed(raw.Errno(raw.Call(unix.SYS_LINKAT, r.Proc, raw.Addr(link.Below(file)), dir, raw.Addr(name), unix.AT_SYMLINK_FOLLOW, 0)), plan.SubPlaceholder)
	}
	if f.Is() && named {
		r.takeAway(dir, name, r.aside(name, true), file, 0)
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
func (r *Root) markAndLock(fd uintptr) (uintptr, step.Fault) {
	value := raw.Text("1\x00")
	if e := raw.Errno(raw.Call(unix.SYS_FSETXATTR, fd, raw.Addr(raw.Text(mark)), raw.Addr(value), 1, 0, 0)); e != 0 {
		return 0, step.Failed(e, plan.SubMark)
	}
	var link raw.Link
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
func (r *Root) makeDirectoryHolder(dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
	other := r.aside(name, false)
	held, f := r.makeMarked(dir, other, true)
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
		return r.makeMarked(dir, name, false)
	}
	return 0, step.Failed(e, plan.SubPlaceholder)
}

// makeMarked makes a directory, marks it, and returns a descriptor of it with a shared lock. With
// takes, an empty one that is there will do; ENOTEMPTY stands for anything else there.
func (r *Root) makeMarked(dir uintptr, name unsafe.Pointer, takes bool) (uintptr, step.Fault) {
	e := raw.Mkdirat(dir, name, 0o755&^r.Umask|0o700)
	if e != 0 && !(takes && e == unix.EEXIST) {
		return 0, step.Failed(e, plan.SubPlaceholder)
	}
	there := e != 0
	fd := raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	e = raw.Errno(fd)
	if e == 0 && there && !isEmpty(fd) || there && e != 0 && e != unix.ENOENT {
		e = unix.ENOTEMPTY
	}
	held, f := uintptr(0), step.Failed(e, plan.SubPlaceholder)
	if !f.Is() {
		if held, f = r.markAndLock(fd); f.Is() {
			raw.Call(unix.SYS_UNLINKAT, dir, raw.Addr(name), unix.AT_REMOVEDIR, 0, 0, 0)
		}
	}
	if raw.Errno(fd) == 0 {
		raw.Close(fd)
	}
	return held, f
}
