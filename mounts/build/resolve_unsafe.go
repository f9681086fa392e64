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

// This file resolves destinations: paths below the new root, which never leave it while it
// is built (CVE-2026-87766), whatever an attacker renames meanwhile.
//
// The quick way is openat2 (since 5.6) with RESOLVE_IN_ROOT. The careful way walks down one
// component at a time with O_NOFOLLOW, keeps the directories that it came through open, and
// takes ".." to mean the one before: no rename can make it climb above the root. It serves
// kernels and filters without openat2, and makes what is missing on either.

// What stands at the end of a path, and what to do if it is not there.
const (
	findOnly  = iota // must exist
	makeDir          // made as a directory
	makeFile         // made as an empty file
	openFile         // opened for writing; made, or truncated
	stayAbove        // not looked at: the directory above is wanted, the name goes to buffers.last
)

// maxDepth is how many directories a walk keeps open: a power of two.
const maxDepth = 256

// place is where a path ends. The zero place is none.
type place struct {
	fd   uintptr // opened with O_PATH, except for openFile and a file that was made
	made int     // makeDir or makeFile, if it was missing and has been made
}

// leave closes a place that is done with. A file that was made is open for writing.
func (r *Root) leave(at place) {
	if at.made == makeFile {
		raw.Close(at.fd)
	} else {
		r.CloseSoon(at.fd)
	}
}

// newRoot opens the root of the sandbox as it is now: the topmost mount on it.
func (r *Root) newRoot() uintptr {
	if r.Guarded != 0 {
		return raw.Openat(raw.AtCwd, raw.Text(broker.NewRoot+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	}
	return raw.Openat(r.base, raw.Text("newroot\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
}

// dest opens path below the new root. It makes it as want says, with the given mode, and the
// directories above it.
func (r *Root) dest(path unsafe.Pointer, want int, mode, parents uint32) (place, step.Fault) {
	root := r.newRoot()
	if e := raw.Errno(root); e != 0 {
		return place{}, step.Main(e)
	}
	absent := false
	if r.Engine == NewCalls && want < openFile {
		if onlySlashes(path) {
			return place{fd: root}, step.Fault{}
		}
		// The careful way makes what is missing, knows which part is at fault, and does not
		// depend on renames or mounts meanwhile (EAGAIN).
		fd := r.inRoot(root, path)
		if raw.Errno(fd) == 0 {
			r.CloseSoon(root)
			return place{fd: fd}, step.Fault{}
		}
		absent = raw.Errno(fd) == unix.ENOENT && want != findOnly
	}
	r.walk.absent = absent
	at, f := r.walkFrom(root, path, want, mode, parents)
	r.CloseSoon(root)
	if want == findOnly && f.Sub == plan.SubParents {
		f.Sub = plan.SubMain
	}
	return at, f
}

// onlySlashes reports whether a path is the root itself.
func onlySlashes(path unsafe.Pointer) bool {
	for *(*byte)(path) == '/' {
		path = unsafe.Add(path, 1)
	}
	return *(*byte)(path) == 0
}

// inRoot opens a path the quick way.
func (r *Root) inRoot(root uintptr, path unsafe.Pointer) uintptr {
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
	how := unix.OpenHow{Flags: flags, Resolve: resolve}
	return raw.Call(unix.SYS_OPENAT2, dir, raw.Addr(path), raw.Addr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
}

// ChangeDir changes into a directory of the sandbox, for the payload. None of our descriptors
// is open any more, but the caller's may be: a magic link of /proc does not count as a place
// inside.
func (r *Root) ChangeDir(path unsafe.Pointer) unix.Errno {
	fd := uintptr(0)
	if r.Engine == NewCalls {
		fd = openat2(raw.AtCwd, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, unix.RESOLVE_NO_MAGICLINKS)
		if e := raw.Errno(fd); e != 0 {
			return e
		}
	} else {
		root := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
		if e := raw.Errno(root); e != 0 {
			return e
		}
		at, f := r.walkFrom(root, path, findOnly, 0, 0)
		raw.Close(root)
		if f.Is() {
			return f.Errno
		}
		fd = at.fd
	}
	e := r.Enter(fd)
	raw.Close(fd)
	return e
}

// walkFrom opens a path the careful way. The directories that it has come through are in
// buffers.dirs, the last maxDepth of them open.
func (r *Root) walkFrom(root uintptr, path unsafe.Pointer, want int, mode, parents uint32) (place, step.Fault) {
	at, f := r.goThrough(root, path, want, mode, parents)
	r.unwind()
	return at, f
}

// goThrough is walkFrom without the way back. What is left of the path stands in buffers.rest,
// where links are put in front of it.
func (r *Root) goThrough(root uintptr, path unsafe.Pointer, want int, mode, parents uint32) (place, step.Fault) {
	p := unsafe.Pointer(&buffers.rest)
	if raw.Strlen(path) >= pathBuf {
		return place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
	}
	raw.Put(p, path)
	buffers.last[0] = 0
	pos, links := uintptr(0), 0
	for range len(buffers.rest) {
		var end, next uintptr
		pos, end, next = cutComponent(p, pos)
		if end == pos {
			if want == openFile {
				return place{}, step.Failed(unix.EISDIR, plan.SubMakeFile)
			}
			return r.finish(root)
		}
		last := *(*byte)(unsafe.Add(p, next)) == 0
		*(*byte)(unsafe.Add(p, end)) = 0
		name := unsafe.Add(p, pos)
		if isDot(name) {
			pos = next
			continue
		}
		if isDotDot(name) {
			if !r.goUp() {
				return place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
			}
			pos = next
			continue
		}
		if end-pos > unix.NAME_MAX {
			return place{}, step.Failed(unix.ENAMETOOLONG, plan.SubParents)
		}
		if last && want == stayAbove {
			raw.Put(unsafe.Pointer(&buffers.last), name)
			return r.finish(root)
		}
		at, f := r.component(root, name, last, want, mode, parents)
		if f.Sub == subLink {
			links++
			if links > 40 { // as the kernel (path_resolution(7))
				return place{}, step.Failed(unix.ELOOP, plan.SubParents)
			}
			absolute, f := r.follow(r.whereNow(root), name, next)
			if f.Is() {
				return place{}, f
			}
			// From the top, which is the new root, not this process's.
			if absolute {
				r.unwind()
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
		r.goDown(at.fd)
		pos = next
	}
	return place{}, step.Failed(unix.ELOOP, plan.SubParents)
}

// cutComponent finds the first component of a path from pos on: where it begins and ends, and
// where the next one begins.
func cutComponent(p unsafe.Pointer, pos uintptr) (begin, end, next uintptr) {
	for *(*byte)(unsafe.Add(p, pos)) == '/' {
		pos++
	}
	end = pos
	for c := *(*byte)(unsafe.Add(p, end)); c != '/' && c != 0; c = *(*byte)(unsafe.Add(p, end)) {
		end++
	}
	next = end
	for *(*byte)(unsafe.Add(p, next)) == '/' {
		next++
	}
	return pos, end, next
}

// whereNow returns the directory that a walk stands in.
func (r *Root) whereNow(root uintptr) uintptr {
	if r.walk.depth == 0 {
		return root
	}
	return uintptr(buffers.dirs[(r.walk.depth-1)&(maxDepth-1)])
}

// goDown enters the directory fd, which the walk then owns.
func (r *Root) goDown(fd uintptr) {
	if r.walk.open == maxDepth {
		r.forgetOldest()
	}
	buffers.dirs[r.walk.depth&(maxDepth-1)] = int32(fd)
	r.walk.depth++
	r.walk.open++
}

// goUp leaves a directory for the one that it was entered from; above the root there is
// nothing. It reports false if that one is no longer open, which happens only in paths with
// more than maxDepth levels in between.
func (r *Root) goUp() bool {
	if r.walk.depth == 0 {
		return true
	}
	r.closeLast()
	return r.walk.depth == 0 || r.walk.open > 0
}

// closeLast closes the directory that the walk stands in.
func (r *Root) closeLast() {
	r.walk.depth--
	r.walk.open--
	r.CloseSoon(uintptr(buffers.dirs[r.walk.depth&(maxDepth-1)]))
}

// forgetOldest closes the directory that was entered first, of those that are open, but not
// the one that the walk stands in. It reports false where there is no such one.
func (r *Root) forgetOldest() bool {
	if r.walk.open < 2 {
		return false
	}
	raw.Close(uintptr(buffers.dirs[(r.walk.depth-r.walk.open)&(maxDepth-1)]))
	r.walk.open--
	return true
}

// unwind goes back to the root.
func (r *Root) unwind() {
	for r.walk.open > 0 {
		r.closeLast()
	}
	r.walk.depth = 0
}

// follow puts the target of the link name in front of the rest of the path.
func (r *Root) follow(here uintptr, name unsafe.Pointer, next uintptr) (absolute bool, f step.Fault) {
	buf := unsafe.Pointer(&buffers.link)
	n, e := raw.Readlinkat(here, name, buf, pathBuf)
	if e != 0 {
		return false, step.Failed(e, plan.SubParents)
	}
	rest := unsafe.Add(unsafe.Pointer(&buffers.rest), next)
	if n == 0 || n+raw.Strlen(rest) >= pathBuf-2 {
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

// isMagic reports whether a link in the directory here is one of those of /proc that lead
// anywhere (fd/N, root, cwd, exe, ns/*, map_files/*). The plain ones of /proc begin with a
// digit or with "self".
func (r *Root) isMagic(here uintptr, first byte) bool {
	kind, e := r.FileSystem(here)
	return e != 0 || kind == step.ProcMagic && first != 's' && (first < '0' || first > '9')
}

// finish ends a walk at the directory that it stands in.
func (r *Root) finish(root uintptr) (place, step.Fault) {
	if r.walk.depth > 0 {
		r.walk.depth--
		r.walk.open--
		return place{fd: uintptr(buffers.dirs[r.walk.depth&(maxDepth-1)])}, step.Fault{}
	}
	fd := raw.Fcntl(root, unix.F_DUPFD_CLOEXEC, 3)
	return place{fd: fd}, step.Failed(raw.Errno(fd), plan.SubParents)
}

// isDot and isDotDot report whether a component is "." or "..".
func isDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == 0
}

func isDotDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == '.' && *(*byte)(unsafe.Add(p, 2)) == 0
}
