package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// bind binds a source to its destination. A source that may be missing, and is, is skipped.
func (r *Root) bind(p plan.View, s *plan.Step) step.Fault {
	src := r.sourceOf(p, s.A)
	if e := raw.Errno(src); e != 0 || src == 0 {
		return step.Failed(e, plan.SubSource)
	}
	kind, e := raw.FileType(src)
	if e != 0 {
		return step.Main(e)
	}
	// A mount point is to be of the same kind. What covers it hides its mode, which is bwrap's.
	want, mode := makeFile, uint32(0o444)
	if kind == unix.S_IFDIR {
		want, mode = makeDir, 0o755
	}
	dst, f := r.dest(p.Str(s.B), want, mode, s.E)
	if f.Is() {
		return f
	}
	f = r.blame(dst, want, r.attach(p, src, dst.fd, uintptr(s.C)))
	// open_tree(2) and mount(2) refuse a mount of another mount namespace, which is what a
	// descriptor of the caller's leads to.
	if f.Errno == unix.EINVAL && f.Sub == plan.SubMain {
		f = r.attachHere(p, src, dst.fd, uintptr(s.C), f)
	}
	r.leave(dst)
	r.spend(p.Step(s.A), src)
	return f
}

// blame looks at the destination of a mount that has failed: the kernel refuses a directory on
// a file and the reverse, and does not always say so.
func (r *Root) blame(dst place, want int, f step.Fault) step.Fault {
	if !f.Is() {
		return f
	}
	return r.matches(dst.fd, want).Or(f)
}

// attachHere attaches a source again that was a link of /proc to a descriptor from outside.
// The fault is that of the first try where it is not.
func (r *Root) attachHere(p plan.View, src, dst, flags uintptr, first step.Fault) step.Fault {
	here, f := r.localize(src)
	if f.Is() {
		first.Sub = f.Sub
		return first
	}
	f = r.attach(p, here, dst, flags)
	raw.Close(here)
	return f
}

// matches refuses a directory on a file and the reverse. A destination that cannot be looked
// at, not even that far, is left to the mount that is to cover it.
func (r *Root) matches(dst uintptr, want int) step.Fault {
	kind, e := raw.FileType(dst)
	if e != 0 {
		kind = r.kindUnseen(dst)
	}
	switch {
	case kind == 0:
	case want == makeDir && kind != unix.S_IFDIR:
		return step.Failed(unix.ENOTDIR, plan.SubMakeDir)
	case want == makeFile && kind == unix.S_IFDIR:
		return step.Failed(unix.EISDIR, plan.SubMakeFile)
	}
	return step.Fault{}
}

// kindUnseen is S_IFDIR for a directory, S_IFREG for another file, and 0 where the kernel does
// not say. It does not ask the file system, whose server may be dead or another user's.
func (r *Root) kindUnseen(fd uintptr) uint32 {
	var link raw.Link
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

// attach binds the tree at src onto dst with the given flags added throughout.
func (r *Root) attach(p plan.View, src, dst, flags uintptr) step.Fault {
	if r.Engine == ClassicCalls {
		return r.attachClassic(p, src, dst, flags)
	}
	if r.Guarded != 0 {
		return r.askBind(p, src, dst, flags)
	}
	// A copy of the tree that nobody can reach: until it is moved to its place it has no more
	// rights than it is to have (open_tree(2), since 5.2).
	tree := raw.Call(unix.SYS_OPEN_TREE, src, raw.Addr(raw.Empty()),
		unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(tree); e != 0 {
		return step.Main(e)
	}
	f := r.setFlags(p, tree, flags)
	if !f.Is() {
		f = step.Main(r.moveMount(tree, dst))
	}
	r.CloseSoon(tree)
	return f
}

// setFlags adds flags to every mount of a detached tree; those that are there stay.
func (r *Root) setFlags(p plan.View, tree, flags uintptr) step.Fault {
	if flags == 0 {
		return step.Fault{}
	}
	// What becomes read-only stays so: in the same call it stops receiving the mounts that the
	// host makes later, which would come with the host's flags. Other trees receive them
	// (mount_namespaces(7)).
	propagation := uint64(0)
	if flags&unix.MS_RDONLY != 0 {
		propagation = unix.MS_PRIVATE
	}
	e := r.addFlags(tree, flags, propagation, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if e != 0 && p.Has(plan.FlagForgive) {
		// All or nothing is the kernel's way: try the top alone, which must work.
		r.Warn(e, plan.SubSubmount)
		e = r.addFlags(tree, flags, propagation, unix.AT_EMPTY_PATH)
	}
	return step.Failed(e, plan.SubRemount)
}

// addFlags is mount_setattr(2). MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC have the values
// of MOUNT_ATTR_*.
func (r *Root) addFlags(mount, flags uintptr, propagation uint64, how uintptr) unix.Errno {
	attr := unix.MountAttr{Attr_set: uint64(flags), Propagation: propagation}
	return raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, mount, raw.Addr(raw.Empty()), how,
		raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0))
}

// moveMount moves the mount that from is the root of, with all on it, to the file dst.
func (r *Root) moveMount(from, dst uintptr) unix.Errno {
	if r.Engine == NewCalls {
		empty := raw.Addr(raw.Empty())
		return raw.Errno(raw.Call(unix.SYS_MOVE_MOUNT, from, empty, dst, empty, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, 0))
	}
	var src, to raw.Link
	return r.Mount(src.Absolute(from), to.Absolute(dst), nil, unix.MS_MOVE|unix.MS_SILENT, nil)
}

// mountFS mounts a new file system on its destination.
func (r *Root) mountFS(p plan.View, s *plan.Step) step.Fault {
	dst, f := r.dest(p.Str(s.B), makeDir, 0o755, s.E)
	if f.Is() {
		return f
	}
	if r.Guarded != 0 {
		f = r.askFS(dst.fd, s)
	} else {
		fs, flags, options := r.mountOptions(p, s)
		f = step.Main(r.mountOn(dst.fd, fs, flags, options))
	}
	f = r.blame(dst, makeDir, f)
	r.leave(dst)
	return f
}

// mountOptions returns which file system to mount, with which flags and options.
func (r *Root) mountOptions(p plan.View, s *plan.Step) (fs unsafe.Pointer, flags uintptr, out unsafe.Pointer) {
	out = unsafe.Pointer(&buffers.plain)
	if s.C != 0 {
		// A label may be a kilobyte long (plan.MaxLabel).
		out = unsafe.Pointer(&buffers.options)
	}
	*(*byte)(out) = 0
	n := uintptr(0)
	fs = raw.Text("mqueue\x00")
	switch s.A {
	case plan.MountTmpfs:
		fs, flags = raw.Text("tmpfs\x00"), unix.MS_NOSUID|unix.MS_NODEV
		n = raw.Put(out, raw.Text("mode=0\x00"))
		n += raw.PutOctal(unsafe.Add(out, n), s.D)
		if size := uintptr(s.F) | uintptr(s.G)<<32; size != 0 {
			n += raw.Put(unsafe.Add(out, n), raw.Text(",size=\x00"))
			n += raw.PutNumber(unsafe.Add(out, n), size)
		}
	case plan.MountDevpts:
		fs, flags = raw.Text("devpts\x00"), unix.MS_NOSUID|unix.MS_NOEXEC
		n = raw.Put(out, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	}
	if s.C != 0 {
		if n > 0 {
			n += raw.Put(unsafe.Add(out, n), raw.Text(",\x00"))
		}
		n += raw.Put(unsafe.Add(out, n), raw.Text("context=\"\x00"))
		n += raw.Put(unsafe.Add(out, n), p.Str(s.C))
		raw.Put(unsafe.Add(out, n), raw.Text("\"\x00"))
	}
	return fs, flags, out
}

// mountOn mounts a file system on the directory fd, which is named by its link in the host's
// /proc: no path is looked up again, and the directory itself may be closed to us.
func (r *Root) mountOn(dst uintptr, fs unsafe.Pointer, flags uintptr, options unsafe.Pointer) unix.Errno {
	if e := r.Enter(r.Proc); e != 0 {
		return e
	}
	var link raw.Link
	return r.Mount(fs, link.Below(dst), fs, flags, options)
}

// remountRO makes one mount read-only, and nodev with it as bwrap does.
func (r *Root) remountRO(path unsafe.Pointer) step.Fault {
	dst, f := r.dest(path, findOnly, 0, 0)
	if f.Is() {
		return f
	}
	const flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	e := unix.Errno(0)
	switch {
	case r.Guarded != 0:
		e = r.restrict(dst.fd, flags)
	case r.Engine == ClassicCalls:
		e = r.remountClassic(dst.fd, flags)
	default:
		e = r.addFlags(dst.fd, flags, 0, unix.AT_EMPTY_PATH)
	}
	r.leave(dst)
	if e == unix.EINVAL {
		return step.Failed(e, plan.SubNoMount)
	}
	return step.Failed(e, plan.SubRemount)
}
