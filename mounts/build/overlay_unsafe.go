package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// overlay mounts an overlay. Its layers are named by descriptor, so that no path is looked up
// twice, none needs escaping, and 128 of them fit into the page of options.
func (r *Root) overlay(p plan.View, s *plan.Step) step.Fault {
	// A late source is opened now: its number goes into the options.
	for i := s.A; i < s.A+s.C; i++ {
		if e := raw.Errno(r.sourceOf(p, i)); e != 0 {
			return step.Failed(e, plan.SubSource)
		}
	}
	upper, work, f := r.upperLayer(p, s)
	if f.Is() {
		return f
	}
	e := r.hideBase(unix.MS_PRIVATE) // an unbindable mount cannot have a layer either
	f = step.Main(e)
	if !f.Is() {
		f = r.mountLayers(p, s, upper, work)
	}
	f = f.Or(step.Main(r.hideBase(unix.MS_UNBINDABLE)))
	if s.D == plan.OverlayTmp {
		raw.Close(upper)
		raw.Close(work)
	}
	return f
}

// mountLayers mounts the layers on the destination. That is looked at first: the kernel makes the
// file system, and with it a directory in the work directory, before it refuses a file.
func (r *Root) mountLayers(p plan.View, s *plan.Step, upper, work uintptr) step.Fault {
	dst, f := r.dest(p.Str(s.B), makeDir, 0o755, s.E)
	if f.Is() {
		return f
	}
	if dst.made == 0 {
		f = r.matches(dst.fd, makeDir)
	}
	if !f.Is() {
		f = step.Main(r.mountOn(dst.fd, raw.Text("overlay\x00"), unix.MS_NOSUID|unix.MS_NODEV, r.layers(p, s, upper, work)))
	}
	r.leave(dst)
	return f
}

// upperLayer returns the layer that takes what is written, and its work directory; 0 where
// there is none.
func (r *Root) upperLayer(p plan.View, s *plan.Step) (upper, work uintptr, f step.Fault) {
	e := unix.Errno(0)
	switch s.D {
	case plan.OverlayRW:
		upper, work = r.sourceOf(p, s.A+s.C), r.sourceOf(p, s.A+s.C+1)
		return upper, work, step.Failed(raw.Errno(upper)|raw.Errno(work), plan.SubSource)
	case plan.OverlayTmp:
		if upper, e = r.privateDir(); e == 0 {
			work, e = r.privateDir()
		}
	}
	return upper, work, step.Main(e)
}

// layers writes the mount options. The last source is the topmost layer, which overlayfs
// wants first.
func (r *Root) layers(p plan.View, s *plan.Step, upper, work uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&buffers.options)
	n := raw.Put(out, raw.Text("lowerdir=\x00"))
	for k := s.C; k > 0; k-- {
		if k < s.C {
			n += raw.Put(unsafe.Add(out, n), raw.Text(":\x00"))
		}
		n += raw.PutLink(unsafe.Add(out, n), uintptr(p.Step(s.A+k-1).G))
	}
	if s.D != plan.OverlayRO {
		n += raw.Put(unsafe.Add(out, n), raw.Text(",upperdir=\x00"))
		n += raw.PutLink(unsafe.Add(out, n), upper)
		n += raw.Put(unsafe.Add(out, n), raw.Text(",workdir=\x00"))
		n += raw.PutLink(unsafe.Add(out, n), work)
	}
	// In a user namespace overlayfs may only use the attributes user.overlay.*, and wants to be
	// told so (since 5.11).
	raw.Put(unsafe.Add(out, n), raw.Text(",userxattr\x00"))
	return out
}

// privateDir makes a directory on the frame's tmpfs, which the payload never sees.
func (r *Root) privateDir() (uintptr, unix.Errno) {
	r.serial++
	var name raw.Link
	if e := raw.Mkdirat(r.base, r.privateName(&name), 0o755); e != 0 {
		return 0, e
	}
	fd := r.openPrivate(unix.O_DIRECTORY)
	return fd, raw.Errno(fd)
}

// privateName returns the name of the newest file on the frame's tmpfs.
func (r *Root) privateName(name *raw.Link) unsafe.Pointer {
	raw.PutNumber(unsafe.Pointer(name), uintptr(r.serial))
	return unsafe.Pointer(name)
}

// openPrivate opens the newest file on the frame's tmpfs, or what is mounted on it.
func (r *Root) openPrivate(flags uintptr) uintptr {
	var name raw.Link
	return raw.Openat(r.base, r.privateName(&name), unix.O_PATH|unix.O_NOFOLLOW|flags, 0)
}
