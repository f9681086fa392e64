package broker

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process, without privilege.
//
// This is the asking side. It checks nothing for the broker: the user may trace this process and send
// any message in its place. One SOCK_SEQPACKET message is one request, so no framing can be
// confused, and descriptors arrive with the request that they belong to (unix(7)).

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// None stands for a descriptor that is missing.
const None = ^uintptr(0)

// Ask sends a request on sock and waits for the answer: 0, or an errno, to which FailedFlags may be
// added. Descriptors that the operation ignores are None. If the broker has ended, the answer is EPIPE.
func Ask(sock uintptr, q *Request, fd, fd2 uintptr) uint32 {
	if fd == None {
		fd = sock
	}
	if fd2 == None {
		fd2 = fd
	}
	with := rights{twoFds, unix.SOL_SOCKET, unix.SCM_RIGHTS, [2]int32{int32(fd), int32(fd2)}}
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(q)), RequestSize}
	m := raw.Msghdr{Iov: raw.Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: raw.Addr(unsafe.Pointer(&with)), Controllen: unsafe.Sizeof(with)}
	for {
		e := raw.Errno(raw.Call(unix.SYS_SENDMSG, sock, raw.Addr(unsafe.Pointer(&m)), unix.MSG_NOSIGNAL, 0, 0, 0))
		if e == 0 {
			break
		}
		if e != unix.EINTR {
			return uint32(e)
		}
	}
	answer := uint32(0)
	if raw.ReadFull(sock, unsafe.Pointer(&answer), 4) != 4 {
		return uint32(unix.EPIPE)
	}
	return answer
}

// rights is a struct cmsghdr with two descriptors (cmsg(3); SCM_RIGHTS, unix(7)).
type rights struct {
	length      uint64
	level, kind int32
	fds         [2]int32
}

// twoFds is rights.length: the header of 16 bytes, and two descriptors.
const twoFds = 24
