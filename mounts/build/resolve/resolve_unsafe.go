package resolve

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/frame"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
	"golang.org/x/sys/unix"
)

// This file follows paths, the quick way and the careful way.

// What stands at the end of a path, and what to do if it is not there.
const (
	FindOnly  = iota // must exist
	MakeDir          // made as a directory
	MakeFile         // made as an empty file
	OpenFile         // opened for writing; made, or truncated
	StayAbove        // not looked at: the directory above is wanted, the name goes to Last
)

// maxDepth is how many directories a walk keeps open: a power of two.
const maxDepth = 256

// MaxPath is the longest path that is followed, with its NUL, in bytes: twice what the kernel takes in
// one call, since a link's target is put in front of what is left of a path.
const MaxPath = 2 * unix.PathMax

// Paths is a frame, and a walk through the root in it. It holds no pointer.
type Paths struct {
	frame.Frame

	walk struct {
		depth  uintptr // how many directories the walk has come through
		open   uintptr // how many of them, the last, are open
		absent bool    // the kernel says that nothing is at the end of the path
	}
}

// buffers is the large memory of a walk, of which a process has one. It is not part of Paths: of
// that, which a process that is forked writes to at once, a single page is copied, and of this
// what is used. What every walk writes stands in front.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var buffers struct {
	last [256]byte         // the last component of a path, where it is not looked at
	dirs [maxDepth]int32   // the directories that a walk has come through: a ring
	rest [2 * MaxPath]byte // of the path that is followed
	link [2 * MaxPath]byte // a link on the way, with the rest behind it
}

// Last returns the name that a walk with StayAbove has left; empty: the path ends in a directory that
// has no name, "/", "." or "..".
func Last() unsafe.Pointer { return unsafe.Pointer(&buffers.last) }

// Rest returns the memory in which a walk keeps what is left of a path, 2*MaxPath bytes. One who walks
// by hand ([Paths.GoDown], [Paths.Follow]) puts the path there.
func Rest() unsafe.Pointer { return unsafe.Pointer(&buffers.rest) }

// Place is where a path ends. The zero place is none.
type Place struct {
	FD   uintptr // opened with O_PATH, except for OpenFile and a file that was made
	Made int     // MakeDir or MakeFile, if it was missing and has been made
}

// Leave closes a place that is done with. A file that was made is open for writing.
func (r *Paths) Leave(at Place) {
	if at.Made == MakeFile {
		raw.Close(at.FD)
	} else {
		r.CloseSoon(at.FD)
	}
}

// Dest opens path below the new root. It makes it as want says, with the given mode, and the
// directories above it.
func (r *Paths) Dest(path unsafe.Pointer, want int, mode, parents uint32) (Place, step.Fault) {
	root := r.NewRoot()
	if e := raw.Errno(root); e != 0 {
		return Place{}, step.Main(e)
	}
	absent := false
	// OpenFile truncates, and StayAbove is about the directory above: both need the last component by
	// itself.
	if r.Engine == step.NewCalls && want < OpenFile {
		if pathname.OnlySlashes(path) {
			return Place{FD: root}, step.Fault{}
		}
		// The careful way makes what is missing, knows which part is at fault, and does not
		// depend on renames or mounts meanwhile (EAGAIN).
		fd := r.inRoot(root, path)
		if raw.Errno(fd) == 0 {
			r.CloseSoon(root)
			return Place{FD: fd}, step.Fault{}
		}
		absent = raw.Errno(fd) == unix.ENOENT && want != FindOnly
	}
	// The kernel has said that the path leads nowhere. The walk then makes the last component without
	// looking for it first, which saves a call for each mount point that is made.
	r.walk.absent = absent
	at, f := r.WalkFrom(root, path, want, mode, parents)
	r.CloseSoon(root)
	// Where nothing is made, there are no parents to speak of.
	if want == FindOnly && f.Sub == plan.SubParents {
		f.Sub = plan.SubMain
	}
	return at, f
}

// inRoot opens a path the quick way.
func (r *Paths) inRoot(root uintptr, path unsafe.Pointer) uintptr {
	for range 128 { // EAGAIN: a rename happened; the kernel could not be sure
		fd := openat2(root, path, unix.O_PATH|unix.O_CLOEXEC, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
		if raw.Errno(fd) != unix.EAGAIN {
			return fd
		}
	}
	return raw.Failed(unix.EAGAIN)
}

// openat2 is openat2(2), since 5.6.
func openat2(dir uintptr, path unsafe.Pointer, flags, resolve uint64) uintptr {
	// The struct may grow; its size says which fields there are (openat2(2), "Extensibility").
	how := unix.OpenHow{Flags: flags, Resolve: resolve}
	return raw.Call(unix.SYS_OPENAT2, dir, raw.Addr(path), raw.Addr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
}

// ChangeDir changes into a directory of the sandbox, for the payload. None of our descriptors
// is open any more, but the caller's may be: a magic link of /proc does not count as a place
// inside.
func (r *Paths) ChangeDir(path unsafe.Pointer) unix.Errno {
	// chdir(2) would follow magic links, by which a descriptor of the caller's leads out
	// (CVE-2024-21626).
	fd := uintptr(0)
	if r.Engine == step.NewCalls {
		fd = openat2(raw.AtCwd, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, unix.RESOLVE_NO_MAGICLINKS)
		if e := raw.Errno(fd); e != 0 {
			return e
		}
	} else {
		root := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
		if e := raw.Errno(root); e != 0 {
			return e
		}
		at, f := r.WalkFrom(root, path, FindOnly, 0, 0)
		raw.Close(root)
		if f.Is() {
			return f.Errno
		}
		fd = at.FD
	}
	e := r.Enter(fd)
	raw.Close(fd)
	return e
}

// WalkFrom opens a path the careful way. The directories that it has come through are in
// buffers.dirs, the last maxDepth of them open.
func (r *Paths) WalkFrom(root uintptr, path unsafe.Pointer, want int, mode, parents uint32) (Place, step.Fault) {
	at, f := r.goThrough(root, path, want, mode, parents)
	r.Unwind()
	return at, f
}

// goThrough is walkFrom without the way back. What is left of the path stands in buffers.rest,
// where links are put in front of it.
func (r *Paths) goThrough(root uintptr, path unsafe.Pointer, want int, mode, parents uint32) (Place, step.Fault) {
	// The path is copied, since components are ended by a NUL in place, and links are put in front of
	// it.
	p := unsafe.Pointer(&buffers.rest)
	if raw.Strlen(path) >= MaxPath {
		return Place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
	}
	raw.Put(p, path)
	if want == StayAbove { // every walk would write to one page more
		buffers.last[0] = 0
	}
	pos, links := uintptr(0), 0
	// Each round takes a component, or a link of at most 40: the bound is never met, but every loop has
	// one (see the laws).
	for range len(buffers.rest) {
		var end, next uintptr
		pos, end, next = pathname.Cut(p, pos)
		if end == pos {
			if want == OpenFile {
				return Place{}, step.Failed(unix.EISDIR, plan.SubMakeFile)
			}
			return r.Finish(root)
		}
		last := *(*byte)(unsafe.Add(p, next)) == 0
		*(*byte)(unsafe.Add(p, end)) = 0
		name := unsafe.Add(p, pos)
		if pathname.IsDot(name) {
			pos = next
			continue
		}
		if pathname.IsDotDot(name) {
			// In a path with more than maxDepth directories in between the one to go back to is closed.
			// To open ".." of the current one instead would be a climb that a rename can misuse.
			if !r.GoUp() {
				return Place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
			}
			pos = next
			continue
		}
		// The kernel would refuse it too, but only where it looks.
		if end-pos > unix.NAME_MAX {
			return Place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
		}
		if last && want == StayAbove {
			raw.Put(unsafe.Pointer(&buffers.last), name)
			return r.Finish(root)
		}
		// The name has no slash in it, so the kernel looks it up in this directory alone.
		at, f := r.component(root, name, last, want, mode, parents)
		if f.Sub == SubLink {
			links++
			if f = r.goOnAtLink(root, name, next, links); f.Is() {
				return Place{}, f
			}
			pos = 0
			continue
		}
		// How much of the path leads to what is at fault; behind a link that is not part of what the
		// user wrote.
		if f.Is() && links == 0 {
			f.Extra = uint32(end)
		}
		if f.Is() || last {
			return at, f
		}
		r.GoDown(at.FD)
		pos = next
	}
	return Place{}, step.Failed(unix.ELOOP, plan.SubParents)
}

// goOnAtLink puts what the link name says in front of the rest of the path, which begins at next. links
// is how many links the walk has come through, with this one.
func (r *Paths) goOnAtLink(root uintptr, name unsafe.Pointer, next uintptr, links int) step.Fault {
	if links > 40 { // as the kernel (path_resolution(7))
		return step.Failed(unix.ELOOP, plan.SubParents)
	}
	absolute, f := r.Follow(r.WhereNow(root), name, next)
	// From the top, which is the new root, not this process's.
	if absolute && !f.Is() {
		r.Unwind()
	}
	return f
}

// WhereNow returns the directory that a walk stands in.
func (r *Paths) WhereNow(root uintptr) uintptr {
	if r.walk.depth == 0 {
		return root
	}
	return uintptr(buffers.dirs[(r.walk.depth-1)&(maxDepth-1)])
}

// GoDown enters the directory fd, which the walk then owns.
func (r *Paths) GoDown(fd uintptr) {
	// The ring is full. The oldest one is wanted only by a path with as many "..".
	if r.walk.open == maxDepth {
		r.forgetOldest()
	}
	buffers.dirs[r.walk.depth&(maxDepth-1)] = int32(fd)
	r.walk.depth++
	r.walk.open++
}

// GoUp leaves a directory for the one that it was entered from; above the root there is
// nothing. It reports false if that one is no longer open, which happens only in paths with
// more than maxDepth levels in between.
func (r *Paths) GoUp() bool {
	if r.walk.depth == 0 {
		return true
	}
	r.closeLast()
	return r.walk.depth == 0 || r.walk.open > 0
}

// closeLast closes the directory that the walk stands in.
func (r *Paths) closeLast() {
	r.walk.depth--
	r.walk.open--
	r.CloseSoon(uintptr(buffers.dirs[r.walk.depth&(maxDepth-1)]))
}

// forgetOldest closes the directory that was entered first, of those that are open, but not
// the one that the walk stands in. It reports false where there is no such one.
func (r *Paths) forgetOldest() bool {
	if r.walk.open < 2 {
		return false
	}
	raw.Close(uintptr(buffers.dirs[(r.walk.depth-r.walk.open)&(maxDepth-1)]))
	r.walk.open--
	return true
}

// Unwind goes back to the root.
func (r *Paths) Unwind() {
	for r.walk.open > 0 {
		r.closeLast()
	}
	r.walk.depth = 0
}

// Follow puts the target of the link name in front of the rest of the path.
func (r *Paths) Follow(here uintptr, name unsafe.Pointer, next uintptr) (absolute bool, f step.Fault) {
	buf := unsafe.Pointer(&buffers.link)
	n, e := raw.Readlinkat(here, name, buf, MaxPath)
	if e != 0 {
		return false, step.Failed(e, plan.SubParents)
	}
	// The target and the rest are joined in a second buffer: the rest lies in the first.
	rest := unsafe.Add(unsafe.Pointer(&buffers.rest), next)
	if n == 0 || n+raw.Strlen(rest) >= MaxPath-2 {
		return false, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
	}
	first := *(*byte)(buf)
	if r.isMagic(here, first) {
		return false, step.Failed(unix.ELOOP, plan.SubMagicLink)
	}
	if *(*byte)(rest) != 0 {
		*(*byte)(unsafe.Add(buf, n)) = '/'
		n++
	}
	raw.Put(unsafe.Add(buf, n), rest)
	raw.Put(unsafe.Pointer(&buffers.rest), buf)
	return first == '/', step.Fault{}
}

// Upper returns the directory above the one that a walk from root stands in. ok is false at the root,
// and where directories of the walk have been closed.
func (r *Paths) Upper(root uintptr) (fd uintptr, ok bool) {
	depth := r.walk.depth
	switch {
	case depth == 0 || depth != r.walk.open:
		return 0, false
	case depth == 1:
		return root, true
	}
	return uintptr(buffers.dirs[(depth-2)&(maxDepth-1)]), true
}

// isMagic reports whether a link in the directory here is one of those of /proc that lead
// anywhere (fd/N, root, cwd, exe, ns/*, map_files/*). The plain ones of /proc begin with a
// digit or with "self".
func (r *Paths) isMagic(here uintptr, first byte) bool {
	// Asked of the directory, not of the link: what a link of /proc says is made up by the kernel, and
	// its text leads nowhere or elsewhere.
	kind, e := r.FileSystem(here)
	return e != 0 || kind == step.ProcMagic && first != 's' && (first < '0' || first > '9')
}

// Finish ends a walk at the directory that it stands in.
func (r *Paths) Finish(root uintptr) (Place, step.Fault) {
	if r.walk.depth > 0 {
		r.walk.depth--
		r.walk.open--
		return Place{FD: uintptr(buffers.dirs[r.walk.depth&(maxDepth-1)])}, step.Fault{}
	}
	// The caller of a walk owns the root, and closes it: the place needs a descriptor of its own, not
	// among the standard streams.
	fd := raw.Fcntl(root, unix.F_DUPFD_CLOEXEC, 3)
	return Place{FD: fd}, step.Failed(raw.Errno(fd), plan.SubParents)
}
