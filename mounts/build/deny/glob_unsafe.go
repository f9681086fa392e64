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
type level struct {
	dir     uintptr
	states  uint64  // bit n: the names in it are compared with component n of the pattern
	at, end uintptr // of the entries: the next one, and their end
	name    uintptr // of the entry at work
}

// Sizes of what a search needs.
const (
	levelSize = 1 << 15
	maxLevels = 1 << 10
	entries   = 64 // the offset of the entries in a level
)

// search is a pattern at work. It lies on the stack of glob.
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
	case f.Is() && (f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR || buffers.masks.dev != 0 && underMask(r, p.Str(s.B))):
		return noneIsFine(s)
	case f.Is():
		return f
	}
	m := raw.Call(unix.SYS_MMAP, 0, levelSize*maxLevels, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, ^uintptr(0), 0)
	if e := raw.Errno(m); e != 0 {
		return step.Main(e)
	}
	q.levels = m
	f = enter(r, &q, from.FD, raw.Text(".\x00"), q.Start())
	r.Leave(from)
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
func enter(r *engine.Mounts, q *search, dir uintptr, name unsafe.Pointer, states uint64) step.Fault {
	fd := raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if raw.Errno(fd) == unix.EMFILE && r.RaiseLimit(0) {
		fd = raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	}
	switch e := raw.Errno(fd); e {
	case 0:
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ESRCH: // gone by now, or not a directory
		return step.Fault{}
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
	const length, kind, first = 16, 18, 19 // offsets in struct linux_dirent64
	l := q.current()
	base := unsafe.Add(unsafe.Pointer(l), entries)
	if l.at >= l.end {
		n := raw.Call(unix.SYS_GETDENTS64, l.dir, raw.Addr(base), levelSize-entries, 0, 0, 0)
		e := raw.Errno(n)
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
	l.at += uintptr(*(*uint16)(unsafe.Add(entry, length)))
	name := unsafe.Add(entry, first)
	if pathname.IsDot(name) || pathname.IsDotDot(name) {
		return step.Fault{}
	}
	l.name = raw.Addr(name)
	states := q.Advance(l.states, name)
	if q.Matched(states) {
		if q.found++; q.found > plan.MaxMatches {
			return step.Failed(unix.E2BIG, plan.SubTooMany)
		}
		return deny(r, p, s, q, l.dir, name)
	}
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
