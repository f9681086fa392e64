package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// writeMaps writes this process's uid_map and gid_map, each one line that maps its
// own id, with setgroups denied as user_namespaces(7) demands for gid_map.
func writeMaps(uid, gid unsafe.Pointer) unix.Errno {
	room.sub = plan.SubUIDMap
	fd, e := writeInto(room.proc, text("self/uid_map\x00"), uid)
	if e != 0 {
		return e
	}
	closeSoon(fd)
	room.sub = plan.SubSetgroups
	// ENOENT: before 3.19 there is no setgroups and none is needed.
	fd, e = writeInto(room.proc, text("self/setgroups\x00"), text("deny\x00"))
	if e != 0 && e != unix.ENOENT {
		return e
	}
	if e == 0 {
		closeSoon(fd)
	}
	room.sub = plan.SubGIDMap
	fd, e = writeInto(room.proc, text("self/gid_map\x00"), gid)
	if e == 0 {
		closeSoon(fd)
	}
	closeIdle() // a source /proc/self/fd/N of a closed N must not mean one of them
	return e
}

// writeProc writes a string to a file below the host's /proc, in one write.
func writeProc(path, value unsafe.Pointer) unix.Errno { return writeBelow(room.proc, path, value) }

// setLabel sets the security label of the next exec, or of new files (proc_pid_attr(5)).
func setLabel(kind uint32, label unsafe.Pointer) unix.Errno {
	if kind == plan.LabelNew {
		return writeProc(text("self/attr/fscreate\x00"), label)
	}
	return writeProc(text("self/attr/exec\x00"), label)
}

// writeBelow writes a string to a file below dir, in one write.
func writeBelow(dir uintptr, path, value unsafe.Pointer) unix.Errno {
	fd, e := writeInto(dir, path, value)
	closeFd(fd)
	return e
}

// writeInto is writeBelow that leaves the file open.
func writeInto(dir uintptr, path, value unsafe.Pointer) (fd uintptr, e unix.Errno) {
	fd = openat(dir, path, unix.O_WRONLY, 0)
	if e = errno(fd); e == 0 {
		e = errno(raw(unix.SYS_WRITE, fd, addr(value), strlen(value), 0, 0, 0))
	}
	return fd, e
}

// noUserns proves that a further user namespace is refused: it tries, in a child
// that has nothing else to do.
func noUserns() unix.Errno {
	pid := clone(0)
	if e := errno(pid); e != 0 {
		return e
	}
	if pid == 0 {
		if errno(raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0)) == 0 {
			exit(0)
		}
		exit(1)
	}
	if e := errno(wait(pid)); e != 0 {
		return e
	}
	if exitCode(room.status) != 1 {
		room.sub = plan.SubUnexpected
		return unix.EPERM
	}
	return 0
}

// lastCap bounds the search for the kernel's highest capability.
const lastCap = 63

// doCaps settles the capabilities: bounding set first, then the three sets, then the
// ambient one. Capset leaves nothing in the ambient set that is not in the new inheritable
// one, which is what is to be ambient (capabilities(7)).
func doCaps(s *plan.Step) unix.Errno {
	if room.bounded == 0 {
		if e := boundCaps(s); e != 0 {
			return e
		}
	}
	room.sub = plan.SubMain
	permitted := uint64(s.C) | uint64(s.D)<<32
	ambient := uint64(s.E) | uint64(s.F)<<32
	if e := setCaps(permitted, permitted, ambient); e != 0 {
		if e == unix.EPERM && s.Flags&plan.FlagLenient != 0 && noMoreThan(permitted) {
			prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // EINVAL before 4.3: none there
			return 0
		}
		return e
	}
	if room.guarded != 0 && !noMoreThan(0) {
		return unix.EPERM
	}
	room.kept = 0
	room.sub = plan.SubAmbient
	for c := uint(0); c <= lastCap; c++ {
		if ambient>>c&1 == 0 {
			continue
		}
		e := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0)
		if e == unix.EINVAL || e == unix.EPERM && s.Flags&plan.FlagLenient != 0 {
			continue // the kernel has no such capability, or no ambient set
		}
		if e != 0 {
			return e
		}
	}
	return 0
}

// boundCaps cuts the bounding set to what an OpCaps keeps. The kernel drops one capability
// a call, so where there is an init, it is done once, in front of the fork (splitInit):
// the payload never has more, and init gives up the rest (seal).
func boundCaps(s *plan.Step) unix.Errno {
	if s.Flags&plan.FlagBounding == 0 || room.kept != 0 { // the keeper has cut all
		return 0
	}
	room.sub = plan.SubBounding
	return cutBounding(uint64(s.A) | uint64(s.B)<<32)
}

// noMoreThan reports whether this process has no capability but those of p, permitted
// ones or inheritable.
func noMoreThan(p uint64) bool {
	permitted, inheritable, ok := getCaps()
	return ok && (permitted|inheritable)&^p == 0
}

// getCaps reads this process's capabilities.
func getCaps() (permitted, inheritable uint64, ok bool) {
	var hdr unix.CapUserHeader
	var have [2]unix.CapUserData
	hdr.Version = unix.LINUX_CAPABILITY_VERSION_3
	if errno(raw(unix.SYS_CAPGET, addr(unsafe.Pointer(&hdr)), addr(unsafe.Pointer(&have)), 0, 0, 0, 0)) != 0 {
		return 0, 0, false
	}
	return uint64(have[0].Permitted) | uint64(have[1].Permitted)<<32,
		uint64(have[0].Inheritable) | uint64(have[1].Inheritable)<<32, true
}

// cutBounding drops what is not in keep from the bounding set.
func cutBounding(keep uint64) unix.Errno {
	for c := uintptr(0); c <= lastCap; c++ {
		if keep>>c&1 != 0 {
			continue
		}
		e := prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if e == unix.EINVAL {
			return 0 // above the kernel's last capability
		}
		if e != 0 {
			return e
		}
	}
	return 0
}

// setCaps sets the permitted, effective and inheritable sets. Bits above the kernel's
// last capability are ignored by it.
func setCaps(p, e, i uint64) unix.Errno {
	var hdr unix.CapUserHeader
	var data [2]unix.CapUserData
	hdr.Version = unix.LINUX_CAPABILITY_VERSION_3
	data[0].Permitted, data[1].Permitted = uint32(p), uint32(p>>32)
	data[0].Effective, data[1].Effective = uint32(e), uint32(e>>32)
	data[0].Inheritable, data[1].Inheritable = uint32(i), uint32(i>>32)
	return errno(raw(unix.SYS_CAPSET, addr(unsafe.Pointer(&hdr)), addr(unsafe.Pointer(&data)), 0, 0, 0, 0))
}

// ifreq is struct ifreq with flags.
type ifreq struct {
	name  [16]byte
	flags uint16
	_     [22]byte
}

// deviceSocket returns a socket for the ioctls of netdevice(7), which every family takes. A
// kernel may lack a family, and a filter or a security module refuse it with any error.
func deviceSocket() uintptr {
	fd := raw(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	if errno(fd) != 0 {
		fd = raw(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	}
	if errno(fd) != 0 {
		fd = raw(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	}
	return fd
}

// loopbackUp raises lo. The kernel gives it 127.0.0.1 and ::1 by itself when it goes
// up (devinet.c inetdev_event, addrconf.c init_loopback).
func loopbackUp() unix.Errno {
	fd := deviceSocket()
	if e := errno(fd); e != 0 {
		return e
	}
	var req ifreq
	req.name[0], req.name[1] = 'l', 'o'
	req.flags = unix.IFF_UP | unix.IFF_RUNNING
	e := errno(privileged(unix.CAP_NET_ADMIN, unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, addr(unsafe.Pointer(&req)), 0, 0, 0))
	closeFd(fd)
	return e
}
