package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

func doMount(p program, s *plan.Step) unix.Errno {
	switch s.Op {
	case plan.OpSource:
		return openSource(p, s)
	case plan.OpSlave:
		return makeSlave()
	case plan.OpRoot:
		return makeFrame(p)
	case plan.OpPivot:
		return leaveOldRoot()
	case plan.OpBind:
		return bind(p, s)
	case plan.OpMount:
		return mountFS(p, s)
	case plan.OpOverlay:
		return overlay(p, s)
	case plan.OpRemountRO:
		return remountRO(p.str(s.B))
	case plan.OpProc:
		return mountProc(p, s)
	}
	return unix.ENOSYS
}

// makeSlave stops mounts from propagating to the host.
func makeSlave() unix.Errno {
	if room.slave != 0 {
		return unix.Errno(room.broken)
	}
	e := mount(nil, text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC|unix.MS_SILENT, nil)
	if e == 0 && room.kept != 0 && room.mapped == 0 {
		e = keepHidden()
	}
	return e
}

// bind puts a source on its destination. A source that may be missing and is, is
// passed over.
func bind(p program, s *plan.Step) unix.Errno {
	src := sourceOf(p, s.A)
	if e := errno(src); e != 0 || src == 0 {
		room.sub = plan.SubSource
		return e
	}
	kind, e := fstat(src)
	if e != 0 {
		return e
	}
	want, mode := makeFile, uint32(0o444)
	if kind == unix.S_IFDIR {
		want, mode = makeDir, 0o755
	}
	dst := dest(p.str(s.B), want, mode, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e = blame(dst, want, attach(p, src, dst, uintptr(s.C)))
	if e == unix.EINVAL && room.sub == plan.SubMain {
		// The source was a link of /proc to a descriptor from outside.
		if here := localize(src); errno(here) == 0 {
			room.sub = plan.SubMain
			e = attach(p, here, dst, uintptr(s.C))
			closeFd(here)
		}
	}
	closeDest(dst)
	spend(plan.StepAt(p.base, s.A), src)
	return e
}

// blame looks at the destination of a mount that has failed with e: the kernel refuses a
// directory on a file and the reverse, and does not always say so.
func blame(dst uintptr, want int, e unix.Errno) unix.Errno {
	if e == 0 {
		return 0
	}
	sub := room.sub
	if mismatch := matches(dst, want); mismatch != 0 {
		return mismatch
	}
	room.sub = sub
	return e
}

// matches refuses a directory on a file and the reverse. A destination that cannot be
// looked at, not even that far, is left to the mount that is to cover it.
func matches(dst uintptr, want int) unix.Errno {
	kind, e := fstat(dst)
	if e != 0 {
		kind = kindUnseen(dst)
	}
	if kind == 0 {
		room.sub = plan.SubMain
		return 0
	}
	if want == makeDir && kind != unix.S_IFDIR {
		room.sub = plan.SubMakeDir
		return unix.ENOTDIR
	}
	if want == makeFile && kind == unix.S_IFDIR {
		room.sub = plan.SubMakeFile
		return unix.EISDIR
	}
	room.sub = plan.SubMain
	return 0
}

// kindUnseen is S_IFDIR for a directory, S_IFREG for another file, and 0 where the kernel
// does not say. It does not ask the file system, whose server may be dead or somebody else's.
func kindUnseen(fd uintptr) uint32 {
	name := unsafe.Pointer(&room.small)
	putNumber(unsafe.Add(name, put(name, text("self/fd/\x00"))), fd)
	again := openat(room.proc, name, unix.O_PATH|unix.O_DIRECTORY, 0)
	switch errno(again) {
	case 0:
		closeFd(again)
		return unix.S_IFDIR
	case unix.ENOTDIR:
		return unix.S_IFREG
	}
	return 0
}

// attach binds the tree at src onto dst with the given flags added throughout.
func attach(p program, src, dst, flags uintptr) unix.Errno {
	if room.engine == engineClassic {
		return attachClassic(p, src, dst, flags)
	}
	tree := asAdmin(unix.SYS_OPEN_TREE, src, addr(text("\x00")),
		unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := errno(tree); e != 0 {
		return e
	}
	e := setFlags(p, tree, flags, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if e == 0 {
		room.sub = plan.SubMain
		e = moveMount(tree, dst)
	}
	closeSoon(tree)
	return e
}

// setFlags adds flags to a detached tree; those that are there stay. What is read-only
// stays so: in the same call it stops receiving the mounts that the host makes later, which
// would come with the host's flags. Other trees receive them (mount_namespaces(7)).
func setFlags(p program, tree, flags, at uintptr) unix.Errno {
	room.sub = plan.SubRemount
	room.attr.Attr_set = uint64(flags) // MS_RDONLY, NOSUID, NODEV, NOEXEC are MOUNT_ATTR_*
	room.attr.Attr_clr, room.attr.Propagation, room.attr.Userns_fd = 0, 0, 0
	if flags&unix.MS_RDONLY != 0 {
		room.attr.Propagation = unix.MS_PRIVATE
	}
	if flags == 0 {
		return 0
	}
	e := errno(asAdmin(unix.SYS_MOUNT_SETATTR, tree, addr(text("\x00")), at,
		addr(unsafe.Pointer(&room.attr)), unsafe.Sizeof(room.attr), 0))
	if e != 0 && at&unix.AT_RECURSIVE != 0 && p.has(plan.FlagForgive) {
		// All or nothing is the kernel's way: try the top alone, which must work.
		warn(e, plan.SubSubmount)
		e = setFlags(p, tree, flags, unix.AT_EMPTY_PATH)
	}
	return e
}

// mountFS mounts a new file system on its destination.
func mountFS(p program, s *plan.Step) unix.Errno {
	dst := dest(p.str(s.B), makeDir, 0o755, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e := blame(dst, makeDir, mountKind(dst, p, s))
	closeDest(dst)
	return e
}

// mountKind mounts one of the kinds that there are, with options of its own.
func mountKind(dst uintptr, p program, s *plan.Step) unix.Errno {
	fs, flags := mountOptions(p, s)
	return mountOn(dst, fs, flags, unsafe.Pointer(&room.data))
}

// mountOptions leaves the options in room.data.
func mountOptions(p program, s *plan.Step) (fs unsafe.Pointer, flags uintptr) {
	data := unsafe.Pointer(&room.data)
	room.data[0] = 0
	n := uintptr(0)
	fs = text("mqueue\x00")
	switch s.A {
	case plan.MountTmpfs:
		fs, flags = text("tmpfs\x00"), unix.MS_NOSUID|unix.MS_NODEV
		n = put(data, text("mode=0\x00"))
		n += putOctal(unsafe.Add(data, n), s.D)
		if size := uintptr(s.F) | uintptr(s.G)<<32; size != 0 {
			n += put(unsafe.Add(data, n), text(",size=\x00"))
			n += putNumber(unsafe.Add(data, n), size)
		}
	case plan.MountDevpts:
		fs, flags = text("devpts\x00"), unix.MS_NOSUID|unix.MS_NOEXEC
		n = put(data, text("newinstance,ptmxmode=0666,mode=620\x00"))
	}
	if s.C != 0 {
		if n > 0 {
			n += put(unsafe.Add(data, n), text(",\x00"))
		}
		n += put(unsafe.Add(data, n), text("context=\"\x00"))
		n += put(unsafe.Add(data, n), p.str(s.C))
		put(unsafe.Add(data, n), text("\"\x00"))
	}
	return fs, flags
}

// mountOn mounts a file system on the directory fd, which is named by its link in the
// host's /proc: no path is looked up again, and the directory itself may be closed to us.
func mountOn(dst uintptr, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) unix.Errno {
	if room.inProc == 0 {
		if e := errno(fchdir(room.proc)); e != 0 {
			return e
		}
	}
	name := unsafe.Pointer(&room.small)
	putNumber(unsafe.Add(name, put(name, text("self/fd/\x00"))), dst)
	return mount(fs, name, fs, flags, data)
}

// remountRO makes one mount read-only, and nodev with it as bwrap does.
func remountRO(path unsafe.Pointer) unix.Errno {
	dst := dest(path, findOnly, 0, 0)
	if e := errno(dst); e != 0 {
		return e
	}
	e := unix.Errno(0)
	if room.engine == engineClassic {
		e = remountClassic(dst, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV)
	} else {
		room.attr.Attr_set = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
		room.attr.Attr_clr, room.attr.Propagation, room.attr.Userns_fd = 0, 0, 0
		e = errno(asAdmin(unix.SYS_MOUNT_SETATTR, dst, addr(text("\x00")), unix.AT_EMPTY_PATH,
			addr(unsafe.Pointer(&room.attr)), unsafe.Sizeof(room.attr), 0))
	}
	room.sub = plan.SubRemount
	if e == unix.EINVAL {
		room.sub = plan.SubNoMount
	}
	closeSoon(dst)
	return e
}
