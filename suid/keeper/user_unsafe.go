package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; part of makeUserNS in a short-lived child.
//
// This file is --unshare-user in setuid mode. The owner of a user namespace is the effective uid of
// the process that creates it. A process outside with that uid may enter the namespace and has all
// capabilities in it (user_namespaces(7)), which is what this kernel refuses to ordinary users. So the
// namespace must not belong to the user, nor to root, whose limits the user could then exhaust. It is
// created under an id that no account has (suid.Owner).
//
// The keeper makes it, with its maps, before it clones the first process, which only has to enter it.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// chooseOwner sets the effective uid under which all namespaces of the launch are made, so that the kernel
// counts them as that id's (namespaces(7), "user.max_*"), not as root's. It returns 0, for root, if the
// caller has a reserved id or the owner id does not exist here. Then, or if an optional user namespace
// is refused by the administrator, the sandbox gets no user namespace; a required one ends the launch.
func chooseOwner(h *Header, uid, gid uintptr) (owner uintptr) {
	owner = uintptr(suid.Owner(uint32(uid)))
	reason := suid.Permitted
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		reason, owner = suid.ReasonReserved, 0
	} else if setEUID(owner) != 0 {
		reason, owner = suid.ReasonNoOwner, 0
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 && (reason != suid.Permitted || h.Flags&TryUser != 0 && conf.Skips()) {
		goWithoutUserNS(h, plan.SubRefused, 0, suid.Extra(reason, 0))
	}
	return owner
}

// goWithoutUserNS ends the launch if the user namespace was required, and otherwise does without it.
func goWithoutUserNS(h *Header, sub plan.Sub, e unix.Errno, extra uint32) {
	if h.Flags&TryUser == 0 {
		failLaunch(sub, e, extra)
	}
	h.Clone &^= unix.CLONE_NEWUSER
}

// makeUserNS makes the user namespace and writes its maps. It returns a descriptor, or broker.None if there is
// none. A short-lived child makes it, and opens it, and its own directory in proc, for the keeper. The maps are
// written when the child has ended, but has not been waited for: until then the directory shows its namespace.
// No pid is looked up, so it is that of no other process.
func makeUserNS(h *Header, proc, uid, gid uintptr) uintptr {
	if h.Clone&unix.CLONE_NEWUSER == 0 {
		return broker.None
	}
	var c raw.Chain
	var gids, uids raw.Line
	other := raw.Text("self/stat\x00") // not a directory: if the child fails, nothing can be written
	dir, ns := c.Open(proc, other, unix.O_PATH), c.Open(proc, other, unix.O_PATH)
	pid := c.Call(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_FILES|unix.CLONE_VFORK, 0, 0, 0, 0)
	if c.Errno == 0 && pid == 0 {
		reopen(&c, dir, proc, raw.Text("self\x00"), unix.O_PATH|unix.O_DIRECTORY)
		reopen(&c, ns, proc, raw.Text("self/ns/user\x00"), unix.O_RDONLY)
		raw.Exit(uint32(c.Errno))
	}
	// The files are root's. In a /proc with hidepid= they are visible by CAP_SYS_PTRACE.
	sub, e := plan.SubSetgroups, setEUID(0)
	if e == 0 {
		e = step.WriteBelow(dir, raw.Text("setgroups\x00"), raw.Text("deny\x00"))
	}
	if e == 0 || e == unix.ENOENT { // before Linux 3.19
		sub, e = plan.SubGIDMap, step.WriteBelow(dir, raw.Text("gid_map\x00"), mapOf(&gids, h, h.GID, gid))
	}
	if e == 0 {
		sub, e = plan.SubUIDMap, step.WriteBelow(dir, raw.Text("uid_map\x00"), mapOf(&uids, h, h.UID, uid))
	}
	raw.Close(dir)
	if c.Errno == 0 {
		c.Errno = waitFor(pid)
	}
	switch {
	case c.Errno != 0:
		goWithoutUserNS(h, plan.SubClone, c.Errno, h.Clone)
	case e != 0:
		goWithoutUserNS(h, sub, e, 0)
	}
	return ns
}

// overflowUID is root of the namespace seen from outside, as in bubblewrap. Files may belong to it, but
// no process inside can become it.
const overflowUID = 65534

// mapOf formats a map: the user's id, and id 0 if MapRoot asks for it.
func mapOf(l *raw.Line, h *Header, inside uint32, outside uintptr) unsafe.Pointer {
	l.Number(uintptr(inside)).Put(" ").Number(outside).Put(" 1\n")
	if h.Flags&MapRoot != 0 && inside != 0 {
		root := uintptr(overflowUID)
		if outside == overflowUID {
			root = suid.SpareRoot
		}
		l.Put("0 ").Number(root).Put(" 1\n")
	}
	return l.At()
}
