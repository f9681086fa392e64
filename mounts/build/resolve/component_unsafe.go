package resolve

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file opens one component of a destination, or makes it.

// SubLink is the fault of component where it met a link, which the walk then follows.
const SubLink = plan.Sub(1 << 16)

// component opens one name in the directory that the walk stands in, without following a
// link. Where descriptors are short it closes what is furthest up.
func (r *Paths) component(root uintptr, name unsafe.Pointer, last bool, want int, mode, parents uint32) (Place, step.Fault) {
	for {
		at, f := r.openOrMake(r.WhereNow(root), name, last, want, mode, parents)
		// A deep path takes a descriptor for each directory, under a limit that may be 64.
		if f.Errno != unix.EMFILE || !r.forgetOldest() {
			return at, f
		}
	}
}

// openOrMake is component for descriptors that suffice.
func (r *Paths) openOrMake(here uintptr, name unsafe.Pointer, last bool, want int, mode, parents uint32) (Place, step.Fault) {
	if last && want == OpenFile {
		return openForWriting(here, name, mode)
	}
	// Somebody may have made it since: EEXIST, and it is looked at after all.
	if last && r.walk.absent {
		r.walk.absent = false // make it at once
		if at, f := missing(here, name, last, want, mode, parents); f.Errno != unix.EEXIST {
			return at, f
		}
	}
	for range 16 { // another process may make and remove the name while we look
		// What stands at the end may be an automount, which is covered, not mounted: only
		// O_DIRECTORY would ask for that.
		e := unix.ENOTDIR
		if !last {
			fd := raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
			if e = raw.Errno(fd); e == 0 {
				return Place{FD: fd}, step.Fault{}
			}
		}
		// Another file, or a link: O_PATH|O_NOFOLLOW opens the link itself (open(2)).
		if e == unix.ENOTDIR {
			fd := raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
			if e = raw.Errno(fd); e == 0 {
				return mayEnd(fd, last)
			}
		}
		if e != unix.ENOENT {
			return Place{}, step.Failed(e, refusedPart(e, last, want))
		}
		if at, f := missing(here, name, last, want, mode, parents); f.Errno != unix.EEXIST {
			return at, f
		}
	}
	return Place{}, step.Failed(unix.EAGAIN, plan.SubParents)
}

// openForWriting opens the last component for its new contents. A FIFO must not hold us up
// (O_NONBLOCK), and a link is followed by the walk, not by the kernel.
func openForWriting(here uintptr, name unsafe.Pointer, mode uint32) (Place, step.Fault) {
	fd := raw.Openat(here, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, uintptr(mode))
	// ELOOP is what O_NOFOLLOW says of a link; of a dangling one as well, so that nothing is made
	// behind it.
	switch e := raw.Errno(fd); e {
	case 0:
		return Place{FD: fd}, step.Fault{}
	case unix.ELOOP:
		return Place{}, step.Failed(e, SubLink)
	default:
		return Place{}, step.Failed(e, plan.SubMakeFile)
	}
}

// refusedPart returns the part of a step that cannot open a component: making what stands at
// the end is at fault where it cannot even be looked at, everything else is on the way there.
func refusedPart(e unix.Errno, last bool, want int) plan.Sub {
	switch {
	case e != unix.EACCES || !last || want == FindOnly:
		return plan.SubParents
	case want == MakeDir:
		return plan.SubMakeDir
	}
	return plan.SubMakeFile
}

// mayEnd decides about fd, which is the last component or not a directory: a link is
// followed, other files end a walk and are in the way of one that goes on.
func mayEnd(fd uintptr, last bool) (Place, step.Fault) {
	// Sockets, FIFOs and devices are opened with O_PATH only: none is connected, or woken.
	link, e := IsLink(fd)
	if e == 0 && !link && last {
		return Place{FD: fd}, step.Fault{}
	}
	raw.Close(fd)
	switch {
	case e != 0:
		return Place{}, step.Failed(e, plan.SubParents)
	case link:
		return Place{}, step.Failed(unix.ELOOP, SubLink)
	}
	return Place{}, step.Failed(unix.ENOTDIR, plan.SubParents)
}

// IsLink reports whether fd, opened with O_PATH|O_NOFOLLOW, is a symbolic link. A file that
// cannot be looked at (fstat: EACCES of another user's FUSE mount, ENOTCONN of a dead one,
// ESTALE) can still be covered: that it is not a link is known without its file system.
func IsLink(fd uintptr) (bool, unix.Errno) {
	kind, e := raw.FileType(fd)
	if e == 0 {
		return kind == unix.S_IFLNK, 0
	}
	var begin [2]byte
	// Since Linux 2.6.39 an empty path stands for the link that fd is.
	_, looked := raw.Readlinkat(fd, raw.Empty(), unsafe.Pointer(&begin), 2)
	switch looked {
	case 0:
		return true, 0
	case unix.ENOENT, unix.EINVAL: // readlink(2): for an empty path, and for what is not a link
		return false, 0
	}
	return false, e
}

// missing makes a name that is not there, as want says, and opens it. The errno is EEXIST if the
// name is there by now, or something else is by the time it is opened.
func missing(here uintptr, name unsafe.Pointer, last bool, want int, mode, parents uint32) (Place, step.Fault) {
	switch {
	case want == FindOnly:
		return Place{}, step.Failed(unix.ENOENT, plan.SubParents)
	// A directory on the way.
	case !last:
		fd, e := makeAndOpen(here, name, parents)
		return Place{FD: fd}, step.Failed(e, plan.SubParents)
	case want == MakeDir:
		fd, e := makeAndOpen(here, name, mode)
		return Place{fd, MakeDir}, step.Failed(e, plan.SubMakeDir)
	}
	// O_EXCL: what another process has put there meanwhile is not opened.
	fd := raw.Openat(here, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, uintptr(mode))
	return Place{fd, MakeFile}, step.Failed(raw.Errno(fd), plan.SubMakeFile)
}

// makeAndOpen makes a directory.
func makeAndOpen(here uintptr, name unsafe.Pointer, mode uint32) (uintptr, unix.Errno) {
	// mkdir(2) follows no link at the end: a dangling one is EEXIST.
	if e := raw.Mkdirat(here, name, mode); e != 0 {
		return 0, e
	}
	fd := raw.Openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	// Another process has replaced or removed it: the caller looks again.
	if e := raw.Errno(fd); e == unix.ENOTDIR || e == unix.ENOENT {
		return 0, unix.EEXIST
	}
	return fd, raw.Errno(fd)
}
