package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// reportAndWait is OpGo. The monitor learns on the feed that a tentative attempt has
// come so far; the front end learns which namespaces these are, and lets us go on once
// it has told whoever wanted to know.
func reportAndWait(p program) unix.Errno {
	if p.has(plan.FlagTentative) {
		room.message[0] = reached
		if e := writeFull(room.childEnd, unsafe.Pointer(&room.message), 4); e != 0 {
			return e
		}
	}
	if !p.has(plan.FlagHandshake) {
		return 0
	}
	for i := uintptr(0); i < plan.NumNamespaces; i++ {
		*ready(i) = namespace(i)
	}
	room.message[0] = plan.MsgReady
	room.message[1] = plan.NoStep
	r := raw(unix.SYS_SENDTO, room.sock, addr(unsafe.Pointer(&room.message)), plan.MessageSize, unix.MSG_NOSIGNAL, 0, 0)
	if e := errno(r); e != 0 {
		return e
	}
	if readFull(room.sock, unsafe.Pointer(&room.small), 1) != 1 {
		exit(1)
	}
	return 0
}

// reached is the word on the feed that a tentative attempt has come to OpGo.
const reached = 2

// ready is a number in the text of a MsgReady.
func ready(i uintptr) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(&room.message), plan.MessageText+4+8*i))
}

// namespace is the inode of one of this process's namespaces, in the order of
// plan.NamespaceFiles; 0 where the kernel has no such kind.
func namespace(i uintptr) uint64 {
	name := text("self/ns/uts\x00")
	switch i {
	case 0:
		name = text("self/ns/cgroup\x00")
	case 1:
		name = text("self/ns/ipc\x00")
	case 2:
		name = text("self/ns/mnt\x00")
	case 3:
		name = text("self/ns/net\x00")
	case 4:
		name = text("self/ns/pid\x00")
	}
	if errno(raw(unix.SYS_NEWFSTATAT, room.proc, addr(name), addr(unsafe.Pointer(&room.stat)), 0, 0, 0)) != 0 {
		return 0
	}
	return room.stat.Ino
}

// tellWho is OpTell. The kernel says in the message's ancillary data whose it is, by the
// number that the receiver knows us by (SCM_CREDENTIALS, unix(7)). An embedding program
// also gets a descriptor of this process, so that it can send signals to it and to nobody
// who has the number later.
func tellWho() unix.Errno {
	self := ^uintptr(0)
	if room.hosted != 0 {
		self = raw(unix.SYS_PIDFD_OPEN, getpid(), 0, 0, 0, 0, 0)
	}
	if errno(self) != 0 || !sayWith(self) { // before 5.3, or refused by a filter
		say(plan.MsgExec, 0, plan.NoStep, 0, 0)
	}
	if errno(self) == 0 {
		closeFd(self)
	}
	return 0
}

// sayWith sends MsgExec together with a descriptor, and reports whether it did.
func sayWith(fd uintptr) bool {
	m := &room.message
	m[0], m[1], m[2], m[3], m[4] = plan.MsgExec, plan.NoStep, 0, 0, 0
	*(*byte)(unsafe.Add(unsafe.Pointer(m), plan.MessageText)) = 0
	var rights struct {
		length      uint64 // struct cmsghdr, then the descriptor
		level, kind int32
		fd          int32
		_           int32
	}
	rights.length, rights.level, rights.kind, rights.fd = 20, unix.SOL_SOCKET, unix.SCM_RIGHTS, int32(fd)
	iov := [2]uintptr{addr(unsafe.Pointer(m)), plan.MessageSize}
	var h msghdr
	h.iov, h.iovlen = addr(unsafe.Pointer(&iov)), 1
	h.control, h.controllen = addr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights)
	r := raw(unix.SYS_SENDMSG, room.sock, addr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL, 0, 0, 0)
	return errno(r) == 0
}
