package deny

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/engine"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
	"github.com/gobwrap/gobwrap/mounts/build/pattern"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// This file finds what matches a pattern, in the tree of the sandbox as it is at that moment, and
// masks or protects it at once. The literal beginning of a pattern is a path like any other.
// From there on directories are opened one in the other, by descriptor, and no link is followed:
// one that matches is itself masked, or held where it is.
//
// What cannot be read here cannot be read by the payload, whose ids this process has, with at
// least its capabilities. But a directory that can only be searched may hold a file whose
// name the payload guesses: such a one is a fault.

// A level is a directory that the search is in. It lies at the beginning of a block of memory, of
// which the rest holds the directory's next entries (getdents(2)).
// The search holds a descriptor of each directory that it is in, so another process may rename what it
// will: the search goes on in the directory that it opened. What is renamed into a directory that has
// been left is not found; what has been found is covered at once, and not after the search, so that the
// time between the two is short.
type level struct {
	dir     uintptr
	states  uint64  // bit n: the names in it are compared with component n of the pattern
	at, end uintptr // of the entries: the next one, and their end
	name    uintptr // of the entry at work
}

// Sizes of what a search needs.
const (
	// getdents(2) fills what is left of a level: some 800 names of usual length, so that most
	// directories take one call.
	levelSize = 1 << 15
	// A path of PATH_MAX bytes has at most 2047 directories, but the search could go deeper than any
	// path does. A deeper tree is refused, not searched in part.
	maxLevels = 1 << 10
	entries   = 64 // the offset of the entries in a level
)

// search is a pattern at work. It lies on the stack of glob.
// The memory of the levels is mapped, not static, since only a search needs it: of 32 MiB of addresses
// (MAP_NORESERVE), pages exist only for levels that are reached.
type search struct {
	pattern.Pattern
	levels uintptr
	depth  uintptr
	found  uint32
}

// glob does an OpMask or OpProtect step that has a pattern.
func glob(r *engine.Mounts, p plan.View, s *plan.Step) step.Fault {
	var q search
	prefix := literal(&q, p.Str(s.B))
	from, f := r.Dest(prefix, resolve.FindOnly, 0, 0)
	switch {
	// What cannot be reached below another mask needs none of its own.
	case f.Is() && (f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR || buffers.masks.dev != 0 && underMask(r, p.Str(s.B))):
		return noneIsFine(s)
	case f.Is():
		return f
	}
	// It is given back at the end of the search: a process that is forked later would have a copy.
	m := raw.Call(unix.SYS_MMAP, 0, levelSize*maxLevels, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, ^uintptr(0), 0)
	if e := raw.Errno(m); e != 0 {
		return step.Main(e)
	}
	q.levels = m
	// The directory is opened anew, by ".": a descriptor with O_PATH lists nothing.
	f = enter(r, &q, from.FD, raw.Text(".\x00"), q.Start())
	r.Leave(from)
	// Depth first, without recursion: the stack of code without a runtime is bounded (see package
	// child).
	for !f.Is() && q.depth > 0 {
		f = next(r, p, s, &q)
	}
	for q.depth > 0 {
		leaveLevel(r, &q)
	}
	raw.Call(unix.SYS_MUNMAP, m, levelSize*maxLevels, 0, 0, 0, 0)
	if !f.Is() && q.found == 0 {
		return noneIsFine(s)
	}
	return f
}

// literal takes a pattern apart, and returns its literal beginning as a string.
func literal(q *search, text unsafe.Pointer) unsafe.Pointer {
	n := min(q.Split(text), resolve.MaxPath-1)
	for i := range n {
		buffers.found[i&(resolve.MaxPath-1)] = raw.ByteAt(text, i)
	}
	// MaxPath is a power of two: the mask stands for a bounds check.
	buffers.found[n&(resolve.MaxPath-1)] = 0
	return unsafe.Pointer(&buffers.found)
}

// noneIsFine returns the fault of a pattern that nothing matches.
func noneIsFine(s *plan.Step) step.Fault {
	if s.Flags&plan.FlagTry != 0 {
		return step.Fault{}
	}
	return step.Failed(unix.ENOENT, plan.SubNoMatch)
}

// current returns the innermost level.
func (q *search) current() *level { return q.levelAt(q.depth - 1) }

func (q *search) levelAt(i uintptr) *level {
	return (*level)(raw.Mapped(q.levels + (i&(maxLevels-1))*levelSize))
}

// enter opens the directory name in dir as a new level.
// A directory on another file system is entered like any other. One that stands for an automount is
// mounted by that, as by the payload's own look at it (O_DIRECTORY; see package source).
func enter(r *engine.Mounts, q *search, dir uintptr, name unsafe.Pointer, states uint64) step.Fault {
	fd := raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	// Each level takes a descriptor, and the soft limit is often 1024.
	if raw.Errno(fd) == unix.EMFILE && r.RaiseLimit(0) {
		fd = raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	}
	switch e := raw.Errno(fd); e {
	case 0:
	// ELOOP: a link has been put there since the directory was read. ESRCH: a process has ended whose
	// directory in a proc this was.
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ESRCH: // gone by now, or not a directory
		return step.Fault{}
	// The payload cannot list it either. If it cannot even search it, nothing in it can be opened by a
	// name, and there is nothing to mask.
	case unix.EACCES:
		if !searchable(dir, name) {
			return step.Fault{}
		}
		return unread(r, q, e)
	default:
		return unread(r, q, e)
	}
	if q.depth == maxLevels {
		raw.Close(fd)
		return unread(r, q, unix.ENAMETOOLONG)
	}
	q.depth++
	l := q.current()
	l.dir, l.states = fd, states
	l.at, l.end, l.name = 0, 0, 0
	return step.Fault{}
}

// leaveLevel closes the innermost level.
func leaveLevel(r *engine.Mounts, q *search) {
	raw.Close(q.current().dir)
	q.depth--
}

// searchable reports whether names in a directory that cannot be read can be opened.
func searchable(dir uintptr, name unsafe.Pointer) bool {
	fd := raw.Openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	// To open "." takes the right to search the directory, which O_PATH on its name does not
	// (path_resolution(7)).
	through := raw.Openat(fd, raw.Text(".\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	raw.Close(fd)
	if raw.Errno(through) != 0 {
		return false
	}
	raw.Close(through)
	return true
}

// unread returns the fault of a directory that cannot be searched for matches.
func unread(r *engine.Mounts, q *search, e unix.Errno) step.Fault {
	r.Name(pathFound(r, q))
	// To go on would leave a file readable that the pattern was to hide.
	return step.Failed(e, plan.SubUnread)
}

// pathFound returns the path of the entry at work. One that is too long is cut.
func pathFound(r *engine.Mounts, q *search) unsafe.Pointer {
	out := unsafe.Pointer(&buffers.whole)
	end := raw.Put(out, unsafe.Pointer(&buffers.found))
	for i := uintptr(0); i < q.depth; i++ {
		l := q.levelAt(i)
		if l.name == 0 {
			continue
		}
		name := raw.Mapped(l.name)
		if end+raw.Strlen(name)+2 >= uintptr(len(buffers.whole)) {
			break
		}
		if end == 0 || buffers.whole[(end-1)&(2*resolve.MaxPath-1)] != '/' {
			buffers.whole[end&(2*resolve.MaxPath-1)] = '/'
			end++
		}
		end += raw.Put(unsafe.Add(out, end), name)
	}
	return out
}

// next deals with the next entry of the innermost level, or leaves it.
func next(r *engine.Mounts, p plan.View, s *plan.Step, q *search) step.Fault {
	// The struct has a name of variable length, so it is read by offsets.
	const length, kind, first = 16, 18, 19 // offsets in struct linux_dirent64
	l := q.current()
	base := unsafe.Add(unsafe.Pointer(l), entries)
	if l.at >= l.end {
		n := raw.Call(unix.SYS_GETDENTS64, l.dir, raw.Addr(base), levelSize-entries, 0, 0, 0)
		e := raw.Errno(n)
		// ENOENT is what the kernel says of a directory that was removed while it was open
		// (getdents(2)).
		if e != 0 && e != unix.ENOENT { // it has been removed
			l.name = 0
			return unread(r, q, e)
		}
		if e != 0 || n == 0 {
			leaveLevel(r, q)
			return step.Fault{}
		}
		l.at, l.end = 0, n
	}
	entry := unsafe.Add(base, l.at)
	// The kernel has written the entry, and a length of at least 24: the loop ends.
	l.at += uintptr(*(*uint16)(unsafe.Add(entry, length)))
	name := unsafe.Add(entry, first)
	if pathname.IsDot(name) || pathname.IsDotDot(name) {
		return step.Fault{}
	}
	l.name = raw.Addr(name)
	states := q.Advance(l.states, name)
	// A directory that matches is covered whole, so the search does not go into it.
	if q.Matched(states) {
		if q.found++; q.found > plan.MaxMatches {
			return step.Failed(unix.E2BIG, plan.SubTooMany)
		}
		return deny(r, p, s, q, l.dir, name)
	}
	// Not every file system says what an entry is (DT_UNKNOWN): then enter finds out.
	what := raw.ByteAt(entry, kind)
	if states == 0 || what != unix.DT_DIR && what != unix.DT_UNKNOWN {
		return step.Fault{}
	}
	return enter(r, q, l.dir, name, states)
}

// deny masks or protects a match. One that is gone by now is none.
func deny(r *engine.Mounts, p plan.View, s *plan.Step, q *search, dir uintptr, name unsafe.Pointer) step.Fault {
	if s.Op == plan.OpProtect {
		f := step.Main(unix.ENAMETOOLONG)
		// A protected path is walked from the root again, since what is on the way has to be held too.
		if raw.Strlen(pathFound(r, q)) < resolve.MaxPath {
			f = protectPath(r, p, s, q.depth)
		}
		if f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR { // gone
			q.found--
			return step.Fault{}
		}
		return aboutMatch(r, q, f)
	}
	fd := raw.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := raw.Errno(fd); e == unix.ENOENT {
		q.found--
		return step.Fault{}
	} else if e != 0 {
		return aboutMatch(r, q, step.Main(e))
	}
	f := maskAt(r, fd)
	r.CloseSoon(fd)
	if f.Errno == unix.ENOENT { // removed meanwhile: nothing can be mounted there any more
		q.found--
		return step.Fault{}
	}
	return aboutMatch(r, q, f)
}

// aboutMatch names the match in a fault.
func aboutMatch(r *engine.Mounts, q *search, f step.Fault) step.Fault {
	if f.Is() && (f.Sub < plan.SubUnread || f.Sub > plan.SubFile) {
		r.Name(pathFound(r, q))
		f.Sub = plan.SubFile
	}
	return f
}
