package source

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/frame"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// named is a host path at work: one that a link of /proc says, with the rest of another behind it.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var named [2 * resolve.MaxPath]byte

// Open opens what will be bound, before the first operation changes anything.
func Open(r *resolve.Paths, p plan.View, s *plan.Step) step.Fault {
	s.G, s.C = 0, 0
	if s.A == 0 {
		return sourceFromFd(r, s)
	}
	path := p.Str(s.A)
	var link raw.Line
	here, at := raw.AtCwd, raw.Text("self/cwd\x00")
	if r.Cwd != 0 {
		here, at = r.Cwd, link.Below(r.Cwd)
	}
	fd := openHost(here, path)
	if *(*byte)(path) != '/' && raw.Errno(fd) == unix.EACCES {
		fd = fromClosedCwd(r, at, path)
	}
	switch e := raw.Errno(fd); {
	// Only what is not there may be missing. A refusal is a refusal, also with --ro-bind-try: otherwise
	// a sandbox would differ from what was asked for without a word.
	case e == unix.ENOENT && s.Flags&plan.FlagTry != 0:
		return step.Fault{}
	case e != 0:
		return step.Failed(e, plan.SubSource)
	}
	if !r.HasFree(fd) && !r.RaiseLimit(fd) && *(*byte)(path) == '/' {
		var st unix.Stat_t
		_, e := raw.Fstat(fd, &st)
		raw.Close(fd)
		// A relative path cannot be opened later, when the working directory is another one; it fails
		// at once.
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
	// A file cannot stand for an automount.
	if raw.Errno(fd) == unix.ENOTDIR {
		fd = raw.Openat(dir, path, unix.O_PATH, 0)
	}
	return fd
}

// fromClosedCwd opens a relative path whose way begins in a working directory that the user
// may not search. That directory itself, and those above it, can be named nevertheless: by
// its link in /proc, and by the path that the link says, which has no links in it.
func fromClosedCwd(r *resolve.Paths, link, path unsafe.Pointer) uintptr {
	path = pathname.PastDots(path)
	if *(*byte)(path) == 0 {
		return openHost(r.Proc, link)
	}
	full := unsafe.Pointer(&named)
	n, e := raw.Readlinkat(r.Proc, link, full, resolve.MaxPath)
	if e != 0 {
		return raw.Failed(e)
	}
	// The link says what the path was when it was read. If somebody renames a directory on it, the
	// source is what lies at the path by then, as it would be for a path that was typed.
	if *(*byte)(full) != '/' || n+raw.Strlen(path)+2 > uintptr(len(named)) {
		return raw.Failed(unix.EACCES) // "(unreachable)": it belongs to another mount namespace
	}
	for pathname.StartsWithDotDot(path) {
		pathname.CutLast(full)
		path = pathname.PastDots(unsafe.Add(path, 2))
	}
	n = raw.Strlen(full)
	*(*byte)(unsafe.Add(full, n)) = '/'
	raw.Put(unsafe.Add(full, n+1), path)
	return openHost(raw.AtCwd, full)
}

// late marks an OpSource that exists but is opened again by the operation that needs
// it: the limit on descriptors is lower than the number of sources. C to F then hold which
// file it is, by device and inode.
const late = ^uint32(0)

// spent marks, as C, an OpSource whose descriptor has served and awaits the end of set-up, when
// all of them are closed. A late one is closed at once.
const spent = 1

// Spend ends the use of a source.
func Spend(r *resolve.Paths, s *plan.Step, src uintptr) {
	if r.IsTight(src) {
		raw.Close(src)
		s.G = 0
		return
	}
	// A second use of the same source finds it used up (see Of).
	s.C = spent
}

// Of returns the descriptor of a source, 0 where it may be missing and is. The process's
// root is the old root, so a late one is opened as it would have been.
func Of(r *resolve.Paths, p plan.View, i uint32) uintptr {
	s := p.Step(i)
	// G is a descriptor, 0 or late; of these the flag says whether 0 is allowed.
	if s.G != late && s.G != 0 && s.C != spent {
		return uintptr(s.G)
	}
	if s.G != late && s.Flags == 0 {
		return raw.Failed(unix.ENOENT) // used up already
	}
	if s.G != late {
		return 0
	}
	// The same path, from the same root, but after mounts were made: so it is compared with what was
	// found before.
	fd := openAgain(r, p.Str(s.A))
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
func openAgain(r *resolve.Paths, path unsafe.Pointer) uintptr {
	if r.Apart == 0 {
		return openHost(raw.AtCwd, path)
	}
	// EMFILE, since more descriptors would have helped: they would have been opened in time.
	if r.Apart == frame.Rootfs {
		return raw.Failed(unix.EMFILE) // its path means nothing any more
	}
	old := r.Old
	if r.FromKeeper != 0 {
		old = raw.Openat(raw.AtCwd, raw.Text(broker.OldRoot+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	}
	at, f := r.WalkFrom(old, path, resolve.FindOnly, 0, 0)
	if r.FromKeeper != 0 {
		raw.Close(old)
	}
	// The kernel would have followed it at the first look. By hand it cannot be.
	if f.Sub == plan.SubMagicLink {
		f.Errno = unix.EMFILE
	}
	if f.Is() {
		return raw.Failed(f.Errno)
	}
	return at.FD
}

// sourceFromFd opens, in this mount namespace, what the caller's descriptor names.
func sourceFromFd(r *resolve.Paths, s *plan.Step) step.Fault {
	// The caller's descriptor stays open: it may be the payload's, too.
	fd, f := Localize(r, uintptr(s.B))
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

// Localize opens again, in this mount namespace, what fd has open: a descriptor that was
// opened in another one belongs to mounts that cannot be cloned here. Its path is looked up
// again and must lead to the same file.
func Localize(r *resolve.Paths, fd uintptr) (uintptr, step.Fault) {
	var want, now unix.Stat_t
	// Device and inode are the same for a file in both mount namespaces, since a mount is copied, not
	// its file system.
	kind, e := raw.Fstat(fd, &want)
	if e != 0 {
		return 0, step.Main(e)
	}
	var link raw.Line
	path := unsafe.Pointer(&named)
	if _, e := raw.Readlinkat(r.Proc, link.Below(fd), path, uintptr(len(named))); e != 0 {
		return 0, step.Main(e)
	}
	here := uintptr(0)
	if r.Apart == frame.NoChroot {
		here = openAgain(r, path)
	} else {
		here = raw.Openat(raw.AtCwd, path, unix.O_PATH, 0)
	}
	// The file has no name here, or another user's directory is on the way.
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

// Close closes the sources, when nothing is to be bound any more.
func Close(r *resolve.Paths, p plan.View) {
	for i := p.Join; i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpSource && s.G != 0 && s.G != late {
			r.CloseSoon(uintptr(s.G))
		}
	}
}
