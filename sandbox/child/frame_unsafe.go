package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file builds what stands around the new root:
//
//	base          a tmpfs that the payload never sees
//	├── oldroot   the host's tree: this process's root while the new root is built
//	└── newroot   the new root, a mount of its own
//
// Sources are then host paths that the kernel resolves below the old root,
// destinations paths that we resolve below newroot; neither is reachable from the other.
//
// Two things may be missing for this: chroot(2), which a filter may refuse and root in a
// container may lack the capability for, and a root that pivot_root(2) can move, which
// rootfs, the kernel's first file system (an initramfs that is kept), is not. Then
// the frame stands apart (room.apart): base is this process's root, with a proc on it by
// which descriptors are named, and no host path is looked up any more. All sources are open
// by then. Below rootfs the host's tree is not gone in the end, but under the new root, which
// only CAP_SYS_ADMIN over the sandbox's mount namespace could take away: see mayStay.

// makeFrame is OpRoot.
func makeFrame(p program) unix.Errno {
	if room.framed == 0 {
		if e := coverRoot(); e != 0 {
			return e
		}
	}
	if e := mayStay(p); e != 0 {
		return e
	}
	room.sub = plan.SubTmpfs
	if e := errno(mkdirat(room.base, text("newroot\x00"), 0o755)); e != 0 {
		return e
	}
	if room.framed != 0 { // coverRoot leaves this process there
		if e := errno(fchdir(room.base)); e != 0 {
			return e
		}
	}
	if e := mount(text("newroot\x00"), text("newroot\x00"), nil, unix.MS_BIND|unix.MS_SILENT, nil); e != 0 {
		return e
	}
	if room.apart == rootfs {
		return standApart()
	}
	// The old root must not stay on top of base: umount2 would then take it, and leave
	// base, when all of it is to go.
	if e := errno(mkdirat(room.base, text("oldroot\x00"), 0o755)); e != 0 {
		return e
	}
	if e := mount(text("/..\x00"), text("oldroot\x00"), nil, unix.MS_MOVE|unix.MS_SILENT, nil); e != 0 {
		return e
	}
	if room.framed == 0 && moveInto(room.old) != 0 {
		room.apart = noChroot
		return standApart()
	}
	return 0
}

// Where an old root is that could not be set aside (room.apart).
const (
	noChroot = iota + 1 // in the frame, where this process may not follow it
	rootfs              // under base
)

// pushOldRoot is coverRoot ahead of the sources: it goes back into the old root. It makes no
// file: before the ids are mapped the tmpfs takes none.
func pushOldRoot() unix.Errno {
	if e := coverRoot(); e != 0 || room.apart != 0 {
		return e
	}
	room.old, room.base = above(room.old), above(room.base) // a source /proc/self/fd/N of a closed N must not mean them
	if moveInto(room.old) != 0 {
		room.apart = noChroot
	}
	return 0
}

// coverRoot puts the frame's tmpfs where the root is, and the old root, for now, on top of it
// again. The tmpfs becomes this process's root and working directory. "/.." goes through the
// top of what is mounted on the root, so that is the old root then, whichever of the two is
// this process's root.
func coverRoot() unix.Errno {
	room.sub = plan.SubTmpfs
	room.old = openat(atCwd, text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := errno(room.old); e != 0 {
		room.old = 0
		return e
	}
	// On the root's own directory, so that no host directory must exist; nothing
	// resolves paths until the next calls have turned the two around.
	if e := mount(text("tmpfs\x00"), text("/\x00"), text("tmpfs\x00"), unix.MS_NOSUID|unix.MS_NODEV, text("mode=0755\x00")); e != 0 {
		return e
	}
	room.base = openat(atCwd, text("/..\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := errno(room.base); e != 0 {
		room.base = 0
		return e
	}
	if room.guarded != 0 { // no number that the plan may name: see checkFds
		room.old, room.base = above(room.old), above(room.base)
	}
	room.sub = plan.SubPivot
	if e := errno(fchdir(room.base)); e != 0 {
		return e
	}
	e := errno(asAdmin(unix.SYS_PIVOT_ROOT, addr(text(".\x00")), addr(text(".\x00")), 0, 0, 0, 0))
	if e == unix.EINVAL && isRootfs(room.old) {
		room.sub = plan.SubRootfs
		if e = moveInto(room.base); e == 0 {
			room.apart = rootfs
		}
		return e
	}
	return e
}

// isRootfs reports whether fd is the root of a mount that lies on no other: there
// mountinfo names the mount itself as its parent.
func isRootfs(fd uintptr) bool {
	id, e := mountID(fd)
	if e != 0 {
		return false
	}
	m := mountinfo{fd: openat(room.proc, text("self/mountinfo\x00"), unix.O_RDONLY, 0), lenient: true}
	if errno(m.fd) != 0 {
		return false
	}
	var line mountLine
	for {
		more, e := m.read(&line)
		if e != 0 || !more || line.id == id {
			closeFd(m.fd)
			return e == 0 && more && line.parent == id
		}
	}
}

// mayStay refuses a payload in a user namespace of its own that is to have CAP_SYS_ADMIN
// there, where the host's tree stays under the new root: it could unmount that. Without a
// user namespace such a payload is not confined anyway, and in one that is nested
// below the sandbox's it may do nothing to these mounts.
func mayStay(p program) unix.Errno {
	if room.apart != rootfs {
		return 0
	}
	admin, nested := false, false
	for i := uint32(0); i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		switch s.Op {
		case plan.OpCaps:
			admin = s.Flags&plan.FlagBounding != 0 && s.C>>unix.CAP_SYS_ADMIN&1 != 0
		case plan.OpNest:
			nested = true
		case plan.OpUnshare:
			nested = nested || s.A&unix.CLONE_NEWUSER != 0
		}
	}
	if admin && !nested {
		room.sub = plan.SubRootfs
		return unix.EPERM
	}
	return 0
}

// standApart finishes a frame whose base is this process's root.
func standApart() unix.Errno {
	if e := hideBase(unix.MS_UNBINDABLE); e != 0 {
		return e
	}
	return mountByFd(room.proc, text("proc\x00"), unix.MS_BIND|unix.MS_REC)
}

// hideBase keeps base out of recursive binds of what it lies on, rootfs: how is then
// MS_UNBINDABLE. MS_PRIVATE is for a bind of what is in base.
func hideBase(how uintptr) unix.Errno {
	if room.apart != rootfs {
		return 0
	}
	e := errno(fchdir(room.base))
	if e == 0 {
		e = mount(nil, text(".\x00"), nil, how|unix.MS_SILENT, nil)
	}
	return e
}

// mountByFd binds or moves the mount behind fd to a directory of that name, which it makes in
// base. Both are named by their links in the host's proc: no path leads there.
func mountByFd(fd uintptr, name unsafe.Pointer, how uintptr) unix.Errno {
	if e := errno(mkdirat(room.base, name, 0o755)); e != 0 {
		return e
	}
	dst := openat(room.base, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := errno(dst); e != 0 {
		return e
	}
	e := errno(fchdir(room.proc))
	if e == 0 {
		from, to := unsafe.Pointer(&room.names[0]), unsafe.Pointer(&room.names[1])
		putNumber(unsafe.Add(from, put(from, text("self/fd/\x00"))), fd)
		putNumber(unsafe.Add(to, put(to, text("self/fd/\x00"))), dst)
		e = mount(from, to, nil, how|unix.MS_SILENT, nil)
	}
	closeFd(dst)
	if back := errno(fchdir(room.base)); e == 0 {
		e = back
	}
	return e
}

// leaveOldRoot makes the new root the only one.
func leaveOldRoot() unix.Errno {
	room.sub = plan.SubPivot
	if room.apart == 0 {
		if e := moveInto(room.base); e != 0 {
			return e
		}
	}
	root := newRoot()
	if e := errno(root); e != 0 {
		return e
	}
	e := errno(fchdir(root))
	closeSoon(root)
	if e != 0 {
		return e
	}
	// The frame ends up on top of the new root, which is "." and "/" now, and goes, with all
	// below it: umount2 takes what is on top (pivot_root(2), "pivot_root(".", ".")").
	if e := errno(asAdmin(unix.SYS_PIVOT_ROOT, addr(text(".\x00")), addr(text(".\x00")), 0, 0, 0, 0)); e != 0 {
		return e
	}
	return errno(asAdmin(unix.SYS_UMOUNT2, addr(text(".\x00")), unix.MNT_DETACH, 0, 0, 0, 0))
}
