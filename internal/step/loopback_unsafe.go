package step

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; in setuid mode the keeper, which calls RaiseLoopback only.

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

// RaiseLoopback raises lo in the network namespace in which sock, of any family, was made (netdevice(7)). The
// kernel gives it 127.0.0.1 and ::1 when it goes up (devinet.c inetdev_event, addrconf.c init_loopback).
func RaiseLoopback(sock uintptr) unix.Errno {
	req := ifreq{name: [16]byte{'l', 'o'}, flags: unix.IFF_UP | unix.IFF_RUNNING}
	return raw.Errno(raw.Call(unix.SYS_IOCTL, sock, unix.SIOCSIFFLAGS, raw.Addr(unsafe.Pointer(&req)), 0, 0, 0))
}

// LoopbackUp is RaiseLoopback for the network namespace of this process. Its sockets are local ones: a launch
// needs such in any case, and a filter may refuse others.
func LoopbackUp() unix.Errno {
	pair := [2]int32{-1, -1}
	e := raw.Errno(raw.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&pair)), 0, 0))
	if e == 0 {
		e = RaiseLoopback(uintptr(pair[0]))
	}
	raw.Close(uintptr(pair[0]))
	raw.Close(uintptr(pair[1]))
	return e
}
