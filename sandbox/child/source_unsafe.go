package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file opens the sources of binds and overlays: host paths, resolved by the kernel
// as the user, before anything has been changed.

// openSource opens what will be bound, before the first operation changes anything.
func openSource(p program, s *plan.Step) unix.Errno {
	room.sub = plan.SubSource
	s.G, s.C = 0, 0
	if s.A == 0 {
		return sourceFromFd(s)
	}
	path := p.str(s.A)
	fd := openHost(atCwd, path)
	if *(*byte)(path) != '/' && errno(fd) == unix.EACCES {
		fd = fromClosedCwd(path)
	}
	switch e := errno(fd); {
	case e == unix.ENOENT && s.Flags&plan.FlagTry != 0:
		return 0
	case e != 0:
		return e
	}
	if fd+keepFree > room.limit && !raiseLimit(fd) && *(*byte)(path) == '/' {
		_, e := fstat(fd)
		closeFd(fd)
		s.C, s.D = uint32(room.stat.Dev), uint32(room.stat.Dev>>32)
		s.E, s.F = uint32(room.stat.Ino), uint32(room.stat.Ino>>32)
		s.G = late
		return e
	}
	s.G = uint32(fd)
	return 0
}

// openHost opens a host path for a bind. Where an automount stands for a file system that
// is not mounted yet, the kernel mounts it: O_PATH alone does not ask for that, a directory
// does (follow_automount, fs/namei.c). What is bound otherwise is the empty directory below,
// and the file system arrives later, without the flags of the bind.
func openHost(dir uintptr, path unsafe.Pointer) uintptr {
	fd := openat(dir, path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if errno(fd) == unix.ENOTDIR {
		fd = openat(dir, path, unix.O_PATH, 0)
	}
	return fd
}

// fromClosedCwd opens a relative path whose way begins in a working directory that the user
// may not search. That directory itself, and those above it, can be named nevertheless: by
// its link in /proc, and by the path that the link says, which has no links in it.
func fromClosedCwd(path unsafe.Pointer) uintptr {
	path = pastDots(path)
	if *(*byte)(path) == 0 {
		return openHost(room.proc, text("self/cwd\x00"))
	}
	full := unsafe.Pointer(&room.link)
	n := raw(unix.SYS_READLINKAT, room.proc, addr(text("self/cwd\x00")), addr(full), pathBuf/2, 0, 0)
	if e := errno(n); e != 0 {
		return failed(e)
	}
	*(*byte)(unsafe.Add(full, n)) = 0
	if *(*byte)(full) != '/' || n+strlen(path)+2 > pathBuf {
		return failed(unix.EACCES) // "(unreachable)": it belongs to another mount namespace
	}
	for startsWithDotDot(path) {
		cutLast(full)
		path = pastDots(unsafe.Add(path, 2))
	}
	n = strlen(full)
	*(*byte)(unsafe.Add(full, n)) = '/'
	put(unsafe.Add(full, n+1), path)
	return openHost(atCwd, full)
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
	if !begins(path, text("..\x00")) {
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
func spend(s *plan.Step, src uintptr) {
	if src+keepFree+maxIdle > room.limit {
		closeFd(src)
		s.G = 0
		return
	}
	s.C = spent
}

// keepFree is how many descriptors the operations themselves need, at most.
const keepFree = 12

// sourceOf is the descriptor of a source, 0 where it may be missing and is. The
// process's root is the old root, so a late one is opened as it would have been.
func sourceOf(p program, i uint32) uintptr {
	s := plan.StepAt(p.base, i)
	if s.G != late && s.G != 0 && s.C != spent {
		return uintptr(s.G)
	}
	if s.G != late && s.Flags == 0 {
		return failed(unix.ENOENT) // used up already
	}
	if s.G != late {
		return 0
	}
	if room.apart != 0 {
		return failed(unix.EMFILE) // its path means nothing any more
	}
	fd := openHost(atCwd, p.str(s.A))
	if e := errno(fd); e != 0 {
		if e == unix.ENOENT && s.Flags&plan.FlagTry != 0 {
			return 0
		}
		return fd
	}
	_, e := fstat(fd)
	if e == 0 && (uint64(room.stat.Dev) != uint64(s.C)|uint64(s.D)<<32 || room.stat.Ino != uint64(s.E)|uint64(s.F)<<32) {
		e = unix.ESTALE // the path could lead to a descriptor of ours by now
	}
	if e != 0 {
		closeFd(fd)
		return failed(e)
	}
	s.G, s.C = uint32(fd), 0
	return fd
}

// raiseLimit lifts the soft limit on descriptors to the hard one, for set-up only, and
// reports whether there is room behind fd now.
func raiseLimit(fd uintptr) bool {
	if room.raised != 0 || errno(raw(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, addr(unsafe.Pointer(&room.nofile)), 0, 0)) != 0 {
		return false
	}
	all := room.nofile
	all.Cur = all.Max
	if errno(raw(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, addr(unsafe.Pointer(&all)), 0, 0, 0)) != 0 {
		return false
	}
	room.raised = 1
	room.limit = uintptr(all.Max)
	return fd+keepFree <= room.limit
}

// sourceFromFd opens, in this mount namespace, what the caller's fd names.
func sourceFromFd(s *plan.Step) unix.Errno {
	fd := localize(uintptr(s.B))
	e := errno(fd)
	if e == 0 {
		s.G = uint32(fd)
	} else if room.sub == plan.SubRace && s.Flags&plan.FlagConsole != 0 {
		return 0 // a terminal that has no name here
	}
	return e
}

// localize opens again, in this mount namespace, what fd has open: a descriptor that
// was opened in another one belongs to mounts that cannot be cloned here. Its path is
// looked up again and must lead to the same file.
func localize(fd uintptr) uintptr {
	kind, e := fstat(fd)
	if e != 0 {
		return failed(e)
	}
	want := room.stat
	p := unsafe.Pointer(&room.small)
	n := put(p, text("self/fd/\x00"))
	putNumber(unsafe.Add(p, n), fd)
	link := unsafe.Pointer(&room.link)
	r := raw(unix.SYS_READLINKAT, room.proc, addr(p), addr(link), pathBuf-1, 0, 0)
	if e := errno(r); e != 0 {
		return failed(e)
	}
	*(*byte)(unsafe.Add(link, r)) = 0
	room.sub = plan.SubRace
	here := openat(atCwd, link, unix.O_PATH, 0)
	if errno(here) != 0 {
		return here
	}
	now, e := fstat(here)
	if e != 0 || now != kind || room.stat.Dev != want.Dev || room.stat.Ino != want.Ino || room.stat.Rdev != want.Rdev {
		closeFd(here)
		return failed(unix.ESTALE)
	}
	return here
}
