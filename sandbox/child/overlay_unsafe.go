package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// overlay mounts an overlay. Its layers are named by descriptor, so that no path is
// looked up twice, none needs escaping, and 128 of them fit into the page of options.
func overlay(p program, s *plan.Step) unix.Errno {
	upper, work := uintptr(0), uintptr(0)
	for i := s.A; i < s.A+s.C; i++ {
		if e := errno(sourceOf(p, i)); e != 0 {
			room.sub = plan.SubSource
			return e
		}
	}
	switch s.D {
	case plan.OverlayRW:
		upper, work = sourceOf(p, s.A+s.C), sourceOf(p, s.A+s.C+1)
		if errno(upper) != 0 || errno(work) != 0 {
			room.sub = plan.SubSource
			return errno(upper) | errno(work)
		}
	case plan.OverlayTmp:
		var e unix.Errno
		if upper, e = privateDir(); e != 0 {
			return e
		}
		if work, e = privateDir(); e != 0 {
			return e
		}
	}
	e := hideBase(unix.MS_PRIVATE) // an unbindable mount cannot have a layer either
	if e == 0 {
		e = mountLayers(p, s, upper, work)
	}
	if hidden := hideBase(unix.MS_UNBINDABLE); e == 0 {
		e = hidden
	}
	if s.D == plan.OverlayTmp {
		closeFd(upper)
		closeFd(work)
	}
	return e
}

func mountLayers(p program, s *plan.Step, upper, work uintptr) unix.Errno {
	dst := dest(p.str(s.B), makeDir, 0o755, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e := mountOn(dst, text("overlay\x00"), unix.MS_NOSUID|unix.MS_NODEV, layers(p, s, upper, work))
	e = blame(dst, makeDir, e)
	closeDest(dst)
	return e
}

// layers writes the mount options. The last source is the topmost layer, which
// overlayfs wants first.
func layers(p program, s *plan.Step, upper, work uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&room.data)
	n := put(out, text("lowerdir=\x00"))
	for k := s.C; k > 0; k-- {
		if k < s.C {
			n += put(unsafe.Add(out, n), text(":\x00"))
		}
		n += fdPath(unsafe.Add(out, n), uintptr(plan.StepAt(p.base, s.A+k-1).G))
	}
	if s.D != plan.OverlayRO {
		n += put(unsafe.Add(out, n), text(",upperdir=\x00"))
		n += fdPath(unsafe.Add(out, n), upper)
		n += put(unsafe.Add(out, n), text(",workdir=\x00"))
		n += fdPath(unsafe.Add(out, n), work)
	}
	put(unsafe.Add(out, n), text(",userxattr\x00"))
	return out
}

// privateDir makes a directory on the frame's tmpfs, which the payload never sees.
func privateDir() (uintptr, unix.Errno) {
	room.serial++
	name := unsafe.Pointer(&room.small)
	putNumber(name, uintptr(room.serial))
	if e := errno(mkdirat(room.base, name, 0o755)); e != 0 {
		return 0, e
	}
	fd := openat(room.base, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	return fd, errno(fd)
}
