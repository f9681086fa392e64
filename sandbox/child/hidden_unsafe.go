package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// This file does for a sandbox of the setuid mode without a user namespace what the
// kernel does for one with: there, the mounts of the host are locked together, and what
// one of them hides stays hidden (mount_namespaces(7)).

// keepHidden looks at the host's mounts once. A recursive bind leaves out mounts that
// are unbindable, and would show what lies under them: they are made private instead. A
// proc of which parts are covered must not appear anew without the covers.
func keepHidden() unix.Errno {
	proc, e := mountID(room.proc)
	if e != 0 {
		return e
	}
	fd := openat(room.proc, text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	if e := errno(fd); e != 0 {
		return e
	}
	m := mountinfo{fd: fd}
	var line mountLine
	for {
		more, e := m.read(&line)
		if e == 0 && more && line.unbindable {
			e = makeBindable(&line)
		}
		if e != 0 || !more {
			closeFd(fd)
			return e
		}
		if line.parent == proc && !harmlessInProc(unsafe.Add(unsafe.Pointer(&room.data), line.point)) {
			room.masked = 1
		}
	}
}

// makeBindable makes one mount private. One that the user cannot reach hides nothing
// that he could reach otherwise.
func makeBindable(line *mountLine) unix.Errno {
	fd := openat(atCwd, unsafe.Add(unsafe.Pointer(&room.data), line.point), unix.O_PATH|unix.O_NOFOLLOW, 0)
	switch e := errno(fd); e {
	case 0:
	case unix.EACCES, unix.ENOENT, unix.ENOTDIR:
		return 0
	default:
		return e
	}
	id, e := mountID(fd)
	if e == 0 && id != line.id { // another mount lies on top of it
		room.sub = plan.SubHidden
		e = unix.EPERM
	}
	if e == 0 {
		name := unsafe.Pointer(&room.names[0])
		fdPath(name, fd)
		e = mount(nil, name, nil, unix.MS_PRIVATE|unix.MS_SILENT, nil)
	}
	closeFd(fd)
	return e
}

// harmlessInProc knows the mounts that lie on a proc everywhere, on directories that are
// always empty.
func harmlessInProc(point unsafe.Pointer) bool {
	return same(point, text("/proc/sys/fs/binfmt_misc\x00")) || same(point, text("/proc/fs/nfsd\x00"))
}
