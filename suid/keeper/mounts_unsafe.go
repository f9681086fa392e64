package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper, after it has entered the new namespaces; makeProc in its clone.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// procPath is where the host's proc is. waitingRoom is a directory in every proc that is there
// to be mounted on, and always empty: the new proc waits there.
const (
	procPath    = "/proc\x00"
	waitingRoom = "/proc/fs/nfsd\x00"
)

// mount is mount(2).
func mount(src, dst, fs unsafe.Pointer, flags uintptr) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_MOUNT, raw.Addr(src), raw.Addr(dst), raw.Addr(fs), flags, 0, 0))
}

// prepare stops mounts from propagating to the host, unless they are locked ones, does for what mounts hide what the kernel
// would do in a user namespace (mount_namespaces(7)), and raises the loopback interface. What
// fails is the first process's to report. It returns a proc: a bind that is detached, so that
// nobody can mount on what lies in it.
func prepare(line uintptr, h *Header, first *First, locked bool) (proc uintptr) {
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
	if e == 0 && mounts.unbindable { // a bind would leave them out, and show what lies under them
		e = mount(nil, root, nil, unix.MS_PRIVATE|unix.MS_REC)
	}
	if e == 0 && mounts.rootfs { // pivot_root(2) cannot move the kernel's first file system, but a bind of it
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
		end(line, plan.SubProc, e, 0)
	}
	if h.Flags&NewProc != 0 && h.Clone&unix.CLONE_NEWPID != 0 && conf.Deny()&suid.DenyProc == 0 && !mounts.covered && ordinary(proc, uint64(fs.Flags)) {
		first.Proc = 0
	}
	return proc
}

// ordinary reports whether proc is one that the kernel would permit a new one beside: its root,
// with the flags that a new one has (mnt_already_visible, fs/namespace.c).
func ordinary(proc uintptr, flags uint64) bool {
	const procRoot = 1 // PROC_ROOT_INO
	var st unix.Stat_t
	_, e := raw.Fstat(proc, &st)
	return e == 0 && st.Ino == procRoot &&
		flags&(unix.ST_RDONLY|unix.ST_NOATIME|unix.ST_NODIRATIME|unix.ST_RELATIME) == unix.ST_RELATIME
}

// newProc hears whether the first process has mounted a new proc, and opens it; 0: there is none.
func newProc(line uintptr) uintptr {
	if e, ok := raw.ReadByte(line); !ok || e != 0 {
		return 0
	}
	fd := raw.Openat(raw.AtCwd, raw.Text(waitingRoom), unix.O_PATH|unix.O_DIRECTORY, 0)
	if raw.Errno(fd) != 0 {
		raw.Exit(1)
	}
	return fd
}

// makeProc mounts a proc of this process's PID namespace.
func makeProc() unix.Errno {
	fs, at := raw.Text("proc\x00"), raw.Text(waitingRoom)
	return mount(fs, at, fs, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
}

// hostMounts is what mountinfo (proc_pid_mountinfo(5)) says of all mounts together.
type hostMounts struct {
	unbindable bool // there is an unbindable one
	covered    bool // there is one on a part of /proc that is not empty
	rootfs     bool // there is one that lies on no other, its own parent

	field, n uintptr
	id       uintptr
	text     [40]byte // the beginning of a field
}

// read reads mountinfo, a byte after the other: its lines have no greatest length.
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
			m.take(*(*byte)(unsafe.Add(unsafe.Pointer(&buf), i)))
		}
	}
}

// take takes one byte of mountinfo. Space and newline end a field, and are in none.
func (m *hostMounts) take(c byte) {
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
			!raw.Equal(text, raw.Text(waitingRoom)) && !raw.Equal(text, raw.Text("/proc/sys/fs/binfmt_misc\x00"))
	default:
		m.unbindable = m.unbindable || raw.Equal(text, raw.Text("unbindable\x00"))
	}
	m.field++
	m.n = 0
	if c == '\n' {
		m.field = 0
	}
}
