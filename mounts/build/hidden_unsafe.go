package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file does for a sandbox of setuid mode without a user namespace what the
// kernel does for one with: there, the mounts of the host are locked together, and what
// one of them hides stays hidden (mount_namespaces(7)).

// keepHidden looks at the host's mounts once. A recursive bind leaves out unbindable mounts,
// and would show what lies under them. If there are any, all mounts are made private, which
// prevents that, and also ends propagation. It does not matter where they are, or whether the
// user can reach them now: that may change. A proc of which parts are covered must not appear
// anew without the covers.
func (r *Root) keepHidden() unix.Errno {
	proc, e := r.mountID(r.Proc)
	if e != 0 {
		return e
	}
	fd := raw.Openat(r.Proc, raw.Text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	if e := raw.Errno(fd); e != 0 {
		return e
	}
	m := mountinfo{fd: fd, lenient: true}
	unbindable := false
	var line mountLine
	for {
		more, e := r.readMount(&m, &line)
		if e != 0 || !more {
			raw.Close(fd)
			if e == 0 && (unbindable || m.skipped) {
				e = r.Mount(nil, raw.Text("/\x00"), nil, unix.MS_PRIVATE|unix.MS_REC|unix.MS_SILENT, nil)
			}
			return e
		}
		unbindable = unbindable || line.unbindable
		if line.parent == proc && !harmlessInProc(r.mountPoint(&line)) {
			r.masked = 1
		}
	}
}

// harmlessInProc knows the mounts that lie on a proc everywhere, on directories that are
// always empty.
func harmlessInProc(point unsafe.Pointer) bool {
	return raw.Equal(point, raw.Text("/proc/sys/fs/binfmt_misc\x00")) || raw.Equal(point, raw.Text("/proc/fs/nfsd\x00"))
}
