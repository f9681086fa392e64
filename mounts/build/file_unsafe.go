package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// makeDirectory is OpDir. One that is there will do, and keeps its mode.
func (r *Root) makeDirectory(p plan.View, s *plan.Step) step.Fault {
	dst, f := r.Dest(p.Str(s.B), resolve.MakeDir, s.D, s.E)
	if f.Is() {
		return f
	}
	if dst.Made == 0 {
		f = r.matches(dst.FD, resolve.MakeDir)
	}
	r.Leave(dst)
	return f
}

// writeFile copies a caller's descriptor into a file of the new root.
func (r *Root) writeFile(p plan.View, s *plan.Step) step.Fault {
	dst, f := r.Dest(p.Str(s.B), resolve.OpenFile, s.D, s.E)
	if f.Is() {
		return f
	}
	// The payload gets neither descriptor: both are closed whatever the copy came to.
	f = r.copyTo(uintptr(s.A), dst.FD)
	raw.Close(dst.FD)
	raw.Close(uintptr(s.A))
	return f
}

// copyTo copies from where src stands to its end. A limit on the size of files (RLIMIT_FSIZE)
// is an error, not the signal that it is by default.
func (r *Root) copyTo(src, dst uintptr) step.Fault {
	ignore, was := raw.Sigaction{Handler: raw.Ignore}, raw.Sigaction{}
	raw.SetAction(unix.SIGXFSZ, &ignore, &was)
	f := r.copyAll(src, dst)
	raw.SetAction(unix.SIGXFSZ, &was, nil)
	return f
}

// copyAll is copyTo, with the signal out of the way.
func (r *Root) copyAll(src, dst uintptr) step.Fault {
	p := unsafe.Pointer(&buffers.copied)
	for {
		n := raw.Call(unix.SYS_READ, src, raw.Addr(p), copyBuf, 0, 0, 0)
		if e := raw.Errno(n); e == unix.EINTR {
			continue
		} else if e != 0 {
			return step.Failed(e, plan.SubRead)
		}
		if n == 0 {
			return step.Fault{}
		}
		if e := raw.WriteFull(dst, p, n); e != 0 {
			return step.Failed(e, plan.SubWrite)
		}
	}
}

// bindData copies a caller's descriptor into a file that has no name but its mount point.
func (r *Root) bindData(p plan.View, s *plan.Step) step.Fault {
	file, number := r.PrivateFile(uintptr(s.D)), r.PrivateNumber()
	if e := raw.Errno(file); e != 0 {
		return step.Failed(e, plan.SubWrite)
	}
	f := r.copyTo(uintptr(s.A), file)
	raw.Close(uintptr(s.A))
	raw.Close(file)
	if f.Is() {
		return f
	}
	dst, f := r.Dest(p.Str(s.B), resolve.MakeFile, 0o444, s.E)
	if f.Is() {
		return f
	}
	f = r.blame(dst, resolve.MakeFile, r.attachPrivate(p, dst.FD, uintptr(s.C)))
	r.Leave(dst)
	// The name must be there while the file is bound: the classic engine needs one link, and
	// the new one is given the same.
	r.UnlinkPrivate(number)
	return f
}

// attachPrivate binds the newest file on the frame's tmpfs.
func (r *Root) attachPrivate(p plan.View, dst, flags uintptr) step.Fault {
	file := r.OpenPrivate(0)
	if e := raw.Errno(file); e != 0 {
		return step.Main(e)
	}
	f := step.Main(r.HideBase(unix.MS_PRIVATE))
	if !f.Is() {
		f = r.Attach(p, file, dst, flags)
	}
	f = f.Or(step.Main(r.HideBase(unix.MS_UNBINDABLE)))
	r.CloseSoon(file)
	return f
}

// symlink makes a symbolic link. An identical link that exists is accepted.
func (r *Root) symlink(p plan.View, s *plan.Step) step.Fault {
	above, f := r.Dest(p.Str(s.B), resolve.StayAbove, 0, s.E)
	if f.Is() {
		return f
	}
	// The walk has stopped above the last component: symlinkat(2) does not follow it.
	name, target := resolve.Last(), p.Str(s.A)
	e := unix.EEXIST
	if *(*byte)(name) != 0 {
		e = raw.Errno(raw.Call(unix.SYS_SYMLINKAT, raw.Addr(target), above.FD, raw.Addr(name), 0, 0, 0))
	}
	f = step.Main(e)
	if e == unix.EEXIST {
		f = step.Failed(e, plan.SubExists)
		buffers.target[0] = 0
		if *(*byte)(name) != 0 && r.linksTo(above.FD, name, target) {
			f = step.Fault{}
		}
		r.Name(unsafe.Pointer(&buffers.target))
	}
	r.Leave(above)
	return f
}

// linksTo reports whether name is a symbolic link to target. What it links to is in
// buffers.target.
func (r *Root) linksTo(dir uintptr, name, target unsafe.Pointer) bool {
	buf := unsafe.Pointer(&buffers.target)
	n, e := raw.Readlinkat(dir, name, buf, uintptr(len(buffers.target)))
	return e == 0 && raw.IsWord(buf, n, target)
}

// chmod changes the mode of a file by its descriptor. fchmod(2) refuses descriptors opened
// with O_PATH, so this goes through the host's /proc; fchmodat2 (6.6) would not need to.
func (r *Root) chmod(path unsafe.Pointer, mode uint32) step.Fault {
	dst, f := r.Dest(path, resolve.FindOnly, 0, 0)
	if f.Is() {
		return f
	}
	var link raw.Line
	e := raw.Errno(raw.Call(unix.SYS_FCHMODAT, r.Proc, raw.Addr(link.Below(dst.FD)), uintptr(mode), 0, 0, 0))
	r.Leave(dst)
	return step.Main(e)
}
