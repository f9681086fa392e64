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

// None means that no descriptor goes with a request.
const None = ^uintptr(0)

// Ask sends a request on sock and waits for the answer: 0, or an errno, to which FailedFlags may be
// added. Unused descriptors are None. If the broker has ended, the answer is EPIPE.
func Ask(sock uintptr, q *Request, fd, fd2 uintptr) uint32 {
	var rights rights
	rights.level, rights.kind = unix.SOL_SOCKET, unix.SCM_RIGHTS
	rights.fds = [2]int32{int32(fd), int32(fd2)}
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(q)), RequestSize}
	var m raw.Msghdr
	m.Iov, m.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
	if fd != None {
		rights.length = oneFd
		if fd2 != None {
			rights.length = twoFds
		}
		m.Control, m.Controllen = raw.Addr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights)
	}
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

// rights is a struct cmsghdr with room for two descriptors (cmsg(3); SCM_RIGHTS, unix(7)).
type rights struct {
	length      uint64
	level, kind int32
	fds         [2]int32
}

// Values of rights.length: the header of 16 bytes, and one or two descriptors.
const (
	oneFd  = 20
	twoFds = 24
)
