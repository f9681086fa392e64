package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file builds the frame, which the documentation of the package shows.
//
// Two things may be missing for it: chroot(2), which a filter may refuse and root in a
// container may lack the capability for, and a root that pivot_root(2) can move. The kernel's
// first file system, rootfs (an initramfs that is kept), is not one. Then the frame stands
// apart (Root.apart): base is this process's root, with a proc on it by which descriptors are
// named, and no host path is looked up any more; all sources are open by then. Below rootfs
// the host's tree is not gone in the end, but under the new root, which only CAP_SYS_ADMIN
// over the sandbox's mount namespace could take away: see mayStay.

// Values of Root.apart: where the old root is, if it could not be set aside.
const (
	noChroot = iota + 1 // in the frame, where this process may not follow it
	rootfs              // under base
)

// makeFrame is OpRoot.
func (r *Root) makeFrame(p plan.View) step.Fault {
	if r.Guarded != 0 {
		return r.askForFrame()
	}
	if f := r.coverRoot(); f.Is() {
		return f
	}
	if f := r.mayStay(p); f.Is() {
		return f
	}
	newroot := raw.Text("newroot\x00")
	e := raw.Mkdirat(r.base, newroot, 0o755)
	if e == 0 {
		e = r.Mount(newroot, newroot, nil, unix.MS_BIND|unix.MS_SILENT, nil)
	}
	if e == 0 && r.apart == rootfs {
		return step.Failed(r.standApart(), plan.SubTmpfs)
	}
	// The old root must not stay on top of base: umount2 would then take it, and leave base,
	// when all of it is to go.
	if e == 0 {
		e = raw.Mkdirat(r.base, raw.Text("oldroot\x00"), 0o755)
	}
	if e == 0 {
		e = r.Mount(raw.Text("/..\x00"), raw.Text("oldroot\x00"), nil, unix.MS_MOVE|unix.MS_SILENT, nil)
	}
	if e == 0 && r.MoveInto(r.old) != 0 {
		r.apart = noChroot
		e = r.standApart()
	}
	return step.Failed(e, plan.SubTmpfs)
}

// coverRoot puts the frame's tmpfs where the root is, and the old root, for now, on top of it
// again. The tmpfs becomes this process's root and working directory. "/.." goes through the
// top of what is mounted on the root, so that is the old root then, whichever of the two is
// this process's root.
func (r *Root) coverRoot() step.Fault {
	old := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(old); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.old = old
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
	r.base = base
	if e := r.Enter(r.base); e != 0 {
		return step.Failed(e, plan.SubPivot)
	}
	e := r.pivotHere()
	if e == unix.EINVAL && r.isRootfs(r.old) {
		if e = r.MoveInto(r.base); e == 0 {
			r.apart = rootfs
		}
		return step.Failed(e, plan.SubRootfs)
	}
	return step.Failed(e, plan.SubPivot)
}

// pivotHere makes the working directory's mount the root, and puts the old root on top of it.
func (r *Root) pivotHere() unix.Errno {
	here := raw.Addr(raw.Text(".\x00"))
	return raw.Errno(raw.Call(unix.SYS_PIVOT_ROOT, here, here, 0, 0, 0, 0))
}

// isRootfs reports whether fd is the root of a mount that lies on no other: there mountinfo
// names the mount itself as its parent.
func (r *Root) isRootfs(fd uintptr) bool {
	id, e := r.mountID(fd)
	if e != 0 {
		return false
	}
	m := mountinfo{fd: raw.Openat(r.Proc, raw.Text("self/mountinfo\x00"), unix.O_RDONLY, 0), lenient: true}
	if raw.Errno(m.fd) != 0 {
		return false
	}
	var line mountLine
	for {
		more, e := r.readMount(&m, &line)
		if e != 0 || !more || line.id == id {
			raw.Close(m.fd)
			return e == 0 && more && line.parent == id
		}
	}
}

// mayStay refuses a payload in a user namespace of its own that is to have CAP_SYS_ADMIN
// there, where the host's tree stays under the new root: it could unmount that. Without a
// user namespace such a payload is not confined anyway, and in one that is nested below the
// sandbox's it may do nothing to these mounts.
func (r *Root) mayStay(p plan.View) step.Fault {
	if r.apart != rootfs {
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
	if admin && !nested {
		return step.Failed(unix.EPERM, plan.SubRootfs)
	}
	return step.Fault{}
}

// standApart finishes a frame whose base is this process's root.
func (r *Root) standApart() unix.Errno {
	if e := r.hideBase(unix.MS_UNBINDABLE); e != 0 {
		return e
	}
	return r.bindProc()
}

// hideBase keeps base out of recursive binds of what it lies on, rootfs: how is then
// MS_UNBINDABLE. MS_PRIVATE is for a bind of what is in base.
func (r *Root) hideBase(how uintptr) unix.Errno {
	if r.apart != rootfs {
		return 0
	}
	e := r.Enter(r.base)
	if e == 0 {
		e = r.Mount(nil, raw.Text(".\x00"), nil, how|unix.MS_SILENT, nil)
	}
	return e
}

// bindProc binds the host's proc to a directory in base. Both are named by their links in it: no
// path leads there.
func (r *Root) bindProc() unix.Errno {
	name := raw.Text("proc\x00")
	if e := raw.Mkdirat(r.base, name, 0o755); e != 0 {
		return e
	}
	dst := raw.Openat(r.base, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(dst); e != 0 {
		return e
	}
	e := r.Enter(r.Proc)
	if e == 0 {
		var from, to raw.Link
		e = r.Mount(from.Below(r.Proc), to.Below(dst), nil, unix.MS_BIND|unix.MS_REC|unix.MS_SILENT, nil)
	}
	raw.Close(dst)
	if back := r.Enter(r.base); e == 0 {
		e = back
	}
	return e
}

// leaveOldRoot makes the new root the only one. It is OpPivot.
func (r *Root) leaveOldRoot() step.Fault {
	if r.Guarded != 0 {
		return r.askToLeave()
	}
	e := unix.Errno(0)
	if r.apart == 0 {
		e = r.MoveInto(r.base)
	}
	root := r.newRoot()
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
