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
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// This file protects paths. What is at the end of one is bound onto itself, read-only, with what
// is mounted below. On the way there each directory and each link is bound onto itself with
// the flags that it has: the kernel neither renames nor removes what is a mount point in
// the namespace of the process that asks (is_local_mountpoint, fs/namei.c; EBUSY of rename(2),
// rmdir(2), unlink(2)), and in a namespace below the binds are locked (mount_namespaces(7)). So
// a directory of the same name cannot be put in the place of one on the way. Where the
// mount is read-only, nothing has to be held.

// Protect does an OpProtect step.
func Protect(r *engine.Mounts, p plan.View, s *plan.Step) step.Fault {
	if s.Flags&plan.FlagGlob != 0 {
		return glob(r, p, s)
	}
	for i := range maxTries {
		f := protectPath(r, p, s, 0)
		// Each time another process has changed something between two looks. None but a process of the
		// caller's own user, or one that may write there, can make this happen 256 times.
		if f.Sub != placeholder.SubAgain {
			return f
		}
		// A sandbox that starts or ends beside this one takes a millisecond or so for a placeholder.
		if i > 8 {
			raw.Nap(1e6)
		}
	}
	return step.Main(unix.EAGAIN)
}

// maxTries bounds how often a path is looked up again because another process changes it.
const maxTries = 256

// protectPath protects what is at the end of a path: that of the step, or, with tail, of
// the match that a search has found. Of that no link is followed in the last tail components.
func protectPath(r *engine.Mounts, p plan.View, s *plan.Step, tail uintptr) step.Fault {
	path := p.Str(s.B)
	if tail > 0 {
		path = unsafe.Pointer(&buffers.whole)
	}
	// The root is opened for each path: an earlier step may have mounted something on it.
	root := r.NewRoot()
	if e := raw.Errno(root); e != 0 {
		return step.Main(e)
	}
	at, f := holdAll(r, s, root, path, tail)
	if f.Is() && f.Sub == subMissing && tail == 0 {
		f = missingHere(r, p, s, root)
		// A match that is gone: nothing has to be kept missing that the user did not name.
	} else if f.Is() && f.Sub == subMissing {
		f.Sub = plan.SubMain
	}
	r.Unwind()
	r.CloseSoon(root)
	if at != 0 {
		// All on the way is held by now. In the other order, a directory could be exchanged between the
		// two, and the payload would find the unprotected one at the path.
		f = tighten(r, p, at)
		r.CloseSoon(at)
	}
	return f
}

// tighten binds fd onto itself, read-only. A link is bound too, so that it stays where it is.
func tighten(r *engine.Mounts, p plan.View, fd uintptr) step.Fault {
	// A link is bound without its target, which lies elsewhere and is the user's to protect. Its mount
	// needs no flag: a link cannot be written to.
	if link, e := resolve.IsLink(fd); e == 0 && link {
		return step.Main(r.BindAs(fd, fd, 0))
	}
	return r.Attach(p, fd, fd, unix.MS_RDONLY)
}

// subMissing is the fault of holdAll where a component is missing, in the directory that the walk
// stands in. Its name is resolve.Last; missing.more says whether others follow it.
const subMissing = placeholder.SubAgain + 1

// holdAll goes through a path, holds what is on the way, and returns what is at its end, which
// it does not hold; 0 where that is a placeholder.
func holdAll(r *engine.Mounts, s *plan.Step, root uintptr, path unsafe.Pointer, tail uintptr) (at uintptr, f step.Fault) {
	rest := resolve.Rest()
	if raw.Strlen(path) >= resolve.MaxPath {
		return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
	}
	raw.Put(rest, path)
	*(*byte)(resolve.Last()) = 0
	// The name of the directory that the walk stands in is kept, since a directory that is a
	// placeholder can be found again only by its name in the one above.
	buffers.missing.above[0] = 0
	links := 0
	for pos := uintptr(0); ; {
		begin, end, next := pathname.Cut(rest, pos)
		if end == begin {
			here, f := r.Finish(root)
			return here.FD, f
		}
		last := raw.ByteAt(rest, next) == 0
		*(*byte)(unsafe.Add(rest, end)) = 0
		name := unsafe.Add(rest, begin)
		pos = next
		if pathname.IsDot(name) {
			continue
		}
		// The walk goes back to the directory that it came from, as in package resolve. What it has
		// held stays held, which does no harm.
		if pathname.IsDotDot(name) {
			buffers.missing.above[0] = 0
			if !r.GoUp() {
				return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
			}
			continue
		}
		if end-begin > unix.NAME_MAX {
			return 0, step.Failed(unix.ENAMETOOLONG, plan.SubMain)
		}
		here := r.WhereNow(root)
		matched := pathname.Count(unsafe.Add(rest, next)) < tail
		fd, link, f := holdComponent(r, here, name, last, matched, tail > 0, s.Flags&plan.FlagTry != 0)
		if fd != 0 || f.Is() {
			return fd, f
		}
		if link {
			if links++; links > 40 { // as the kernel (path_resolution(7))
				return 0, step.Failed(unix.ELOOP, plan.SubMain)
			}
			// The link is held, so it says the same as long as the sandbox exists: what it leads to is
			// what has to be protected.
			absolute, f := r.Follow(here, name, next)
			if f.Is() {
				return 0, f
			}
			if absolute {
				r.Unwind()
				buffers.missing.above[0] = 0
			}
			pos = 0
			continue
		}
		fd = raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0) // what is mounted on it by now
		if e := raw.Errno(fd); e != 0 {
			return 0, step.Failed(e, plan.SubMain)
		}
		// The name is opened again, since the descriptor from before lies below the bind that holds it:
		// what the payload reaches through that path is the mount, and the walk must go on there.
		raw.Put(unsafe.Pointer(&buffers.missing.above), name)
		r.GoDown(fd)
	}
}

// holdComponent looks at one component of a path, name in the directory here, and holds it, unless the
// way ends there: then it returns the component. last: no other follows. matched: it is one of the
// last of a match, ofMatch: the path is one. link: it is a link, which is held. try: where the path does
// not exist, nothing is protected.
func holdComponent(r *engine.Mounts, here uintptr, name unsafe.Pointer, last, matched, ofMatch, try bool) (fd uintptr, link bool, f step.Fault) {
	// It is opened without following a link, and looked at, before anything is bound: a bind of the
	// wrong kind could not be undone.
	fd = raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	switch e := raw.Errno(fd); {
	// On a read-only mount a directory that may not be searched lets nothing be made in it either.
	case e == unix.ENOENT, e == unix.EACCES && isReadOnly(r, here):
		raw.Put(resolve.Last(), name)
		buffers.missing.more = !last
		return 0, false, step.Failed(e, subMissing)
	case e != 0:
		return 0, false, step.Failed(e, plan.SubMain)
	}
	kind, e := raw.FileType(fd)
	if e == 0 && kind != unix.S_IFDIR && kind != unix.S_IFLNK && !last {
		// Nothing is below a file as long as it stays where it is: a .git that is one has no
		// hooks. So the file is protected.
		if try || ofMatch {
			raw.Close(fd)
			return 0, false, step.Failed(unix.ENOTDIR, subMissing)
		}
		return fd, false, step.Fault{}
	}
	link = kind == unix.S_IFLNK
	switch {
	case e != 0:
	// At the end: a file, a directory, or a link that has matched. A link that the user wrote is
	// followed by the caller, and held.
	case last && (!link || matched):
		if !ofMatch && placeholder.Is(&r.State, fd) {
			raw.Close(fd)
			raw.Put(resolve.Last(), name)
			buffers.missing.more = false
			// Another sandbox keeps the same path missing. This one must lock the same placeholder,
			// or it would be removed under it.
			return 0, false, step.Failed(unix.ENOENT, subMissing)
		}
		return fd, false, step.Fault{}
	// The last tail components of a match are not followed: what has matched is the link, not what
	// it leads to.
	case link && matched:
		e = unix.ENOENT // there was a directory when it was found: the match is gone
	default:
		e = hold(r, here, fd, link)
	}
	raw.Close(fd)
	if e != 0 {
		r.Name(name)
		return 0, link, step.Failed(e, plan.SubHeld)
	}
	return 0, link, step.Fault{}
}

// hold binds fd, a name in the directory here, onto itself, where it could be renamed.
func hold(r *engine.Mounts, here, fd uintptr, link bool) unix.Errno {
	if isReadOnly(r, here) || isMountRoot(r, here, fd) {
		return 0
	}
	// With what is mounted below it, or the bind would hide that. A link has nothing below.
	how := uintptr(unix.AT_RECURSIVE)
	if link {
		how = 0
	}
	return r.BindAs(fd, fd, how)
}

// isReadOnly reports whether fd lies on a mount that is read-only.
func isReadOnly(r *engine.Mounts, fd uintptr) bool {
	flags, e := r.MountFlags(fd)
	return e == 0 && flags&unix.ST_RDONLY != 0
}

// isMountRoot reports whether fd, a name in the directory here, is the root of a mount.
func isMountRoot(r *engine.Mounts, here, fd uintptr) bool {
	var st unix.Statx_t
	e := raw.Errno(raw.Call(unix.SYS_STATX, fd, raw.Addr(raw.Empty()), unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT|unix.AT_SYMLINK_NOFOLLOW, 0, raw.Addr(unsafe.Pointer(&st)), 0))
	// An older kernel, and a filter that refuses statx, leave the ids of the two mounts to be compared.
	if e == 0 && st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 { // since 5.8
		return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	one, e := r.MountID(here)
	if e != 0 {
		return false
	}
	other, e := r.MountID(fd)
	return e == 0 && one != other
}
