package build

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; Remove in the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file keeps missing what is missing. A placeholder is made where the first missing component
// of a path would be, an empty file or an empty directory, and is mounted on itself,
// read-only, like everything else that is protected. It lies on the host, so three things
// tell it from a file of the user's:
//
//   - It has an extended attribute (mark) from the moment on at which it has its name: a file gets
//     its name by link(2), a directory by rename(2).
//   - Each sandbox that needs it has a shared lock on it (flock(2)), which init holds.
//   - It is empty.
//
// The sandbox must have a PID namespace, with an init: when that has ended, all its processes have,
// and the payload cannot end it. The monitor removes the placeholder when its sandbox has ended ([Remove]), unless another sandbox has a lock. If
// the monitor is killed before that, the placeholder stays, and the next sandbox that needs it
// takes it over.
//
// The kernel removes a file by its name only (unlinkat(2)), and another process may have put
// another file there since it was looked at. So what has the name is first renamed to a name that
// is not used otherwise (aside), and looked at there: if it is not the placeholder, it is renamed
// back.

// mark is the extended attribute of a placeholder.
const mark = "user.gobwrap.placeholder\x00"

// MaxHolders bounds the placeholders of a sandbox: all of them are told to the monitor before it
// listens, and the words must fit into a socket's buffer. It is a power of two.
const MaxHolders = 128

// Held returns the descriptor with the lock on placeholder i; 0: there are no more.
func (r *Root) Held(i uint32) uintptr {
	if i >= r.held {
		return 0
	}
	return uintptr(buffers.holders.fds[i&(MaxHolders-1)])
}

// isPlaceholder reports whether fd, which may be opened with O_PATH, is a placeholder: it has the
// mark and is empty.
func (r *Root) isPlaceholder(fd uintptr) bool {
	var link raw.Link
	if !hasMark(raw.Call(unix.SYS_GETXATTR, raw.Addr(link.Absolute(fd)), raw.Addr(raw.Text(mark)), 0, 0, 0, 0)) {
		return false
	}
	return isEmpty(fd)
}

// hasMark reports whether a getxattr(2) for the mark has found it.
func hasMark(r uintptr) bool { return raw.Errno(r) == 0 && r > 0 }

// isEmpty reports whether fd is an empty file or an empty directory.
func isEmpty(fd uintptr) bool {
	var st unix.Stat_t
	kind, e := raw.Fstat(fd, &st)
	switch {
	case e != 0:
		return false
	case kind == unix.S_IFREG:
		return st.Size == 0
	case kind != unix.S_IFDIR:
		return false
	}
	dir := raw.Openat(fd, raw.Text(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if raw.Errno(dir) != 0 {
		return false
	}
	var entries [16]uint64
	n := raw.Call(unix.SYS_GETDENTS64, dir, raw.Addr(unsafe.Pointer(&entries)), unsafe.Sizeof(entries), 0, 0, 0)
	raw.Close(dir)
	return raw.Errno(n) == 0 && n <= 48 // "." and "..", 24 bytes each (getdents64(2))
}

// isAt reports whether name in dir is the file that st is about.
func isAt(dir uintptr, name unsafe.Pointer, st *unix.Stat_t) bool {
	var now unix.Stat_t
	return lookAt(dir, name, &now) == 0 && now.Dev == st.Dev && now.Ino == st.Ino
}

// missingHere puts a placeholder where buffers.last is missing, in the directory that the walk stands
// in. That directory may be one itself, of a sandbox that protects the same path.
func (r *Root) missingHere(p plan.View, s *plan.Step, root uintptr) step.Fault {
	here, name := r.whereNow(root), unsafe.Pointer(&buffers.last)
	directory := buffers.missing.more || s.A != 0
	depth := r.walk.depth
	switch {
	case r.isReadOnly(here), s.Flags&plan.FlagTry != 0: // nothing can be made there; or may be
		return step.Fault{}
	case buffers.missing.above[0] != 0 && depth == r.walk.open && depth > 0 && r.isPlaceholder(here):
		name, directory, here = unsafe.Pointer(&buffers.missing.above), true, root
		if depth > 1 {
			here = uintptr(buffers.dirs[(depth-2)&(maxDepth-1)])
		}
	}
	raw.Put(unsafe.Pointer(&buffers.missing.name), name)
	dir := raw.Fcntl(here, unix.F_DUPFD_CLOEXEC, 3)
	if e := raw.Errno(dir); e != 0 {
		return step.Main(e)
	}
	r.unwind() // the next one looks up paths
	f := r.keepMissing(p, dir, unsafe.Pointer(&buffers.missing.name), directory)
	raw.Close(dir)
	return f
}

// keepMissing puts a placeholder called name into dir.
func (r *Root) keepMissing(p plan.View, dir uintptr, name unsafe.Pointer, directory bool) step.Fault {
	if r.isOurs(p, dir) {
		if f := makePlain(dir, name, directory); f.Errno != unix.EEXIST {
			return f.Or(r.tightenName(p, dir, name))
		}
		return step.Failed(unix.EEXIST, subAgain)
	}
	switch {
	case p.Clone&unix.CLONE_NEWPID == 0 || !p.Has(plan.FlagInit):
		return step.Failed(unix.EINVAL, plan.SubNoEnd)
	case r.held >= MaxHolders:
		return step.Failed(unix.E2BIG, plan.SubHolders)
	}
	held, f := r.lockPlaceholder(dir, name)
	if !f.Is() && held == 0 {
		held, f = r.makePlaceholder(p, dir, name, directory)
	}
	if f.Is() || held == 0 {
		return f
	}
	if r.Guarded != 0 { // no number that the plan may name
		held = r.Above(held)
	}
	buffers.holders.fds[r.held&(MaxHolders-1)] = int32(held)
	r.held++
	if e := r.tellMonitor(dir, name); e != 0 {
		return step.Failed(e, plan.SubHolders)
	}
	return r.tightenName(p, dir, name)
}

// tightenName does what tighten does, for name in dir.
func (r *Root) tightenName(p plan.View, dir uintptr, name unsafe.Pointer) step.Fault {
	top := raw.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := raw.Errno(top); e != 0 {
		return step.Failed(e, subAgain)
	}
	f := r.tighten(p, top)
	r.CloseSoon(top)
	return f
}

// lockPlaceholder opens the placeholder that is there, and takes a shared lock on it. It returns 0
// where nothing is there, and subAgain where something else is.
func (r *Root) lockPlaceholder(dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
	fd := openPlain(dir, name)
	switch e := raw.Errno(fd); e {
	case 0:
	case unix.ENOENT:
		return 0, step.Fault{}
	default:
		return 0, step.Failed(e, subAgain)
	}
	if !hasMark(raw.Call(unix.SYS_FGETXATTR, fd, raw.Addr(raw.Text(mark)), 0, 0, 0, 0)) || !isEmpty(fd) {
		raw.Close(fd)
		return 0, step.Failed(unix.EAGAIN, subAgain)
	}
	e := share(fd)
	var st unix.Stat_t
	if e == 0 {
		_, e = raw.Fstat(fd, &st)
	}
	switch {
	case e != 0:
		raw.Close(fd)
		r.Name(name)
		return 0, step.Failed(e, plan.SubPlaceholder)
	case !isAt(dir, name, &st):
		raw.Close(fd)
		return 0, step.Failed(unix.EAGAIN, subAgain)
	}
	return fd, step.Fault{}
}

// openPlain opens a regular file or a directory for reading. To open anything else, a device or a
// FIFO, could have an effect.
func openPlain(dir uintptr, name unsafe.Pointer) uintptr {
	var st unix.Stat_t
	if e := lookAt(dir, name, &st); e != 0 {
		return raw.Failed(e)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return raw.Failed(unix.EEXIST)
	}
	return raw.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

// lookAt fills st with what name in dir is. A link is not followed.
func lookAt(dir uintptr, name unsafe.Pointer, st *unix.Stat_t) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_NEWFSTATAT, dir, raw.Addr(name), raw.Addr(unsafe.Pointer(st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0))
}

// share takes a shared lock. A monitor that removes the file has it locked for a moment.
func share(fd uintptr) unix.Errno {
	for range 5000 {
		e := raw.Errno(raw.Call(unix.SYS_FLOCK, fd, unix.LOCK_SH|unix.LOCK_NB, 0, 0, 0, 0))
		if e != unix.EWOULDBLOCK {
			return e
		}
		raw.Nap(1e6)
	}
	return unix.EWOULDBLOCK
}

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
	if r.Kept != 0 || !inUserns(p) {
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

// renameat2 renames a file in dir to a name that nothing has.
func renameat2(dir uintptr, from, to unsafe.Pointer) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_RENAMEAT2, dir, raw.Addr(from), dir, raw.Addr(to), unix.RENAME_NOREPLACE, 0))
}

// aside returns the name under which a placeholder called name is made, if it is a directory, and
// removed. Another one has a random number in it.
func (r *Root) aside(name unsafe.Pointer, another bool) unsafe.Pointer {
	out := unsafe.Pointer(&buffers.missing.aside)
	n := raw.Put(out, raw.Text(".gobwrap-\x00"))
	if another {
		var random uint64
		raw.Call(unix.SYS_GETRANDOM, raw.Addr(unsafe.Pointer(&random)), 8, 0, 0, 0, 0)
		n += raw.PutNumber(unsafe.Add(out, n), uintptr(random))
		n += raw.Put(unsafe.Add(out, n), raw.Text("-\x00"))
	}
	for i := uintptr(0); n < unix.NAME_MAX; i++ {
		c := byteOf(name, i)
		buffers.missing.aside[n&255] = c
		if c == 0 {
			break
		}
		n++
	}
	buffers.missing.aside[n&255] = 0
	return out
}

// Remove removes the placeholder name in dir, if it still is one, and no sandbox needs it.
func (r *Root) Remove(dir uintptr, name unsafe.Pointer) {
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
			again = r.takeAway(dir, name, r.aside(name, i > 0), fd, how)
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
func (r *Root) takeAway(dir uintptr, name, other unsafe.Pointer, fd, how uintptr) (again bool) {
	var st unix.Stat_t
	if _, e := raw.Fstat(fd, &st); e != 0 || !isAt(dir, name, &st) {
		return false
	}
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

// Words on the feed about placeholders: how long the name is, which follows.
const (
	// HolderWord marks them. The bits above it are those of package child's words.
	HolderWord = 1 << 26
	// HolderLen is the mask of the length.
	HolderLen = 1<<8 - 1
)

// tellMonitor tells the monitor of a placeholder. Its directory goes along, as a descriptor, unless
// the one before it lies in the same. The word must not wait: the monitor listens when set-up is
// over.
func (r *Root) tellMonitor(dir uintptr, name unsafe.Pointer) unix.Errno {
	n := raw.Strlen(name)
	word := uint32(HolderWord | n&HolderLen)
	var st unix.Stat_t
	if _, e := raw.Fstat(dir, &st); e != 0 {
		return e
	}
	var rights struct {
		length      uint64 // struct cmsghdr, then the descriptor
		level, kind int32
		fd          int32
		_           int32
	}
	rights.length, rights.level, rights.kind, rights.fd = 20, unix.SOL_SOCKET, unix.SCM_RIGHTS, int32(dir)
	iov := [4]uintptr{raw.Addr(unsafe.Pointer(&word)), 4, raw.Addr(name), n}
	var h raw.Msghdr
	h.Iov, h.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 2
	if st.Dev != buffers.holders.dev || st.Ino != buffers.holders.ino {
		h.Control, h.Controllen = raw.Addr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights)
	}
	for range 5000 { // a user has so many descriptors on the way at most (ETOOMANYREFS, unix(7))
		got := raw.Call(unix.SYS_SENDMSG, r.Feed, raw.Addr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0, 0)
		e := raw.Errno(got)
		switch {
		case e == unix.ETOOMANYREFS:
			raw.Nap(1e6)
			continue
		case e == 0 && got != 4+n:
			e = unix.EAGAIN
		case e == 0:
			buffers.holders.dev, buffers.holders.ino = st.Dev, st.Ino
		}
		return e
	}
	return unix.ETOOMANYREFS
}
