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

// mountProc mounts /proc. It is made ready on the frame's tmpfs, where nobody else can reach
// it, and then moved: there is no moment in which its covers are missing, and no path below
// the destination, which another process could rename.
func (r *Root) mountProc(p plan.View, s *plan.Step) step.Fault {
	dst, f := r.Dest(p.Str(s.B), resolve.MakeDir, 0o755, s.E)
	if f.Is() {
		return f
	}
	if r.FromKeeper != 0 {
		f = r.askProc(p, s, dst)
	} else {
		f = r.moveProc(p, s, dst.FD)
	}
	f = r.blame(dst, resolve.MakeDir, f)
	r.Leave(dst)
	return f
}

// askProc is moveProc in setuid mode. Nobody but set-up sees the destination yet, so it may be
// covered there.
func (r *Root) askProc(p plan.View, s *plan.Step, dst resolve.Place) step.Fault {
	f := r.askProcOn(p, s, dst.FD)
	if f.Is() {
		return f
	}
	proc, f := r.Dest(p.Str(s.B), resolve.FindOnly, 0, 0)
	if f.Is() {
		return f
	}
	if kind, e := r.FileSystem(proc.FD); e == 0 && kind == step.ProcMagic {
		f = step.Failed(r.coverAll(p, proc.FD, s.Flags&plan.FlagCover != 0), plan.SubCover)
	}
	r.Leave(proc)
	return f
}

// askProcOn is procOn.
func (r *Root) askProcOn(p plan.View, s *plan.Step, dst uintptr) step.Fault {
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	if s.A == 0 || s.Flags&plan.FlagOrBind != 0 {
		f := step.Main(r.NoProc)
		if !f.Is() {
			f = r.bindNewProc(p, dst)
		}
		refused := f.Errno == unix.EPERM || f.Errno == unix.EACCES
		if !refused || s.Flags&(plan.FlagOrBind|plan.FlagOrNone) == 0 {
			return f
		}
		r.Warn(f.Errno, plan.SubFallback)
		if s.Flags&plan.FlagOrNone != 0 {
			// An empty directory and not just nothing: a bind may show the outer proc here.
			return r.bindEmpty(p, dst)
		}
	}
	src := source.Of(&r.Paths, p, s.A)
	if e := raw.Errno(src); e != 0 {
		return step.Main(e)
	}
	return r.Attach(p, src, dst, flags)
}

// bindNewProc binds the proc that the keeper has had made.
func (r *Root) bindNewProc(p plan.View, dst uintptr) step.Fault {
	proc := raw.Openat(raw.AtCwd, raw.Text(broker.NewProc+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(proc); e != 0 {
		return step.Main(e)
	}
	// The broker could not move the new proc there, for example because a mount covers the host's root.
	if kind, e := r.FileSystem(proc); e != 0 || kind != step.ProcMagic {
		r.CloseSoon(proc)
		return step.Main(max(e, unix.ENOENT))
	}
	f := r.Attach(p, proc, dst, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
	r.CloseSoon(proc)
	return f
}

// bindEmpty binds an empty directory.
func (r *Root) bindEmpty(p plan.View, dst uintptr) step.Fault {
	dir, e := r.PrivateDir()
	if e != 0 {
		return step.Main(e)
	}
	f := r.Attach(p, dir, dst, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
	r.CloseSoon(dir)
	return f
}

// moveProc prepares a proc and moves it to dst.
func (r *Root) moveProc(p plan.View, s *plan.Step, dst uintptr) step.Fault {
	stage, e := r.PrivateDir()
	if e != 0 {
		return step.Main(e)
	}
	f := r.procOn(p, s, stage)
	r.CloseSoon(stage)
	if f.Is() {
		return f
	}
	proc := r.OpenPrivate(unix.O_DIRECTORY) // the mount on it
	if e := raw.Errno(proc); e != 0 {
		return step.Main(e)
	}
	f = step.Failed(r.coverAll(p, proc, s.Flags&plan.FlagCover != 0), plan.SubCover)
	if !f.Is() {
		f = step.Main(r.MoveMount(proc, dst))
	}
	r.CloseSoon(proc)
	return f
}

// procOn mounts a new proc, or binds the host's, or, where neither works and the plan says
// that this will do, an empty file system.
func (r *Root) procOn(p plan.View, s *plan.Step, stage uintptr) step.Fault {
	e := unix.Errno(0)
	fresh := s.A == 0 || s.Flags&plan.FlagOrBind != 0
	if fresh {
		e = r.MountOn(stage, raw.Text("proc\x00"), unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, raw.Empty())
	}
	// EPERM: a proc of ours would show what parts of the host's are covered (mount_too_revealing,
	// fs/namespace.c), as in containers. EACCES: a security module.
	refused := e == unix.EPERM || e == unix.EACCES
	if refused && s.Flags&(plan.FlagOrBind|plan.FlagOrNone) != 0 {
		r.Warn(e, plan.SubFallback)
	}
	if refused && s.Flags&plan.FlagOrNone != 0 {
		// An empty mount and not just nothing: a bind may show the outer proc here.
		e = r.MountOn(stage, raw.Text("tmpfs\x00"), unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, raw.Text("mode=0555\x00"))
	}
	if fresh && !(refused && s.Flags&plan.FlagOrBind != 0) {
		return step.Main(e)
	}
	src := source.Of(&r.Paths, p, s.A)
	if e := raw.Errno(src); e != 0 {
		return step.Main(e)
	}
	return r.Attach(p, src, stage, unix.MS_NOSUID|unix.MS_NODEV)
}

// coverAll covers the parts of a proc that act on the whole machine.
func (r *Root) coverAll(p plan.View, proc uintptr, always bool) unix.Errno {
	// The list is bwrap's: settings of the kernel, its emergency keys, interrupts, devices on
	// buses.
	e := r.cover(p, proc, raw.Text("sys\x00"), always)
	if e == 0 {
		e = r.cover(p, proc, raw.Text("sysrq-trigger\x00"), always)
	}
	if e == 0 {
		e = r.cover(p, proc, raw.Text("irq\x00"), always)
	}
	if e == 0 {
		e = r.cover(p, proc, raw.Text("bus\x00"), always)
	}
	return e
}

// cover binds one name of a proc on itself, read-only, where it is there and could be
// written. For the host's root the directory's own mode does not tell: the files below
// /proc/sys ask for no capability.
func (r *Root) cover(p plan.View, proc uintptr, name unsafe.Pointer, always bool) unix.Errno {
	if !always {
		switch e := raw.Errno(raw.Call(unix.SYS_FACCESSAT, proc, raw.Addr(name), 2 /* W_OK */, 0, 0, 0)); e {
		case 0:
		case unix.ENOENT, unix.EACCES, unix.EROFS, unix.EPERM: // not there, or not to be written as it is
			return 0
		default:
			return e
		}
	}
	fd := raw.Openat(proc, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := raw.Errno(fd); e == unix.ENOENT {
		return 0
	} else if e != 0 {
		return e
	}
	// A bind over itself: the files stay to be read, through a mount that cannot be written.
	e := r.Attach(p, fd, fd, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV).Errno
	r.CloseSoon(fd)
	return e
}
