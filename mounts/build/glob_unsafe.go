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
	maxWild   = 64 // components of a pattern: more than flat.MaxWild, so that bit maxWild-1 stands for a match
)

// search is a pattern at work. It lies on the stack of glob.
type search struct {
	pattern uintptr
	n       uint32         // how many components there are
	first   [maxWild]int32 // the offset of each one in the pattern
	length  [maxWild]int32
	levels  uintptr
	depth   uintptr
	found   uint32
}

// glob does an OpMask or OpProtect step that has a pattern.
func (r *Root) glob(p plan.View, s *plan.Step) step.Fault {
	var q search
	prefix := r.split(&q, p.Str(s.B))
	from, f := r.dest(prefix, findOnly, 0, 0)
	switch {
	case f.Is() && (f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR || buffers.masks.dev != 0 && r.underMask(p.Str(s.B))):
		return noneIsFine(s)
	case f.Is():
		return f
	}
	m := raw.Call(unix.SYS_MMAP, 0, levelSize*maxLevels, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, ^uintptr(0), 0)
	if e := raw.Errno(m); e != 0 {
		return step.Main(e)
	}
	q.levels = m
	f = r.enter(&q, from.fd, raw.Text(".\x00"), q.closure(1))
	r.leave(from)
	for !f.Is() && q.depth > 0 {
		f = r.next(p, s, &q)
	}
	for q.depth > 0 {
		r.leaveLevel(&q)
	}
	raw.Call(unix.SYS_MUNMAP, m, levelSize*maxLevels, 0, 0, 0, 0)
	if !f.Is() && q.found == 0 {
		return noneIsFine(s)
	}
	return f
}

// noneIsFine returns the fault of a pattern that nothing matches.
func noneIsFine(s *plan.Step) step.Fault {
	if s.Flags&plan.FlagTry != 0 {
		return step.Fault{}
	}
	return step.Failed(unix.ENOENT, plan.SubNoMatch)
}

// split takes a pattern apart. It returns its literal beginning, which does not reach its last
// component.
func (r *Root) split(q *search, pattern unsafe.Pointer) (prefix unsafe.Pointer) {
	q.pattern = raw.Addr(pattern)
	literal, last := uintptr(0), uintptr(0) // where the literal components end; where the last one begins
	for pos := uintptr(0); ; {
		begin, end, next := cutComponent(pattern, pos)
		if begin == end {
			break
		}
		last = begin
		if literal == pos && isLiteral(unsafe.Add(pattern, begin), end-begin) {
			literal = next
		}
		pos = next
	}
	literal = min(literal, last)
	for pos := literal; q.n < maxWild-1; {
		begin, end, next := cutComponent(pattern, pos)
		if begin == end {
			break
		}
		*q.firstOf(q.n), *q.lengthOf(q.n) = int32(begin), int32(end-begin)
		q.n++
		pos = next
	}
	prefix = unsafe.Pointer(&buffers.found)
	for i := uintptr(0); i < literal && i < pathBuf-1; i++ {
		buffers.found[i&(pathBuf-1)] = byteOf(pattern, i)
	}
	buffers.found[min(literal, pathBuf-1)&(pathBuf-1)] = 0
	return prefix
}

func isLiteral(p unsafe.Pointer, n uintptr) bool {
	for i := uintptr(0); i < n; i++ {
		if c := byteOf(p, i); c == '*' || c == '?' || c == '[' || c == '\\' {
			return false
		}
	}
	return true
}

func (q *search) firstOf(i uint32) *int32 { return (*int32)(unsafe.Add(unsafe.Pointer(&q.first), i*4)) }

func (q *search) lengthOf(i uint32) *int32 {
	return (*int32)(unsafe.Add(unsafe.Pointer(&q.length), i*4))
}

// component returns a component of the pattern.
func (q *search) component(i uint32) (p unsafe.Pointer, n uintptr) {
	return unsafe.Add(raw.Mapped(q.pattern), uintptr(*q.firstOf(i))), uintptr(*q.lengthOf(i))
}

// anyDirs reports whether component i is **.
func (q *search) anyDirs(i uint32) bool {
	p, n := q.component(i)
	return n == 2 && byteOf(p, 0) == '*' && byteOf(p, 1) == '*'
}

// closure adds to some states those that ** leads to without a directory. At the end it stands
// for what is below, whatever it is.
func (q *search) closure(states uint64) uint64 {
	for i := uint32(0); i+1 < q.n; i++ {
		if states>>i&1 != 0 && q.anyDirs(i) {
			states |= 1 << (i + 1)
		}
	}
	return states
}

// advance returns the states after a name. Bit n of the result, for n components: it matches.
func (q *search) advance(states uint64, name unsafe.Pointer) uint64 {
	next := uint64(0)
	for i := uint32(0); i < q.n; i++ {
		if states>>i&1 == 0 {
			continue
		}
		if q.anyDirs(i) {
			next |= 1 << i
			if i+1 == q.n {
				next |= 1 << q.n
			}
			continue
		}
		if p, n := q.component(i); matchesName(p, n, name) {
			next |= 1 << (i + 1)
		}
	}
	return q.closure(next)
}

// current returns the innermost level.
func (q *search) current() *level { return q.levelAt(q.depth - 1) }

func (q *search) levelAt(i uintptr) *level {
	return (*level)(raw.Mapped(q.levels + (i&(maxLevels-1))*levelSize))
}

// enter opens the directory name in dir as a new level.
func (r *Root) enter(q *search, dir uintptr, name unsafe.Pointer, states uint64) step.Fault {
	fd := raw.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if raw.Errno(fd) == unix.EMFILE && r.raiseLimit(0) {
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
		return r.unread(q, e)
	default:
		return r.unread(q, e)
	}
	if q.depth == maxLevels {
		raw.Close(fd)
		return r.unread(q, unix.ENAMETOOLONG)
	}
	q.depth++
	l := q.current()
	l.dir, l.states = fd, states
	l.at, l.end, l.name = 0, 0, 0
	return step.Fault{}
}

// leaveLevel closes the innermost level.
func (r *Root) leaveLevel(q *search) {
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
func (r *Root) unread(q *search, e unix.Errno) step.Fault {
	r.Name(r.pathFound(q))
	return step.Failed(e, plan.SubUnread)
}

// pathFound returns the path of the entry at work. One that is too long is cut.
func (r *Root) pathFound(q *search) unsafe.Pointer {
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
		if end == 0 || buffers.whole[(end-1)&(2*pathBuf-1)] != '/' {
			buffers.whole[end&(2*pathBuf-1)] = '/'
			end++
		}
		end += raw.Put(unsafe.Add(out, end), name)
	}
	return out
}

// next deals with the next entry of the innermost level, or leaves it.
func (r *Root) next(p plan.View, s *plan.Step, q *search) step.Fault {
	const length, kind, first = 16, 18, 19 // offsets in struct linux_dirent64
	l := q.current()
	base := unsafe.Add(unsafe.Pointer(l), entries)
	if l.at >= l.end {
		n := raw.Call(unix.SYS_GETDENTS64, l.dir, raw.Addr(base), levelSize-entries, 0, 0, 0)
		e := raw.Errno(n)
		if e != 0 && e != unix.ENOENT { // it has been removed
			l.name = 0
			return r.unread(q, e)
		}
		if e != 0 || n == 0 {
			r.leaveLevel(q)
			return step.Fault{}
		}
		l.at, l.end = 0, n
	}
	entry := unsafe.Add(base, l.at)
	l.at += uintptr(*(*uint16)(unsafe.Add(entry, length)))
	name := unsafe.Add(entry, first)
	if isDot(name) || isDotDot(name) {
		return step.Fault{}
	}
	l.name = raw.Addr(name)
	states := q.advance(l.states, name)
	if states>>q.n&1 != 0 {
		if q.found++; q.found > plan.MaxMatches {
			return step.Failed(unix.E2BIG, plan.SubTooMany)
		}
		return r.deny(p, s, q, l.dir, name)
	}
	what := byteOf(entry, kind)
	if states == 0 || what != unix.DT_DIR && what != unix.DT_UNKNOWN {
		return step.Fault{}
	}
	return r.enter(q, l.dir, name, states)
}

// deny masks or protects a match. One that is gone by now is none.
func (r *Root) deny(p plan.View, s *plan.Step, q *search, dir uintptr, name unsafe.Pointer) step.Fault {
	if s.Op == plan.OpProtect {
		f := step.Main(unix.ENAMETOOLONG)
		if raw.Strlen(r.pathFound(q)) < pathBuf {
			f = r.protectPath(p, s, q.depth)
		}
		if f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR { // gone
			q.found--
			return step.Fault{}
		}
		return r.aboutMatch(q, f)
	}
	fd := raw.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := raw.Errno(fd); e == unix.ENOENT {
		q.found--
		return step.Fault{}
	} else if e != 0 {
		return r.aboutMatch(q, step.Main(e))
	}
	f := r.maskAt(fd)
	r.CloseSoon(fd)
	if f.Errno == unix.ENOENT { // removed meanwhile: nothing can be mounted there any more
		q.found--
		return step.Fault{}
	}
	return r.aboutMatch(q, f)
}

// aboutMatch names the match in a fault.
func (r *Root) aboutMatch(q *search, f step.Fault) step.Fault {
	if f.Is() && (f.Sub < plan.SubUnread || f.Sub > plan.SubFile) {
		r.Name(r.pathFound(q))
		f.Sub = plan.SubFile
	}
	return f
}
