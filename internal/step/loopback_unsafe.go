package step

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; in setuid mode the keeper.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// ifreq is struct ifreq with flags.
type ifreq struct {
	name  [16]byte
	flags uint16
	_     [22]byte
}

// deviceSocket returns a socket for the ioctls of netdevice(7), which every family takes. A
// kernel may lack a family, and a filter or a security module refuse it with any error.
func deviceSocket() uintptr {
	fd := raw.Call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	if raw.Errno(fd) != 0 {
		fd = raw.Call(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	}
	if raw.Errno(fd) != 0 {
		fd = raw.Call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
	}
	return fd
}

// LoopbackUp raises lo. The kernel gives it 127.0.0.1 and ::1 by itself when it goes
// up (devinet.c inetdev_event, addrconf.c init_loopback).
func LoopbackUp() unix.Errno {
	// Any socket will do: the ioctl is about the network namespace that it was made in (netdevice(7)).
	fd := deviceSocket()
	if e := raw.Errno(fd); e != 0 {
		return e
	}
	// The name is "lo" in every new network namespace; its index is 1, which this ioctl does not take.
	var req ifreq
	req.name[0], req.name[1] = 'l', 'o'
	req.flags = unix.IFF_UP | unix.IFF_RUNNING
	e := raw.Errno(raw.Call(unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, raw.Addr(unsafe.Pointer(&req)), 0, 0, 0))
	raw.Close(fd)
	return e
}
