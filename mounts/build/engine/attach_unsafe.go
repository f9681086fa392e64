package engine

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Mounts is a root in the making, and how mounts are made in it. It holds no pointer.
type Mounts struct {
	resolve.Paths

	covered uint32  // how many mounts others hide: see coveredIDs
	top     uintptr // in setuid mode: what the frame is mounted on, which is this process's root
}

// ChooseEngine finds out what the calls of the new engine answer. Flags that no kernel
// knows get EINVAL from a kernel that has the call; ENOSYS means an old kernel or a filter,
// and EPERM can only be a filter, since the kernel looks at the flags first.
func (r *Mounts) ChooseEngine() {
	const none = ^uintptr(0)
	// Invalid descriptors everywhere: a call that should work nevertheless would do nothing.
	r.Engine = step.NewCalls
	a := raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, none, 0, 0xffff0000, 0, 0, 0))
	// A kernel that has mount_setattr has the others, which are older, and only a filter could refuse
	// one of them alone.
	if a == unix.EINVAL && r.Clear != 0 {
		return // the youngest of them is there, and no filter refuses another
	}
	b := raw.Errno(raw.Call(unix.SYS_OPEN_TREE, none, 0, 0xffff0000, 0, 0, 0))
	c := raw.Errno(raw.Call(unix.SYS_OPENAT2, none, 0, 0, 0, 0, 0))
	d := unix.EINVAL
	if r.FromKeeper == 0 { // who may not mount is told that first; see askForFrame
		d = raw.Errno(raw.Call(unix.SYS_MOVE_MOUNT, none, 0, none, 0, 0xffff0000, 0))
	}
	if a != unix.EINVAL || b != unix.EINVAL || c != unix.EINVAL || d != unix.EINVAL {
		r.Engine = step.ClassicCalls
	}
}

// Attach binds the tree at src onto dst with the given flags added throughout.
func (r *Mounts) Attach(p plan.View, src, dst, flags uintptr) step.Fault {
	switch {
	case r.FromKeeper != 0:
		return r.askBind(p, src, dst, flags)
	case r.Engine == step.ClassicCalls:
		return r.attachClassic(p, src, dst, flags)
	}
	// A copy of the tree that nobody can reach: until it is moved to its place it has no more
	// rights than it is to have (open_tree(2), since 5.2).
	tree := raw.Call(unix.SYS_OPEN_TREE, src, raw.Addr(raw.Empty()),
		unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(tree); e != 0 {
		return step.Main(e)
	}
	// A tree that is not attached belongs to no mount namespace, and goes with its last descriptor: a
	// failure leaves nothing behind.
	f := r.setFlags(p, tree, flags)
	if !f.Is() {
		f = step.Main(r.MoveMount(tree, dst))
	}
	r.CloseSoon(tree)
	return f
}

// setFlags adds flags to every mount of a detached tree; those that are there stay.
func (r *Mounts) setFlags(p plan.View, tree, flags uintptr) step.Fault {
	if flags == 0 {
		return step.Fault{}
	}
	// What becomes read-only stays so: in the same call it stops receiving the mounts that the
	// host makes later, which would come with the host's flags. Other trees receive them
	// (mount_namespaces(7)).
	propagation := uint64(0)
	// A slave would receive a mount that the host makes below the source, writable as the host has it.
	if flags&unix.MS_RDONLY != 0 {
		propagation = unix.MS_PRIVATE
	}
	e := r.AddFlags(tree, flags, propagation, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if e != 0 && p.Has(plan.FlagForgive) {
		// All or nothing is the kernel's way: try the top alone, which must work.
		r.Warn(e, plan.SubSubmount)
		e = r.AddFlags(tree, flags, propagation, unix.AT_EMPTY_PATH)
	}
	return step.Failed(e, plan.SubRemount)
}

// AddFlags is mount_setattr(2). MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC have the values
// of MOUNT_ATTR_*.
func (r *Mounts) AddFlags(mount, flags uintptr, propagation uint64, how uintptr) unix.Errno {
	// Attr_clr stays 0: no flag is taken away, and the kinds of atime, which would need it, stay as
	// they are.
	attr := unix.MountAttr{Attr_set: uint64(flags), Propagation: propagation}
	return raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, mount, raw.Addr(raw.Empty()), how,
		raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0))
}

// MoveMount moves the mount that from is the root of, with all on it, to the file dst.
func (r *Mounts) MoveMount(from, dst uintptr) unix.Errno {
	if r.Engine == step.NewCalls {
		empty := raw.Addr(raw.Empty())
		return raw.Errno(raw.Call(unix.SYS_MOVE_MOUNT, from, empty, dst, empty, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, 0))
	}
	// MS_MOVE refuses a mount whose parent is shared (EINVAL, mount(2)); after MakeSlave none is.
	var src, to raw.Line
	return r.Mount(src.Absolute(from), to.Absolute(dst), nil, unix.MS_MOVE|unix.MS_SILENT, nil)
}

// MountOn mounts a file system on the directory fd, which is named by its link in the host's
// /proc: no path is looked up again, and the directory itself may be closed to us.
func (r *Mounts) MountOn(dst uintptr, fs unsafe.Pointer, flags uintptr, options unsafe.Pointer) unix.Errno {
	// Relative to the host's /proc, by descriptor: "/proc" may not be in this process's root any more.
	if e := r.Enter(r.Proc); e != 0 {
		return e
	}
	var link raw.Line
	return r.Mount(fs, link.Below(dst), fs, flags, options)
}

// KindUnseen is S_IFDIR for a directory, S_IFREG for another file, and 0 where the kernel does
// not say. It does not ask the file system, whose server may be dead or another user's.
func (r *Mounts) KindUnseen(fd uintptr) uint32 {
	var link raw.Line
	// The kernel decides about O_DIRECTORY by the inode that it has in memory; the server is not asked.
	again := raw.Openat(r.Proc, link.Below(fd), unix.O_PATH|unix.O_DIRECTORY, 0)
	switch raw.Errno(again) {
	case 0:
		raw.Close(again)
		return unix.S_IFDIR
	case unix.ENOTDIR:
		return unix.S_IFREG
	}
	return 0
}

// BindAs binds src onto dst with the flags that its mount has. how is AT_RECURSIVE, for what is
// mounted below it, too, or 0.
func (r *Mounts) BindAs(src, dst, how uintptr) unix.Errno {
	if r.FromKeeper != 0 {
		return r.askBind(plan.View{}, src, dst, 0).Errno // no flags: there is nothing to look for in mountinfo
	}
	if r.Engine == step.ClassicCalls {
		flags := uintptr(unix.MS_BIND | unix.MS_SILENT)
		if how != 0 {
			flags |= unix.MS_REC
		}
		var from, to raw.Line
		return r.Mount(from.Absolute(src), to.Absolute(dst), nil, flags, nil)
	}
	clone := raw.Call(unix.SYS_OPEN_TREE, src, raw.Addr(raw.Empty()),
		unix.AT_EMPTY_PATH|how|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(clone); e != 0 {
		return e
	}
	e := r.MoveMount(clone, dst)
	r.CloseSoon(clone)
	return e
}

// MountPrivate mounts a file system where the payload never looks, and opens it.
func (r *Mounts) MountPrivate(fs unsafe.Pointer, flags uintptr, options unsafe.Pointer) (uintptr, unix.Errno) {
	at, e := r.PrivateDir()
	if e != 0 {
		return 0, e
	}
	if r.FromKeeper != 0 { // the one that there is without capabilities, of a megabyte
		e = r.Ask(&broker.Request{Op: broker.FS, A: broker.Tmpfs, B: 1 << 20, C: 755}, at, broker.None).Errno
	} else {
		e = r.MountOn(at, fs, flags, options)
	}
	r.CloseSoon(at)
	if e != 0 {
		return 0, e
	}
	top := r.OpenPrivate(unix.O_DIRECTORY)
	return top, raw.Errno(top)
}
