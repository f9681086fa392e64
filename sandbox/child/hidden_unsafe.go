package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file does for a sandbox of the setuid mode without a user namespace what the
// kernel does for one with: there, the mounts of the host are locked together, and what
// one of them hides stays hidden (mount_namespaces(7)).

// keepHidden looks at the host's mounts once. A recursive bind leaves out mounts that
// are unbindable, and would show what lies under them: then all are made private, which
// ends that, and ends propagation too. Where the mounts are, and whether the user gets
// there now, is for others to change and does not count. A proc of which parts are
// covered must not appear anew without the covers.
func keepHidden() unix.Errno {
	proc, e := mountID(room.proc)
	if e != 0 {
		return e
	}
	fd := openat(room.proc, text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	if e := errno(fd); e != 0 {
		return e
	}
	m := mountinfo{fd: fd, lenient: true}
	unbindable := false
	var line mountLine
	for {
		more, e := m.read(&line)
		if e != 0 || !more {
			closeFd(fd)
			if e == 0 && (unbindable || m.skipped) {
				e = mount(nil, text("/\x00"), nil, unix.MS_PRIVATE|unix.MS_REC|unix.MS_SILENT, nil)
			}
			return e
		}
		unbindable = unbindable || line.unbindable
		if line.parent == proc && !harmlessInProc(unsafe.Add(unsafe.Pointer(&room.data), line.point)) {
			room.masked = 1
		}
	}
}

// harmlessInProc knows the mounts that lie on a proc everywhere, on directories that are
// always empty.
func harmlessInProc(point unsafe.Pointer) bool {
	return same(point, text("/proc/sys/fs/binfmt_misc\x00")) || same(point, text("/proc/fs/nfsd\x00"))
}
