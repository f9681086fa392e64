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

// LoopbackUp raises lo. The kernel gives it 127.0.0.1 and ::1 by itself when it goes
// up (devinet.c inetdev_event, addrconf.c init_loopback).
func LoopbackUp() unix.Errno {
	// Any socket will do: the ioctl is about the network namespace that it was made in (netdevice(7)). A
	// kernel may lack a family, and a filter or a security module refuse it with any error.
	fd := raw.Failed(unix.EAFNOSUPPORT)
	for _, family := range [...]uintptr{unix.AF_INET, unix.AF_NETLINK, unix.AF_UNIX} {
		if raw.Errno(fd) != 0 {
			fd = raw.Call(unix.SYS_SOCKET, family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0, 0)
		}
	}
	// The name is "lo" in every new network namespace; its index is 1, which this ioctl does not take.
	req := ifreq{name: [16]byte{'l', 'o'}, flags: unix.IFF_UP | unix.IFF_RUNNING}
	var c raw.Chain
	c.Require(raw.Errno(fd) == 0, raw.Errno(fd))
	c.Call(unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, raw.Addr(unsafe.Pointer(&req)), 0, 0)
	raw.Close(fd)
	return c.Errno
}
