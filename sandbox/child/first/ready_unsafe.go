package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// reportReady is OpGo. The monitor learns on the feed that a tentative attempt has come so
// far; the front end learns which namespaces these are, and lets us go on once it has written
// the reports.
func reportReady(p plan.View) unix.Errno {
	// The word comes before the message: the monitor waits for it, and only then for messages.
	if p.Has(plan.FlagTentative) {
		if e := raw.WriteWord(launch.Feed.Child, launch.WordReachedGo); e != 0 {
			return e
		}
	}
	if !p.Has(plan.FlagHandshake) {
		return 0
	}
	var m launch.Message
	m.Kind, m.Step = plan.MsgReady, plan.NoStep
	for i := range uintptr(plan.NumNamespaces) {
		m.Namespaces[i] = namespaceInode(i)
	}
	// A front end that is gone must not end us by SIGPIPE: the fault would be a signal that nobody
	// explains.
	r := raw.Call(unix.SYS_SENDTO, launch.Acting.Sock, raw.Addr(unsafe.Pointer(&m)), plan.MessageSize, unix.MSG_NOSIGNAL, 0, 0)
	if e := raw.Errno(r); e != 0 {
		return e
	}
	if _, ok := raw.ReadByte(launch.Acting.Sock); !ok {
		raw.Exit(1)
	}
	return 0
}

// namespaceInode returns the inode of one of this process's namespaces, in the order of
// plan.NamespaceFiles; 0 where the kernel has no such kind.
func namespaceInode(i uintptr) uint64 {
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
	// The inode of such a file is the namespace's number (namespaces(7)); stat(2) follows the link
	// without opening it.
	var st unix.Stat_t
	if raw.Fstatat(launch.Acting.Proc, name, &st) != 0 {
		return 0
	}
	return st.Ino
}

// awaitKeeperGone is the first process's side of it: for the monitor's byte. It comes at the
// end of set-up, when that has long been sent as a rule.
func awaitKeeperGone() {
	// The end of the feed is the end of the monitor, and so of the launch.
	if _, ok := raw.ReadByte(launch.Feed.Child); !ok {
		raw.Exit(max(launch.Acting.Status, 1))
	}
}

// announce tells the monitor the pid of the first process, which may have another number there, or
// none that it knows of: F_GETOWN translates the owner of a socket into the PID namespace of the
// process that asks (fcntl(2)). The word comes second, since the monitor asks when it has read it.
func announce() {
	raw.Fcntl(launch.Acting.Sock, unix.F_SETOWN, raw.Getpid())
	raw.WriteWord(launch.Feed.Child, launch.WordAnnounced)
}
