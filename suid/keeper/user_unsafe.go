package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; makeUserNS in its clone.
//
// This file is --unshare-user in setuid mode. The owner of a user namespace is the effective uid of
// the process that creates it. A process outside with that uid may enter the namespace and has all
// capabilities in it (user_namespaces(7)), which is what this kernel refuses to ordinary users. So the
// namespace must not belong to the user, nor to root, whose limits the user could then exhaust. It is
// created under an id that no account has (suid.Owner).
//
// The keeper and its clone exchange bytes on their socket:
//
//	clone                             keeper
//	unshare, its errno  ───────────▶  opens /proc/PID of the clone
//	                    ◀───────────  "are you alive?"
//	yes                 ───────────▶  writes setgroups, gid_map, uid_map
//	                    ◀───────────  "the maps are written"
//	takes the ids, its errno ──────▶  becomes the broker
//
// The question in the middle proves that PID still is the clone, and not a process of the user's that
// got the number after the clone had died.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// chooseOwner sets the effective uid under which all namespaces of the launch are made, so that the kernel
// counts them as that id's (namespaces(7), "user.max_*"), not as root's. It returns 0, for root, if the
// caller has a reserved id or the owner id does not exist here. Then, or if an optional user namespace
// is refused by the administrator, the sandbox gets no user namespace; a required one ends the launch.
func chooseOwner(launcherSock uintptr, h *Header, uid, gid uintptr) (owner uintptr) {
	owner = uintptr(suid.Owner(uint32(uid)))
	reason := suid.Permitted
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		reason, owner = suid.ReasonReserved, 0
	} else if setEUID(owner) != 0 {
		reason, owner = suid.ReasonNoOwner, 0
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 && (reason != suid.Permitted || h.Flags&TryUser != 0 && conf.Skips()) {
		failUnlessTry(launcherSock, h, plan.SubRefused, 0, suid.Extra(reason, 0))
		h.Clone &^= unix.CLONE_NEWUSER
	}
	return owner
}

// failUnlessTry ends the launch if the user namespace was required.
func failUnlessTry(launcherSock uintptr, h *Header, sub plan.Sub, e unix.Errno, extra uint32) {
	if h.Flags&TryUser == 0 {
		failLaunch(launcherSock, sub, e, extra)
	}
}

// makeUserNS creates the user namespace and returns when its maps are written. The kernel also charges its
// owner, the effective uid, for what processes in it use (inotify, RLIMIT_NPROC).
func makeUserNS(brokerSock uintptr) {
	e := raw.Errno(raw.Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0))
	setUndumpable()
	// Answers the keeper's question, and waits until the maps are written.
	if !raw.SendByte(brokerSock, byte(e)) || e != 0 || !raw.Hears(brokerSock) || !raw.SendByte(brokerSock, 0) || !raw.Hears(brokerSock) {
		raw.Exit(1)
	}
}

// mapUserNS does the keeper's side, and reports whether the first process has its ids. Some security
// modules let root create a user namespace but refuse every use of a capability in it.
func mapUserNS(launcherSock, proc uintptr, h *Header, pid, firstSock, uid, gid uintptr) bool {
	code, ok := raw.ReadByte(firstSock)
	switch {
	case !ok:
		failUnlessTry(launcherSock, h, plan.SubClone, unix.ESRCH, 0)
		return false
	case code != 0:
		failUnlessTry(launcherSock, h, plan.SubClone, unix.Errno(code), h.Clone)
		return false
	}
	if sub, e := writeMaps(h, proc, pid, firstSock, uid, gid); e != 0 {
		failUnlessTry(launcherSock, h, sub, e, 0)
		return false
	}
	if code, ok = raw.ReadByte(firstSock); !ok || code != 0 {
		failUnlessTry(launcherSock, h, plan.SubRefused, 0, suid.Extra(suid.ReasonPowerless, 0))
		return false
	}
	return true
}

// writeMaps writes the maps of process pid. If proc is mounted with hidepid=, the directory is visible
// by CAP_SYS_PTRACE.
func writeMaps(h *Header, proc, pid, firstSock, uid, gid uintptr) (plan.Sub, unix.Errno) {
	var name raw.Link
	raw.PutNumber(unsafe.Pointer(&name), pid)
	dir := raw.Openat(proc, unsafe.Pointer(&name), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(dir); e != 0 {
		return plan.SubUIDMap, e
	}
	if !isOwnProc(proc) || !raw.SendByte(firstSock, 0) || !raw.Hears(firstSock) {
		return plan.SubUIDMap, unix.ESRCH
	}
	if e := step.WriteBelow(dir, raw.Text("setgroups\x00"), raw.Text("deny\x00")); e != 0 && e != unix.ENOENT { // before Linux 3.19
		return plan.SubSetgroups, e
	}
	if e := step.WriteBelow(dir, raw.Text("gid_map\x00"), mapOf(h, h.GID, gid)); e != 0 {
		return plan.SubGIDMap, e
	}
	if e := step.WriteBelow(dir, raw.Text("uid_map\x00"), mapOf(h, h.UID, uid)); e != 0 {
		return plan.SubUIDMap, e
	}
	raw.Close(dir)
	raw.SendByte(firstSock, 0)
	return 0, 0
}

// isOwnProc reports whether proc shows the keeper's PID namespace. If not, pid means another process.
func isOwnProc(proc uintptr) bool {
	var link raw.Link
	p := unsafe.Pointer(&link)
	if _, e := raw.Readlinkat(proc, raw.Text("self\x00"), p, unsafe.Sizeof(link)); e != 0 {
		return false
	}
	pid, ok := raw.Number(p)
	return ok && pid == raw.Getpid()
}

// overflowUID is root of the namespace seen from outside, as in bubblewrap. Files may belong to it, but
// no process inside can become it.
const overflowUID = 65534

// mapText is the buffer of mapOf.
//
//nolint:gochecknoglobals // the keeper's memory
var mapText [128]byte

// mapOf formats a map: the user's id, and id 0 if MapRoot asks for it.
func mapOf(h *Header, inside uint32, outside uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&mapText)
	n := raw.PutNumber(out, uintptr(inside))
	n += raw.Put(unsafe.Add(out, n), raw.Text(" \x00"))
	n += raw.PutNumber(unsafe.Add(out, n), outside)
	n += raw.Put(unsafe.Add(out, n), raw.Text(" 1\n\x00"))
	if h.Flags&MapRoot != 0 && inside != 0 {
		n += raw.Put(unsafe.Add(out, n), raw.Text("0 \x00"))
		root := uintptr(overflowUID)
		if outside == overflowUID {
			root = suid.SpareRoot
		}
		n += raw.PutNumber(unsafe.Add(out, n), root)
		raw.Put(unsafe.Add(out, n), raw.Text(" 1\n\x00"))
	}
	return out
}
