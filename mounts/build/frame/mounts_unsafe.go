package frame

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/mountinfo"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// OpenMountinfo opens mountinfo as seen from the frame, where every mount is reachable: what lies on
// the stage is not below the old root, which is this process's root otherwise.
func (r *Frame) OpenMountinfo() (mountinfo.Reader, unix.Errno) {
	if r.Apart == 0 {
		if e := r.MoveInto(r.Base); e != 0 {
			return mountinfo.Reader{}, e
		}
	}
	m, opened := mountinfo.Open(r.Proc)
	if r.Apart == 0 {
		if e := r.MoveInto(r.Old); e != 0 {
			return mountinfo.Reader{}, e
		}
	}
	return m, opened
}

// FindMount looks a mount up by its id.
func (r *Frame) FindMount(id uintptr, line *mountinfo.Line) bool {
	m, e := r.OpenMountinfo()
	if e != 0 {
		return false
	}
	found, e := m.Find(id, line)
	m.Close()
	return found && e == 0
}

// MountID returns the id of the mount that a descriptor lies on.
func (r *Frame) MountID(fd uintptr) (uintptr, unix.Errno) { return mountinfo.IDOf(r.Proc, fd) }

// NewRoot opens the root of the sandbox as it is now: the topmost mount on it.
func (r *Frame) NewRoot() uintptr {
	if r.FromKeeper != 0 {
		return raw.Openat(raw.AtCwd, raw.Text(broker.NewRoot+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	}
	return raw.Openat(r.Base, raw.Text("newroot\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
}

// MakeSlave stops mounts from propagating to the host. In a user namespace the kernel has done so
// when it copied the mounts (mount_namespaces(7)); for root, this is the first change of all. In setuid mode
// the keeper has done it.
func (r *Frame) MakeSlave() step.Fault {
	if r.FromKeeper != 0 {
		return step.Fault{}
	}
	return step.Main(r.Mount(nil, raw.Text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC|unix.MS_SILENT, nil))
}
