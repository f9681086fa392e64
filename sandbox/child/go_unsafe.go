package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// reportAndWait is OpGo. The monitor learns on the feed that a tentative attempt has come so
// far; the front end learns which namespaces these are, and lets us go on once it has written
// the reports.
func reportAndWait(p plan.View) unix.Errno {
	if p.Has(plan.FlagTentative) {
		if e := raw.WriteWord(feed.child, reached); e != 0 {
			return e
		}
	}
	if !p.Has(plan.FlagHandshake) {
		return 0
	}
	var m message
	m.kind, m.step = plan.MsgReady, plan.NoStep
	for i := range uintptr(plan.NumNamespaces) {
		m.namespaces[i] = namespace(i)
	}
	r := raw.Call(unix.SYS_SENDTO, acting.Sock, raw.Addr(unsafe.Pointer(&m)), plan.MessageSize, unix.MSG_NOSIGNAL, 0, 0)
	if e := raw.Errno(r); e != 0 {
		return e
	}
	if _, ok := raw.ReadByte(acting.Sock); !ok {
		raw.Exit(1)
	}
	return 0
}

// reached is the word on the feed that a tentative attempt has come to OpGo.
const reached = 2

// message is a plan.Message without a text; see plan.Message.Namespace.
type message struct {
	kind, step, sub, errno, extra uint32
	_                             uint32
	namespaces                    [plan.NumNamespaces]uint64
	_                             [plan.MessageSize - plan.MessageText - 4 - 8*plan.NumNamespaces]byte
}

// namespace returns the inode of one of this process's namespaces, in the order of
// plan.NamespaceFiles; 0 where the kernel has no such kind.
func namespace(i uintptr) uint64 {
	name := raw.Text("self/ns/uts\x00")
	switch i {
	case 0:
		name = raw.Text("self/ns/cgroup\x00")
	case 1:
		name = raw.Text("self/ns/ipc\x00")
	case 2:
		name = raw.Text("self/ns/mnt\x00")
	case 3:
		name = raw.Text("self/ns/net\x00")
	case 4:
		name = raw.Text("self/ns/pid\x00")
	}
	var st unix.Stat_t
	if raw.Fstatat(acting.Proc, name, &st) != 0 {
		return 0
	}
	return st.Ino
}

// tellWho is OpTell. The kernel says in the message's ancillary data whose it is, by the
// number that the receiver knows us by (SCM_CREDENTIALS, unix(7)). An embedding program
// also gets a descriptor of this process, so that it can send signals to it and to nobody
// who has the number later.
func tellWho() unix.Errno {
	self := ^uintptr(0)
	if host.there {
		self = raw.Call(unix.SYS_PIDFD_OPEN, raw.Getpid(), 0, 0, 0, 0, 0)
	}
	if raw.Errno(self) != 0 || !sayWith(self) { // before 5.3, or refused by a filter
		acting.Say(plan.MsgExec, step.Fault{}, plan.NoStep, 0)
	}
	if raw.Errno(self) == 0 {
		raw.Close(self)
	}
	return 0
}

// sayWith sends MsgExec together with a descriptor, and reports whether it did.
func sayWith(fd uintptr) bool {
	var m message
	m.kind, m.step = plan.MsgExec, plan.NoStep
	var rights struct {
		length      uint64 // struct cmsghdr, then the descriptor
		level, kind int32
		fd          int32
		_           int32
	}
	rights.length, rights.level, rights.kind, rights.fd = 20, unix.SOL_SOCKET, unix.SCM_RIGHTS, int32(fd)
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(&m)), plan.MessageSize}
	var h raw.Msghdr
	h.Iov, h.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
	h.Control, h.Controllen = raw.Addr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights)
	r := raw.Call(unix.SYS_SENDMSG, acting.Sock, raw.Addr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL, 0, 0, 0)
	return raw.Errno(r) == 0
}
