package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// mountProc mounts /proc. It is made ready on the frame's tmpfs, where nobody else can
// reach it, and then moved: there is no moment in which its covers are missing, and no
// path below the destination that somebody could rename away.
func mountProc(p program, s *plan.Step) unix.Errno {
	dst := dest(p.str(s.B), makeDir, 0o755, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e := blame(dst, makeDir, prepareProc(p, s, dst))
	closeSoon(dst)
	return e
}

func prepareProc(p program, s *plan.Step, dst uintptr) unix.Errno {
	stage, e := privateDir()
	if e != 0 {
		return e
	}
	fresh := s.A == 0 || s.Flags&plan.FlagOrBind != 0
	if fresh && room.masked != 0 {
		e = unix.EPERM // as the kernel says in a user namespace
	} else if fresh {
		e = mountOn(stage, text("proc\x00"), unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, text("\x00"))
	}
	refused := e == unix.EPERM || e == unix.EACCES
	if refused && s.Flags&(plan.FlagOrBind|plan.FlagOrNone) != 0 {
		warn(e, plan.SubFallback)
	}
	if refused && s.Flags&plan.FlagOrNone != 0 {
		// An empty mount and not just nothing: a bind may show the outer proc here.
		e = mountOn(stage, text("tmpfs\x00"), unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, text("mode=0555\x00"))
	}
	if !fresh || refused && s.Flags&plan.FlagOrBind != 0 {
		src := sourceOf(p, s.A)
		if e = errno(src); e == 0 {
			e = attach(p, src, stage, unix.MS_NOSUID|unix.MS_NODEV)
		}
	}
	closeSoon(stage)
	if e != 0 {
		return e
	}
	name := unsafe.Pointer(&room.small)
	putNumber(name, uintptr(room.serial))
	proc := openat(room.base, name, unix.O_PATH|unix.O_DIRECTORY, 0) // the mount on it
	if e := errno(proc); e != 0 {
		return e
	}
	e = coverAll(p, proc, s.Flags&plan.FlagCover != 0)
	if e == 0 {
		room.sub = plan.SubMain
		e = moveMount(proc, dst)
	}
	closeSoon(proc)
	return e
}

// coverAll covers the parts of a proc that act on the whole machine.
func coverAll(p program, proc uintptr, always bool) unix.Errno {
	if e := cover(p, proc, text("sys\x00"), always); e != 0 {
		return e
	}
	if e := cover(p, proc, text("sysrq-trigger\x00"), always); e != 0 {
		return e
	}
	if e := cover(p, proc, text("irq\x00"), always); e != 0 {
		return e
	}
	return cover(p, proc, text("bus\x00"), always)
}

// cover binds one name of a proc on itself, read-only, where it is there and could be
// written. For the host's root the directory's own mode does not tell: the files below
// /proc/sys ask for no capability.
func cover(p program, proc uintptr, name unsafe.Pointer, always bool) unix.Errno {
	room.sub = plan.SubCover
	if !always {
		switch e := errno(raw(unix.SYS_FACCESSAT, proc, addr(name), 2 /* W_OK */, 0, 0, 0)); e {
		case 0:
		case unix.ENOENT, unix.EACCES, unix.EROFS, unix.EPERM:
			return 0
		default:
			return e
		}
	}
	fd := openat(proc, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := errno(fd); e == unix.ENOENT {
		return 0
	} else if e != 0 {
		return e
	}
	e := attach(p, fd, fd, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV)
	room.sub = plan.SubCover
	closeSoon(fd)
	return e
}

// moveMount moves the mount that from is the root of, with all on it, to the file dst.
func moveMount(from, dst uintptr) unix.Errno {
	if room.engine == engineNew {
		return errno(asAdmin(unix.SYS_MOVE_MOUNT, from, addr(text("\x00")), dst, addr(text("\x00")),
			unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, 0))
	}
	src, to := unsafe.Pointer(&room.names[0]), unsafe.Pointer(&room.names[1])
	fdPath(src, from)
	fdPath(to, dst)
	return mount(src, to, nil, unix.MS_MOVE|unix.MS_SILENT, nil)
}
