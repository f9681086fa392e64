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

// This file protects paths. What is at the end of one is bound onto itself, read-only, with what
// is mounted below. On the way there each directory and each link is bound onto itself with
// the flags that it has: the kernel neither renames nor removes what is a mount point in
// the namespace of the process that asks (is_local_mountpoint, fs/namei.c; EBUSY of rename(2),
// rmdir(2), unlink(2)), and in a namespace below the binds are locked (mount_namespaces(7)). So
// a directory of the same name cannot be put in the place of one on the way. Where the
// mount is read-only, nothing has to be held.

// protect does an OpProtect step.
func (r *Root) protect(p plan.View, s *plan.Step) step.Fault {
	if s.Flags&plan.FlagGlob != 0 {
		return r.glob(p, s)
	}
	for i := range maxTries {
		f := r.protectPath(p, s, 0)
		if f.Sub != subAgain {
			return f
		}
		if i > 8 {
			raw.Nap(1e6)
		}
	}
	return step.Main(unix.EAGAIN)
}

// maxTries bounds how often a path is looked up again because another process changes it.
const maxTries = 256

// subAgain is a fault after which a path has to be looked up again.
const subAgain = subLink + 1

// protectPath protects what is at the end of a path: that of the step, or, with tail, of
// the match that a search has found. Of that no link is followed in the last tail components.
func (r *Root) protectPath(p plan.View, s *plan.Step, tail uintptr) step.Fault {
	path := p.Str(s.B)
	if tail > 0 {
		path = unsafe.Pointer(&buffers.whole)
	}
	root := r.newRoot()
	if e := raw.Errno(root); e != 0 {
		return step.Main(e)
	}
	at, f := r.holdAll(s, root, path, tail)
	if f.Is() && f.Sub == subMissing && tail == 0 {
		f = r.missingHere(p, s, root)
	} else if f.Is() && f.Sub == subMissing {
		f.Sub = plan.SubMain
	}
	r.unwind()
	r.CloseSoon(root)
	if at != 0 {
		f = r.tighten(p, at)
		r.CloseSoon(at)
	}
	return f
}

// tighten binds fd onto itself, read-only. A link is bound too, so that it stays where it is.
func (r *Root) tighten(p plan.View, fd uintptr) step.Fault {
	if link, e := isLink(fd); e == 0 && link {
		return step.Main(r.bindAs(fd, fd, 0))
	}
	return r.attach(p, fd, fd, unix.MS_RDONLY)
}

// subMissing is the fault of holdAll where a component is missing, in the directory that the walk
// stands in. Its name is buffers.last; missing.more says whether others follow it.
const subMissing = subLink + 2

// holdAll goes through a path, holds what is on the way, and returns what is at its end, which
// it does not hold; 0 where that is a placeholder.
func (r *Root) holdAll(s *plan.Step, root uintptr, path unsafe.Pointer, tail uintptr) (at uintptr, f step.Fault) {
	rest := unsafe.Pointer(&buffers.rest)
	if raw.Strlen(path) >= pathBuf {
		return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
	}
	raw.Put(rest, path)
	buffers.last[0] = 0
	buffers.missing.above[0] = 0
	links := 0
	for pos := uintptr(0); ; {
		begin, end, next := cutComponent(rest, pos)
		if end == begin {
			here, f := r.finish(root)
			return here.fd, f
		}
		last := byteOf(rest, next) == 0
		*(*byte)(unsafe.Add(rest, end)) = 0
		name := unsafe.Add(rest, begin)
		pos = next
		if isDot(name) {
			continue
		}
		if isDotDot(name) {
			buffers.missing.above[0] = 0
			if !r.goUp() {
				return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
			}
			continue
		}
		if end-begin > unix.NAME_MAX {
			return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
		}
		here := r.whereNow(root)
		fd := raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
		switch e := raw.Errno(fd); {
		case e == unix.ENOENT, e == unix.EACCES && r.isReadOnly(here):
			raw.Put(unsafe.Pointer(&buffers.last), name)
			buffers.missing.more = !last
			return 0, step.Failed(e, subMissing)
		case e != 0:
			return 0, step.Failed(e, plan.SubMain)
		}
		kind, e := raw.FileType(fd)
		if e == 0 && kind != unix.S_IFDIR && kind != unix.S_IFLNK && !last {
			// Nothing is below a file as long as it stays where it is: a .git that is one has no
			// hooks. So the file is protected.
			if s.Flags&plan.FlagTry != 0 || tail > 0 {
				raw.Close(fd)
				return 0, step.Failed(unix.ENOTDIR, subMissing)
			}
			return fd, step.Fault{}
		}
		link := kind == unix.S_IFLNK
		matched := components(unsafe.Add(rest, next)) < tail
		switch {
		case e != 0:
		case last && (!link || matched):
			if tail == 0 && r.isPlaceholder(fd) {
				raw.Close(fd)
				raw.Put(unsafe.Pointer(&buffers.last), name)
				buffers.missing.more = false
				return 0, step.Failed(unix.ENOENT, subMissing)
			}
			return fd, step.Fault{}
		case link && matched:
			e = unix.ENOENT // there was a directory when it was found: the match is gone
		default:
			e = r.hold(here, fd, link)
		}
		raw.Close(fd)
		if e != 0 {
			r.Name(name)
			return 0, step.Failed(e, plan.SubHeld)
		}
		if link {
			if links++; links > 40 { // as the kernel (path_resolution(7))
				return 0, step.Failed(unix.ELOOP, plan.SubMain)
			}
			absolute, f := r.follow(here, name, next)
			if f.Is() {
				return 0, f
			}
			if absolute {
				r.unwind()
				buffers.missing.above[0] = 0
			}
			pos = 0
			continue
		}
		fd = raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0) // what is mounted on it by now
		if e := raw.Errno(fd); e != 0 {
			return 0, step.Failed(e, plan.SubMain)
		}
		raw.Put(unsafe.Pointer(&buffers.missing.above), name)
		r.goDown(fd)
	}
}

// components returns how many components a path has.
func components(path unsafe.Pointer) (n uintptr) {
	for pos := uintptr(0); ; n++ {
		begin, end, next := cutComponent(path, pos)
		if begin == end {
			return n
		}
		pos = next
	}
}

// hold binds fd, a name in the directory here, onto itself, where it could be renamed.
func (r *Root) hold(here, fd uintptr, link bool) unix.Errno {
	if r.isReadOnly(here) || r.isMountRoot(here, fd) {
		return 0
	}
	how := uintptr(unix.AT_RECURSIVE)
	if link {
		how = 0
	}
	return r.bindAs(fd, fd, how)
}

// isReadOnly reports whether fd lies on a mount that is read-only.
func (r *Root) isReadOnly(fd uintptr) bool {
	flags, e := r.MountFlags(fd)
	return e == 0 && flags&unix.ST_RDONLY != 0
}

// isMountRoot reports whether fd, a name in the directory here, is the root of a mount.
func (r *Root) isMountRoot(here, fd uintptr) bool {
	var st unix.Statx_t
	e := raw.Errno(raw.Call(unix.SYS_STATX, fd, raw.Addr(raw.Empty()), unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT|unix.AT_SYMLINK_NOFOLLOW, 0, raw.Addr(unsafe.Pointer(&st)), 0))
	if e == 0 && st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 { // since 5.8
		return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	one, e := r.mountID(here)
	if e != 0 {
		return false
	}
	other, e := r.mountID(fd)
	return e == 0 && one != other
}
