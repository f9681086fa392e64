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

// LoopbackUp raises lo. The kernel gives it 127.0.0.1 and ::1 by itself when it goes up
// (devinet.c inetdev_event, addrconf.c init_loopback). The ioctl is about the network
// namespace that the socket was made in, whatever its family (netdevice(7)). A pair of
// local sockets is what a launch needs in any case; a filter may refuse others.
func LoopbackUp() unix.Errno {
	req := ifreq{name: [16]byte{'l', 'o'}, flags: unix.IFF_UP | unix.IFF_RUNNING}
	pair := [2]int32{-1, -1}
	var c raw.Chain
	c.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&pair)), 0)
	c.Call(unix.SYS_IOCTL, uintptr(pair[0]), unix.SIOCSIFFLAGS, raw.Addr(unsafe.Pointer(&req)), 0, 0)
	raw.Close(uintptr(pair[0]))
	raw.Close(uintptr(pair[1]))
	return c.Errno
}
