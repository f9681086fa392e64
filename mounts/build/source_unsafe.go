package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// This file opens the sources of binds and overlays: host paths, resolved by the kernel
// as the user, before anything has been changed.

// openSource opens what will be bound, before the first operation changes anything.
func (r *Root) openSource(p plan.View, s *plan.Step) step.Fault {
	s.G, s.C = 0, 0
	if s.A == 0 {
		return r.sourceFromFd(s)
	}
	path := p.Str(s.A)
	var link raw.Link
	here, at := raw.AtCwd, raw.Text("self/cwd\x00")
	if r.Cwd != 0 {
		here, at = r.Cwd, link.Below(r.Cwd)
	}
	fd := openHost(here, path)
	if *(*byte)(path) != '/' && raw.Errno(fd) == unix.EACCES {
		fd = r.fromClosedCwd(at, path)
	}
	switch e := raw.Errno(fd); {
	case e == unix.ENOENT && s.Flags&plan.FlagTry != 0:
		return step.Fault{}
	case e != 0:
		return step.Failed(e, plan.SubSource)
	}
	if !r.hasFree(fd) && !r.raiseLimit(fd) && *(*byte)(path) == '/' {
		var st unix.Stat_t
		_, e := raw.Fstat(fd, &st)
		raw.Close(fd)
		s.C, s.D = uint32(st.Dev), uint32(st.Dev>>32)
		s.E, s.F = uint32(st.Ino), uint32(st.Ino>>32)
		s.G = late
		return step.Failed(e, plan.SubSource)
	}
	s.G = uint32(fd)
	return step.Fault{}
}

// openHost opens a host path for a bind. Where an automount stands for a file system that
// is not mounted yet, the kernel mounts it: O_PATH alone does not ask for that, a directory
// does (follow_automount, fs/namei.c). What is bound otherwise is the empty directory below,
// and the file system arrives later, without the flags of the bind.
func openHost(dir uintptr, path unsafe.Pointer) uintptr {
	fd := raw.Openat(dir, path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if raw.Errno(fd) == unix.ENOTDIR {
		fd = raw.Openat(dir, path, unix.O_PATH, 0)
	}
	return fd
}

// fromClosedCwd opens a relative path whose way begins in a working directory that the user
// may not search. That directory itself, and those above it, can be named nevertheless: by
// its link in /proc, and by the path that the link says, which has no links in it.
func (r *Root) fromClosedCwd(link, path unsafe.Pointer) uintptr {
	path = pastDots(path)
	if *(*byte)(path) == 0 {
		return openHost(r.Proc, link)
	}
	full := unsafe.Pointer(&buffers.source)
	n, e := raw.Readlinkat(r.Proc, link, full, pathBuf)
	if e != 0 {
		return raw.Failed(e)
	}
	if *(*byte)(full) != '/' || n+raw.Strlen(path)+2 > uintptr(len(buffers.source)) {
		return raw.Failed(unix.EACCES) // "(unreachable)": it belongs to another mount namespace
	}
	for startsWithDotDot(path) {
		cutLast(full)
		path = pastDots(unsafe.Add(path, 2))
	}
	n = raw.Strlen(full)
	*(*byte)(unsafe.Add(full, n)) = '/'
	raw.Put(unsafe.Add(full, n+1), path)
	return openHost(raw.AtCwd, full)
}

// pastDots skips slashes and "." in front of a relative path.
func pastDots(path unsafe.Pointer) unsafe.Pointer {
	for {
		c, next := *(*byte)(path), byte(0)
		if c == '.' {
			next = *(*byte)(unsafe.Add(path, 1))
		}
		if c != '/' && (c != '.' || next != '/' && next != 0) {
			return path
		}
		path = unsafe.Add(path, 1)
	}
}

func startsWithDotDot(path unsafe.Pointer) bool {
	if !raw.HasPrefix(path, raw.Text("..\x00")) {
		return false
	}
	c := *(*byte)(unsafe.Add(path, 2))
	return c == '/' || c == 0
}

// late marks an OpSource that exists but is opened again by the operation that needs
// it: the limit on descriptors is lower than the number of sources. C to F then hold which
// file it is, by device and inode.
const late = ^uint32(0)

// spent marks, as C, an OpSource whose descriptor has served and awaits the end of set-up, when
// all of them are closed. A late one is closed at once.
const spent = 1

// spend ends the use of a source.
func (r *Root) spend(s *plan.Step, src uintptr) {
	if r.isTight(src) {
		raw.Close(src)
		s.G = 0
		return
	}
	s.C = spent
}

// keepFree is how many descriptors the operations themselves need, at most.
const keepFree = 12

// The caller's own descriptors may lie anywhere below the limit. Under a limit above fewLimit there is
// room for what a launch opens first, and below manyOpen nothing is looked up: that would be a
// system call in every launch.
const (
	fewLimit = 128
	manyOpen = 64
)

// isTight reports whether a descriptor that has served is closed at once, not with others.
func (r *Root) isTight(fd uintptr) bool {
	return r.Limit() <= fewLimit || fd+keepFree+maxIdle > r.Limit()
}

// hasFree reports whether keepFree descriptors can be opened besides fd, which was opened last
// and so had the lowest number that was free.
func (r *Root) hasFree(fd uintptr) bool {
	limit := r.Limit()
	if fd+keepFree >= limit {
		return false
	}
	if limit > fewLimit && fd < manyOpen {
		return true
	}
	if r.spare > 0 {
		r.spare--
		return true
	}
	free := uint32(0)
	for first := fd + 1; first < limit && free < keepFree; first += window {
		n, ok := freeOf(first, min(window, limit-first))
		if !ok {
			return true // their numbers allow it
		}
		free += n
	}
	if free < keepFree {
		return false
	}
	r.spare = free - keepFree
	return true
}

// window is how many descriptors are looked at in one call.
const window = 64

// freeOf returns how many of the n descriptors from first on are not open: ppoll(2) says POLLNVAL
// of such a one. ok is false where a filter refuses the call.
func freeOf(first, n uintptr) (free uint32, ok bool) {
	var fds [window]raw.PollFd
	var now unix.Timespec
	for i := range fds {
		fds[i].Fd = int32(first) + int32(i)
	}
	if raw.Errno(raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), n, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)) != 0 {
		return 0, false
	}
	for i := range fds {
		if fds[i].Revents&unix.POLLNVAL != 0 {
			free++
		}
	}
	return free, true
}

// sourceOf returns the descriptor of a source, 0 where it may be missing and is. The process's
// root is the old root, so a late one is opened as it would have been.
func (r *Root) sourceOf(p plan.View, i uint32) uintptr {
	s := p.Step(i)
	if s.G != late && s.G != 0 && s.C != spent {
		return uintptr(s.G)
	}
	if s.G != late && s.Flags == 0 {
		return raw.Failed(unix.ENOENT) // used up already
	}
	if s.G != late {
		return 0
	}
	fd := r.openAgain(p.Str(s.A))
	if e := raw.Errno(fd); e != 0 {
		if e == unix.ENOENT && s.Flags&plan.FlagTry != 0 {
			return 0
		}
		return fd
	}
	var st unix.Stat_t
	_, e := raw.Fstat(fd, &st)
	if e == 0 && (uint64(st.Dev) != uint64(s.C)|uint64(s.D)<<32 || st.Ino != uint64(s.E)|uint64(s.F)<<32) {
		e = unix.ESTALE // the path could lead to a descriptor of ours by now
	}
	if e != 0 {
		raw.Close(fd)
		return raw.Failed(e)
	}
	s.G, s.C = uint32(fd), 0
	return fd
}

// openAgain opens an absolute host path when the frame is there. Where this process's root is not
// the old root, the path is followed by descriptor, and links of /proc that lead anywhere are not.
func (r *Root) openAgain(path unsafe.Pointer) uintptr {
	if r.apart == 0 {
		return openHost(raw.AtCwd, path)
	}
	if r.apart == rootfs {
		return raw.Failed(unix.EMFILE) // its path means nothing any more
	}
	old := r.old
	if r.Guarded != 0 {
		old = raw.Openat(raw.AtCwd, raw.Text(broker.OldRoot+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	}
	at, f := r.walkFrom(old, path, findOnly, 0, 0)
	if r.Guarded != 0 {
		raw.Close(old)
	}
	if f.Sub == plan.SubMagicLink {
		f.Errno = unix.EMFILE
	}
	if f.Is() {
		return raw.Failed(f.Errno)
	}
	return at.fd
}

// raiseLimit lifts the soft limit on descriptors to the hard one, for set-up only, and
// reports whether there is room behind fd now.
func (r *Root) raiseLimit(fd uintptr) bool {
	if r.raised != 0 || raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, raw.Addr(unsafe.Pointer(&r.nofile)), 0, 0)) != 0 {
		return false
	}
	all := r.nofile
	all.Cur = all.Max
	if raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, raw.Addr(unsafe.Pointer(&all)), 0, 0, 0)) != 0 {
		return false
	}
	r.raised = 1
	r.SetLimit(uintptr(all.Max))
	return r.hasFree(fd)
}

// restoreLimit undoes raiseLimit.
func (r *Root) restoreLimit() {
	if r.raised != 0 {
		raw.Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, raw.Addr(unsafe.Pointer(&r.nofile)), 0, 0, 0)
		r.raised = 0
	}
}

// sourceFromFd opens, in this mount namespace, what the caller's descriptor names.
func (r *Root) sourceFromFd(s *plan.Step) step.Fault {
	fd, f := r.localize(uintptr(s.B))
	switch {
	case !f.Is():
		s.G = uint32(fd)
	case f.Sub == plan.SubRace && s.Flags&plan.FlagConsole != 0:
		return step.Fault{} // a terminal that has no name here
	case f.Sub == plan.SubMain:
		f.Sub = plan.SubSource
	}
	return f
}

// localize opens again, in this mount namespace, what fd has open: a descriptor that was
// opened in another one belongs to mounts that cannot be cloned here. Its path is looked up
// again and must lead to the same file.
func (r *Root) localize(fd uintptr) (uintptr, step.Fault) {
	var want, now unix.Stat_t
	kind, e := raw.Fstat(fd, &want)
	if e != 0 {
		return 0, step.Main(e)
	}
	var link raw.Link
	path := unsafe.Pointer(&buffers.source)
	if _, e := raw.Readlinkat(r.Proc, link.Below(fd), path, uintptr(len(buffers.source))); e != 0 {
		return 0, step.Main(e)
	}
	here := uintptr(0)
	if r.apart == noChroot {
		here = r.openAgain(path)
	} else {
		here = raw.Openat(raw.AtCwd, path, unix.O_PATH, 0)
	}
	if e := raw.Errno(here); e != 0 {
		return 0, step.Failed(e, plan.SubRace)
	}
	found, e := raw.Fstat(here, &now)
	if e != 0 || found != kind || now.Dev != want.Dev || now.Ino != want.Ino || now.Rdev != want.Rdev {
		raw.Close(here)
		return 0, step.Failed(unix.ESTALE, plan.SubRace)
	}
	return here, step.Fault{}
}
