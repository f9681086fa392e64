package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"github.com/gobwrap/gobwrap/mounts/build/source"
	"golang.org/x/sys/unix"
)

// overlay mounts an overlay. Its layers are named by descriptor, so that no path is looked up
// twice, none needs escaping, and 128 of them fit into the page of options.
func (r *Root) overlay(p plan.View, s *plan.Step) step.Fault {
	// A late source is opened now: its number goes into the options.
	for i := s.A; i < s.A+s.C; i++ {
		if e := raw.Errno(source.Of(&r.Paths, p, i)); e != 0 {
			return step.Failed(e, plan.SubSource)
		}
	}
	upper, work, f := r.upperLayer(p, s)
	if f.Is() {
		return f
	}
	e := r.HideBase(unix.MS_PRIVATE) // an unbindable mount cannot have a layer either
	f = step.Main(e)
	if !f.Is() {
		f = r.mountLayers(p, s, upper, work)
	}
	f = f.Or(step.Main(r.HideBase(unix.MS_UNBINDABLE)))
	if s.D == plan.OverlayTmp {
		raw.Close(upper)
		raw.Close(work)
	}
	return f
}

// mountLayers mounts the layers on the destination. That is looked at first: the kernel makes the
// file system, and with it a directory in the work directory, before it refuses a file.
func (r *Root) mountLayers(p plan.View, s *plan.Step, upper, work uintptr) step.Fault {
	dst, f := r.Dest(p.Str(s.B), resolve.MakeDir, 0o755, s.E)
	if f.Is() {
		return f
	}
	if dst.Made == 0 {
		f = r.matches(dst.FD, resolve.MakeDir)
	}
	if !f.Is() {
		f = step.Main(r.MountOn(dst.FD, raw.Text("overlay\x00"), unix.MS_NOSUID|unix.MS_NODEV, r.layers(p, s, upper, work)))
	}
	r.Leave(dst)
	return f
}

// upperLayer returns the layer that takes what is written, and its work directory; 0 where
// there is none.
func (r *Root) upperLayer(p plan.View, s *plan.Step) (upper, work uintptr, f step.Fault) {
	e := unix.Errno(0)
	switch s.D {
	case plan.OverlayRW:
		upper, work = source.Of(&r.Paths, p, s.A+s.C), source.Of(&r.Paths, p, s.A+s.C+1)
		return upper, work, step.Failed(raw.Errno(upper)|raw.Errno(work), plan.SubSource)
	case plan.OverlayTmp:
		if upper, e = r.PrivateDir(); e == 0 {
			work, e = r.PrivateDir()
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
