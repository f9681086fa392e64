package frame

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/mountinfo"
	"golang.org/x/sys/unix"
)

// This file builds the frame, which the documentation of package build shows, and leaves it.
//
// Two things may be missing for it: chroot(2), which a filter may refuse and root in a
// container may lack the capability for, and a root that pivot_root(2) can move. The kernel's
// first file system, rootfs (an initramfs that is kept), is not one. Then the frame stands
// apart (Frame.Apart): base is this process's root, with a proc on it by which descriptors are
// named, and no host path is looked up any more; all sources are open by then. Below rootfs
// the host's tree is not gone in the end, but under the new root, which only CAP_SYS_ADMIN
// over the sandbox's mount namespace could take away: see mayStay.

// Values of Frame.Apart: where the old root is, if it could not be set aside.
const (
	NoChroot = iota + 1 // in the frame, where this process may not follow it
	Rootfs              // under base
)

// Frame is what surrounds a new root in the making. It holds no pointer. Descriptors lie above 2, so
// 0 stands for one that is not open.
type Frame struct {
	step.State

	Base  uintptr // the frame's tmpfs; in setuid mode the user's tmpfs on the frame (broker.Base)
	Old   uintptr // the old root; in setuid mode 0
	Apart uint32  // where the old root is, if it is not this process's: NoChroot or Rootfs

	// In setuid mode:
	Cwd    uintptr    // the caller's working directory, if this process may not search it; 0: it is there
	Mapped uint32     // the process is in a user namespace
	NoProc unix.Errno // why there is no new proc

	serial uint32 // of the files on the frame's tmpfs
}

// MakeFrame is OpRoot.
func (r *Frame) MakeFrame(p plan.View) step.Fault {
	if r.FromKeeper != 0 {
		return r.askForFrame()
	}
	if f := r.coverRoot(); f.Is() {
		return f
	}
	if f := r.mayStay(p); f.Is() {
		return f
	}
	// The new root is a mount of its own from the beginning: only the root of a mount can become a root
	// (pivot_root(2)), and what is bound on "/" later must not cover the frame.
	newroot := raw.Text("newroot\x00")
	e := raw.Mkdirat(r.Base, newroot, 0o755)
	if e == 0 {
		e = r.Mount(newroot, newroot, nil, unix.MS_BIND|unix.MS_SILENT, nil)
	}
	// Where the old root stays is known by now; it is not moved.
	if e == 0 && r.Apart == Rootfs {
		return step.Failed(r.standApart(), plan.SubTmpfs)
	}
	// The old root must not stay on top of base: umount2 would then take it, and leave base,
	// when all of it is to go.
	if e == 0 {
		e = raw.Mkdirat(r.Base, raw.Text("oldroot\x00"), 0o755)
	}
	if e == 0 {
		e = r.Mount(raw.Text("/..\x00"), raw.Text("oldroot\x00"), nil, unix.MS_MOVE|unix.MS_SILENT, nil)
	}
	// Back to the host's tree: sources that are opened again, and links in /proc, are looked up from
	// there.
	if e == 0 && r.MoveInto(r.Old) != 0 {
		r.Apart = NoChroot
		e = r.standApart()
	}
	return step.Failed(e, plan.SubTmpfs)
}

// coverRoot puts the frame's tmpfs where the root is, and the old root, for now, on top of it
// again. The tmpfs becomes this process's root and working directory. "/.." goes through the
// top of what is mounted on the root, so that is the old root then, whichever of the two is
// this process's root.
func (r *Frame) coverRoot() step.Fault {
	// By descriptor, since "/" is another directory after the next calls.
	old := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(old); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.Old = old
	// On the root's own directory, so that no host directory must exist; nothing resolves
	// paths until the next calls have turned the two around.
	tmpfs := raw.Text("tmpfs\x00")
	if e := r.Mount(tmpfs, raw.Text("/\x00"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, raw.Text("mode=0755\x00")); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	base := raw.Openat(raw.AtCwd, raw.Text("/..\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(base); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.Base = base
	// pivot_root of "." onto ".": neither needs a directory in the other.
	if e := r.Enter(r.Base); e != 0 {
		return step.Failed(e, plan.SubPivot)
	}
	// EINVAL has several causes; only that of rootfs is taken for it, and is looked up.
	e := r.pivotHere()
	if e == unix.EINVAL && r.isRootfs(r.Old) {
		if e = r.MoveInto(r.Base); e == 0 {
			r.Apart = Rootfs
		}
		return step.Failed(e, plan.SubRootfs)
	}
	return step.Failed(e, plan.SubPivot)
}

// pivotHere makes the working directory's mount the root, and puts the old root on top of it.
func (r *Frame) pivotHere() unix.Errno {
	here := raw.Addr(raw.Text(".\x00"))
	return raw.Errno(raw.Call(unix.SYS_PIVOT_ROOT, here, here, 0, 0, 0, 0))
}

// isRootfs reports whether fd is the root of a mount that lies on no other: there mountinfo
// names the mount itself as its parent.
func (r *Frame) isRootfs(fd uintptr) bool {
	// A chroot has a root that is not in the list: then id is not found, and this is not rootfs.
	id, e := r.MountID(fd)
	if e != 0 {
		return false
	}
	m, e := mountinfo.Open(r.Proc)
	if e != 0 {
		return false
	}
	// A line that is too long belongs to a mount that lies deep, not to the root.
	m.Lenient = true
	var line mountinfo.Line
	found, e := m.Find(id, &line)
	m.Close()
	return e == 0 && found && line.Parent == id
}

// mayStay refuses a payload in a user namespace of its own that is to have CAP_SYS_ADMIN
// there, where the host's tree stays under the new root: it could unmount that. Without a
// user namespace such a payload is not confined anyway, and in one that is nested below the
// sandbox's it may do nothing to these mounts.
func (r *Frame) mayStay(p plan.View) step.Fault {
	// Elsewhere base is not below what is bound: the old root lies in it.
	if r.Apart != Rootfs {
		return step.Fault{}
	}
	admin, nested := false, false
	for i := uint32(0); i < p.Steps; i++ {
		s := p.Step(i)
		switch s.Op {
		case plan.OpCaps:
			admin = s.Flags&plan.FlagBounding != 0 && s.C>>unix.CAP_SYS_ADMIN&1 != 0
		case plan.OpNest:
			nested = true
		case plan.OpUnshare:
			nested = nested || s.A&unix.CLONE_NEWUSER != 0
		}
	}
	// EPERM, as the kernel would say to a process that wants what it may not have.
	if admin && !nested {
		return step.Failed(unix.EPERM, plan.SubRootfs)
	}
	return step.Fault{}
}

// standApart finishes a frame whose base is this process's root.
func (r *Frame) standApart() unix.Errno {
	if e := r.HideBase(unix.MS_UNBINDABLE); e != 0 {
		return e
	}
	return r.bindProc()
}

// HideBase keeps base out of recursive binds of what it lies on, rootfs: how is then
// MS_UNBINDABLE. MS_PRIVATE is for a bind of what is in base.
func (r *Frame) HideBase(how uintptr) unix.Errno {
	if r.Apart != Rootfs {
		return 0
	}
	e := r.Enter(r.Base)
	if e == 0 {
		e = r.Mount(nil, raw.Text(".\x00"), nil, how|unix.MS_SILENT, nil)
	}
	return e
}

// bindProc binds the host's proc to a directory in base. Both are named by their links in it: no
// path leads there.
func (r *Frame) bindProc() unix.Errno {
	name := raw.Text("proc\x00")
	if e := raw.Mkdirat(r.Base, name, 0o755); e != 0 {
		return e
	}
	// Opened now, since the working directory is the proc when it is mounted on.
	dst := raw.Openat(r.Base, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(dst); e != 0 {
		return e
	}
	e := r.Enter(r.Proc)
	if e == 0 {
		var from, to raw.Line
		e = r.Mount(from.Below(r.Proc), to.Below(dst), nil, unix.MS_BIND|unix.MS_REC|unix.MS_SILENT, nil)
	}
	raw.Close(dst)
	if back := r.Enter(r.Base); e == 0 {
		e = back
	}
	return e
}

// CloseFrame closes the descriptors of the frame, when nothing is to be mounted any more.
func (r *Frame) CloseFrame() {
	if r.Old != 0 {
		r.CloseSoon(r.Old)
	}
	if r.Base != 0 {
		r.CloseSoon(r.Base)
	}
	if r.Cwd != 0 {
		r.CloseSoon(r.Cwd)
	}
	r.Old, r.Base, r.Cwd = 0, 0, 0
}

// LeaveOldRoot makes the new root the only one. It is OpPivot.
func (r *Frame) LeaveOldRoot() step.Fault {
	if r.FromKeeper != 0 {
		return r.askToLeave()
	}
	e := unix.Errno(0)
	if r.Apart == 0 {
		e = r.MoveInto(r.Base)
	}
	// What is mounted on the new root by now is its root: a bind onto "/", or a tmpfs.
	root := r.NewRoot()
	if e == 0 {
		e = raw.Errno(root)
	}
	if e == 0 {
		e = r.Enter(root)
		r.CloseSoon(root)
	}
	// The frame ends up on top of the new root, which is "." and "/" now, and goes, with all
	// below it: umount2 takes what is on top (pivot_root(2), "pivot_root(".", ".")").
	if e == 0 {
		e = r.pivotHere()
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_UMOUNT2, raw.Addr(raw.Text(".\x00")), unix.MNT_DETACH, 0, 0, 0, 0))
	}
	return step.Failed(e, plan.SubPivot)
}
