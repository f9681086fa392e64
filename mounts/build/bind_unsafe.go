package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"github.com/gobwrap/gobwrap/mounts/build/source"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// bind binds a source to its destination. A source that may be missing, and is, is skipped.
func (r *Root) bind(p plan.View, s *plan.Step) step.Fault {
	// 0 stands for a source that may be missing, and is: there is nothing to bind.
	src := source.Of(&r.Paths, p, s.A)
	if e := raw.Errno(src); e != 0 || src == 0 {
		return step.Failed(e, plan.SubSource)
	}
	kind, e := raw.FileType(src)
	if e != 0 {
		return step.Main(e)
	}
	// A mount point is to be of the same kind. What covers it hides its mode, which is bwrap's.
	want, mode := resolve.MakeFile, uint32(0o444)
	if kind == unix.S_IFDIR {
		want, mode = resolve.MakeDir, 0o755
	}
	dst, f := r.Dest(p.Str(s.B), want, mode, s.E)
	if f.Is() {
		return f
	}
	// The destination is found before the tree is copied, so that a bind that covers its own source
	// shows what was there before.
	f = r.blame(dst, want, r.Attach(p, src, dst.FD, uintptr(s.C)))
	// open_tree(2) and mount(2) refuse a mount of another mount namespace, which is what a
	// descriptor of the caller's leads to.
	if f.Errno == unix.EINVAL && f.Sub == plan.SubMain {
		f = r.attachHere(p, src, dst.FD, uintptr(s.C), f)
	}
	r.Leave(dst)
	source.Spend(&r.Paths, p.Step(s.A), src)
	return f
}

// blame looks at the destination of a mount that has failed: the kernel refuses a directory on
// a file and the reverse, and does not always say so.
func (r *Root) blame(dst resolve.Place, want int, f step.Fault) step.Fault {
	if !f.Is() {
		return f
	}
	return r.matches(dst.FD, want).Or(f)
}

// attachHere attaches a source again that was a link of /proc to a descriptor from outside.
// The fault is that of the first try where it is not.
func (r *Root) attachHere(p plan.View, src, dst, flags uintptr, first step.Fault) step.Fault {
	here, f := source.Localize(&r.Paths, src)
	if f.Is() {
		first.Sub = f.Sub
		return first
	}
	f = r.Attach(p, here, dst, flags)
	raw.Close(here)
	return f
}

// matches refuses a directory on a file and the reverse. A destination that cannot be looked
// at, not even that far, is left to the mount that is to cover it.
func (r *Root) matches(dst uintptr, want int) step.Fault {
	kind, e := raw.FileType(dst)
	if e != 0 {
		kind = r.KindUnseen(dst)
	}
	switch {
	case kind == 0:
	case want == resolve.MakeDir && kind != unix.S_IFDIR:
		return step.Failed(unix.ENOTDIR, plan.SubMakeDir)
	case want == resolve.MakeFile && kind == unix.S_IFDIR:
		return step.Failed(unix.EISDIR, plan.SubMakeFile)
	}
	return step.Fault{}
}

// mountFS mounts a new file system on its destination.
func (r *Root) mountFS(p plan.View, s *plan.Step) step.Fault {
	dst, f := r.Dest(p.Str(s.B), resolve.MakeDir, 0o755, s.E)
	if f.Is() {
		return f
	}
	if r.FromKeeper != 0 {
		f = r.askFS(dst.FD, s)
	} else {
		var plain [64]byte
		fs, flags, options := mountOptions(p, s, unsafe.Pointer(&plain))
		f = step.Main(r.MountOn(dst.FD, fs, flags, options))
	}
	f = r.blame(dst, resolve.MakeDir, f)
	r.Leave(dst)
	return f
}

// mountOptions returns which file system to mount, with which flags and options. They are written to
// out, 64 bytes, where no label is wanted: then no page of the buffers is written to.
func mountOptions(p plan.View, s *plan.Step, out unsafe.Pointer) (fs unsafe.Pointer, flags uintptr, options unsafe.Pointer) {
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
	// Its own instance, with terminals that no other one sees (Documentation/filesystems/devpts.rst).
	// gid=5 is left out: in a user namespace that group is not mapped.
	case plan.MountDevpts:
		fs, flags = raw.Text("devpts\x00"), unix.MS_NOSUID|unix.MS_NOEXEC
		n = raw.Put(out, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	}
	if s.C != 0 {
		if n > 0 {
			n += raw.Put(unsafe.Add(out, n), raw.Text(",\x00"))
		}
		// In quotes, since a label has commas in it, at which options are taken apart.
		n += raw.Put(unsafe.Add(out, n), raw.Text("context=\"\x00"))
		n += raw.Put(unsafe.Add(out, n), p.Str(s.C))
		raw.Put(unsafe.Add(out, n), raw.Text("\"\x00"))
	}
	return fs, flags, out
}

// remountRO makes one mount read-only, and nodev with it as bwrap does.
func (r *Root) remountRO(path unsafe.Pointer) step.Fault {
	dst, f := r.Dest(path, resolve.FindOnly, 0, 0)
	if f.Is() {
		return f
	}
	const flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	e := unix.Errno(0)
	switch {
	case r.FromKeeper != 0:
		e = r.Restrict(dst.FD, flags)
	case r.Engine == step.ClassicCalls:
		e = r.RemountClassic(dst.FD, flags)
	default:
		e = r.AddFlags(dst.FD, flags, 0, unix.AT_EMPTY_PATH)
	}
	r.Leave(dst)
	if e == unix.EINVAL {
		return step.Failed(e, plan.SubNoMount)
	}
	return step.Failed(e, plan.SubRemount)
}

// askFS asks the broker to mount the file system of an OpMount on dst. A mode has the form of broker.FS: the
// digits of the octal number, read as a decimal one.
func (r *Root) askFS(dst uintptr, s *plan.Step) step.Fault {
	q := broker.Request{Op: broker.FS, A: broker.Mqueue}
	switch s.A {
	case plan.MountTmpfs:
		digits := s.D>>9&7*1000 + s.D>>6&7*100 + s.D>>3&7*10 + s.D&7
		q.A, q.B, q.C = broker.Tmpfs, uint64(s.F)|uint64(s.G)<<32, uint64(digits)
	case plan.MountDevpts:
		q.A = broker.Devpts
	}
	return r.Ask(&q, dst, broker.None)
}
