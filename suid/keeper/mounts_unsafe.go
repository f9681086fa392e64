package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper, after it has entered the new namespaces; mountNewProc in its clone.
//
// In a user namespace the kernel itself keeps a caller from seeing what mounts hide, and from
// mounting a proc that shows more than the host's (mount_namespaces(7); mnt_already_visible in
// fs/namespace.c). A mount namespace of root's has neither rule, so the keeper applies both here,
// from what /proc/self/mountinfo says:
//
//   - An unbindable mount is left out by a recursive bind, which would show what it hides. If there is
//     one, all mounts become private, which makes them bindable.
//   - A new proc is allowed only if no mount covers a part of the host's /proc and the host's
//     proc has the ordinary flags. A container's covered /proc stays covered.
//   - The kernel's first file system (rootfs) cannot be moved by pivot_root(2): it is bound on itself.
//
// The broker later needs a proc for its paths (self/fd/N). The keeper binds the host's and
// detaches it at once: a detached mount has no path, so the user cannot mount anything in it.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// procPath is the host's proc. newProcPath is where the new proc stays until the broker binds it: an
// empty directory that every proc has as a mount point.
const (
	procPath    = "/proc\x00"
	newProcPath = "/proc/fs/nfsd\x00"
)

// mount is mount(2) without data.
func mount(src, dst, fs unsafe.Pointer, flags uintptr) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_MOUNT, raw.Addr(src), raw.Addr(dst), raw.Addr(fs), flags, 0, 0))
}

// prepareMounts makes all mounts slaves, unless they are locked and already are, applies the rules above
// and raises the loopback interface. It returns a detached bind of the host's proc. What failed without
// ending the launch is noted in first; the first process reports it.
func prepareMounts(launcherSock uintptr, h *Header, first *First, locked bool) (proc uintptr) {
	root := raw.Text("/\x00")
	if h.Clone&unix.CLONE_NEWNET != 0 {
		first.Loopback = step.LoopbackUp()
	}
	first.Proc = unix.EPERM
	if !locked {
		first.Slave = mount(nil, root, nil, unix.MS_SLAVE|unix.MS_REC)
	}
	if first.Slave != 0 {
		return 0
	}
	var mounts hostMounts
	e := mounts.read()
	if e == 0 && mounts.unbindable {
		e = mount(nil, root, nil, unix.MS_PRIVATE|unix.MS_REC)
	}
	if e == 0 && mounts.rootfs {
		if e = mount(root, root, nil, unix.MS_BIND|unix.MS_REC); e == 0 {
			e = raw.Errno(raw.Call(unix.SYS_CHROOT, raw.Addr(raw.Text("/..\x00")), 0, 0, 0, 0, 0))
		}
	}
	name := raw.Text(procPath)
	if e == 0 {
		how := uintptr(unix.MS_BIND)
		if locked {
			how |= unix.MS_REC
		}
		e = mount(name, name, nil, how)
	}
	if e == 0 {
		proc = raw.Openat(raw.AtCwd, name, unix.O_PATH|unix.O_DIRECTORY, 0)
		e = raw.Errno(proc)
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_UMOUNT2, raw.Addr(name), unix.MNT_DETACH, 0, 0, 0, 0))
	}
	var fs unix.Statfs_t
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_FSTATFS, proc, raw.Addr(unsafe.Pointer(&fs)), 0, 0, 0, 0))
	}
	if e == 0 && fs.Type != step.ProcMagic {
		e = unix.ENODEV
	}
	if e != 0 {
		failLaunch(launcherSock, plan.SubProc, e, 0)
	}
	if h.Flags&NewProc != 0 && h.Clone&unix.CLONE_NEWPID != 0 && conf.Deny()&suid.DenyProc == 0 && !mounts.covered && mayMountProc(proc, uint64(fs.Flags)) {
		first.Proc = 0
	}
	return proc
}

// mayMountProc reports whether a new proc beside this one would show nothing more: proc is the root of
// a proc, with the flags that a new one would have (mnt_already_visible).
func mayMountProc(proc uintptr, flags uint64) bool {
	const procRoot = 1 // PROC_ROOT_INO
	var st unix.Stat_t
	_, e := raw.Fstat(proc, &st)
	return e == 0 && st.Ino == procRoot &&
		flags&(unix.ST_RDONLY|unix.ST_NOATIME|unix.ST_NODIRATIME|unix.ST_RELATIME) == unix.ST_RELATIME
}

// openNewProc waits for mountNewProc and opens the new proc. It returns 0 if there is none.
func openNewProc(firstSock uintptr) uintptr {
	if e, ok := raw.ReadByte(firstSock); !ok || e != 0 {
		return 0
	}
	fd := raw.Openat(raw.AtCwd, raw.Text(newProcPath), unix.O_PATH|unix.O_DIRECTORY, 0)
	if raw.Errno(fd) != 0 {
		raw.Exit(1)
	}
	return fd
}

// mountNewProc mounts a proc for the PID namespace of this process. ROOT later moves the mount from here
// to broker.NewProc: in the host's tree, binds of that tree would include it.
func mountNewProc() unix.Errno {
	fs, at := raw.Text("proc\x00"), raw.Text(newProcPath)
	return mount(fs, at, fs, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
}

// hostMounts is a summary of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type hostMounts struct {
	unbindable bool // at least one mount is unbindable
	covered    bool // a mount covers a part of /proc that is not always empty
	rootfs     bool // a mount is its own parent: the kernel's first file system is visible

	field, n uintptr  // the number of the current field, and the bytes kept of it
	id       uintptr  // the mount id, the first field of a line
	text     [40]byte // the beginning of the current field
}

// read reads mountinfo byte by byte, since its lines have no maximum length.
func (m *hostMounts) read() unix.Errno {
	fd := raw.Openat(raw.AtCwd, raw.Text("/proc/self/mountinfo\x00"), unix.O_RDONLY, 0)
	if e := raw.Errno(fd); e != 0 {
		return e
	}
	var buf [2 << 10]byte
	for {
		n := raw.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&buf)), unsafe.Sizeof(buf), 0, 0, 0)
		e := raw.Errno(n)
		if e != 0 || n == 0 {
			raw.Close(fd)
			return e
		}
		for i := range n {
			m.addByte(*(*byte)(unsafe.Add(unsafe.Pointer(&buf), i)))
		}
	}
}

// addByte takes the next byte. A space or a newline ends a field; within fields both are escaped.
func (m *hostMounts) addByte(c byte) {
	if c != ' ' && c != '\n' {
		if m.n < uintptr(len(m.text))-1 {
			*(*byte)(unsafe.Add(unsafe.Pointer(&m.text), m.n)) = c
			m.n++
		}
		return
	}
	text := unsafe.Pointer(&m.text)
	*(*byte)(unsafe.Add(text, m.n)) = 0
	switch m.field {
	case 0:
		m.id, _ = raw.Number(text)
	case 1:
		parent, _ := raw.Number(text)
		m.rootfs = m.rootfs || parent == m.id
	case 4:
		m.covered = m.covered || raw.HasPrefix(text, raw.Text("/proc/\x00")) &&
			!raw.Equal(text, raw.Text(newProcPath)) && !raw.Equal(text, raw.Text("/proc/sys/fs/binfmt_misc\x00"))
	default:
		m.unbindable = m.unbindable || raw.Equal(text, raw.Text("unbindable\x00"))
	}
	m.field++
	m.n = 0
	if c == '\n' {
		m.field = 0
	}
}
