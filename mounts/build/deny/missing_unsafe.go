package deny

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/engine"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// This file keeps missing what is missing, where a path that is to be protected ends before its end.
// On a tmpfs of the sandbox's own an empty file will do. On the host's file systems it takes a
// placeholder (package placeholder), and a sandbox whose end is seen by the monitor.

// missingHere puts a placeholder where the name that holdAll has left is missing, in the directory that
// the walk stands in. That directory may be one itself, of a sandbox that protects the same path.
func missingHere(r *engine.Mounts, p plan.View, s *plan.Step, root uintptr) step.Fault {
	here, name := r.WhereNow(root), resolve.Last()
	// Where more components follow, the payload would make a directory: an empty one in its place,
	// read-only, lets nothing be made in it.
	directory := buffers.missing.more || s.A != 0
	if isReadOnly(r, here) || s.Flags&plan.FlagTry != 0 { // nothing can be made there; or may be
		return step.Fault{}
	}
	// To make a file in a placeholder would give it contents, by which its monitor could not remove it
	// any more. So the directory itself is protected, whatever was to be below.
	if above, ok := r.Upper(root); ok && buffers.missing.above[0] != 0 && placeholder.Is(&r.State, here) {
		name, directory, here = unsafe.Pointer(&buffers.missing.above), true, above
	}
	raw.Put(unsafe.Pointer(&buffers.missing.name), name)
	// A copy, since the walk closes its own before the next path is looked up.
	dir := raw.Fcntl(here, unix.F_DUPFD_CLOEXEC, 3)
	if e := raw.Errno(dir); e != 0 {
		return step.Main(e)
	}
	r.Unwind() // the next one looks up paths
	f := keepMissing(r, p, dir, unsafe.Pointer(&buffers.missing.name), directory)
	raw.Close(dir)
	return f
}

// keepMissing puts a placeholder called name into dir.
func keepMissing(r *engine.Mounts, p plan.View, dir uintptr, name unsafe.Pointer, directory bool) step.Fault {
	if isOurs(r, p, dir) {
		if f := makePlain(dir, name, directory); f.Errno != unix.EEXIST {
			return f.Or(tightenName(r, p, dir, name))
		}
		return step.Failed(unix.EEXIST, placeholder.SubAgain)
	}
	switch {
	// Without an init nothing says when the last process of the sandbox has ended, and so when the
	// placeholder may go.
	case p.Clone&unix.CLONE_NEWPID == 0 || !p.Has(plan.FlagInit):
		return step.Failed(unix.EINVAL, plan.SubNoEnd)
	case placeholder.Full(&r.State):
		return step.Failed(unix.E2BIG, plan.SubHolders)
	}
	// First one that is there: another sandbox's, or one that a killed monitor has left.
	held, f := placeholder.Lock(&r.State, dir, name)
	if !f.Is() && held == 0 {
		held, f = placeholder.Make(&r.State, p, dir, name, directory)
	}
	if f.Is() || held == 0 {
		return f
	}
	if r.FromKeeper != 0 { // no number that the plan may name
		held = r.Above(held)
	}
	placeholder.Keep(&r.State, held)
	// Before it is mounted: a process that dies from here on leaves a placeholder that the monitor
	// knows.
	if e := placeholder.Tell(&r.State, dir, name); e != 0 {
		return step.Failed(e, plan.SubHolders)
	}
	return tightenName(r, p, dir, name)
}

// tightenName does what tighten does, for name in dir.
func tightenName(r *engine.Mounts, p plan.View, dir uintptr, name unsafe.Pointer) step.Fault {
	top := raw.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := raw.Errno(top); e != 0 {
		return step.Failed(e, placeholder.SubAgain)
	}
	f := tighten(r, p, top)
	r.CloseSoon(top)
	return f
}

// isOurs reports whether a directory lies on a tmpfs that set-up has mounted, the frame's or one
// of the plan: what is in it goes with the sandbox.
func isOurs(r *engine.Mounts, p plan.View, dir uintptr) bool {
	var st, other unix.Stat_t
	// The type is asked first, since most directories are not on a tmpfs, and the rest costs a walk for
	// each tmpfs of the plan.
	if kind, e := r.FileSystem(dir); e != 0 || kind != unix.TMPFS_MAGIC {
		return false
	}
	if _, e := raw.Fstat(dir, &st); e != 0 {
		return false
	}
	if _, e := raw.Fstat(r.Base, &other); e == 0 && st.Dev == other.Dev {
		return true
	}
	// Steps that come later have mounted nothing yet.
	for i := p.Join; i < r.Step; i++ {
		s := p.Step(i)
		if s.Op != plan.OpMount || s.A != plan.MountTmpfs {
			continue
		}
		at, f := r.Dest(p.Str(s.B), resolve.FindOnly, 0, 0)
		if f.Is() {
			continue
		}
		_, e := raw.Fstat(at.FD, &other)
		r.Leave(at)
		if e == 0 && st.Dev == other.Dev {
			return true
		}
	}
	return false
}

// makePlain makes a placeholder without a mark or a lock.
func makePlain(dir uintptr, name unsafe.Pointer, directory bool) step.Fault {
	if directory {
		return step.Failed(raw.Mkdirat(dir, name, 0o755), plan.SubPlaceholder)
	}
	fd := raw.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if e := raw.Errno(fd); e != 0 {
		return step.Failed(e, plan.SubPlaceholder)
	}
	raw.Close(fd)
	return step.Fault{}
}
