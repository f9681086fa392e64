package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; enterUser in its clone.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// This file is --unshare-user in setuid mode. The owner of a user namespace is who created
// it, may enter it, and has all capabilities there (user_namespaces(7)), which is what this
// kernel refuses to ordinary users: so it is created under an id that nobody has.

// assume takes the effective uid as which all namespaces of a launch are made. The kernel counts
// them as its (namespaces(7), "user.max_*"): not as root's, whose limits are not the user's to fill.
// It stays root's, and there is no user namespace for the sandbox, for a caller who has an id that is
// to be nobody's, and where the id does not exist. Nor is there one if it is a wish that the
// administrator refuses. It ends the launch where the namespace is more than a wish.
func assume(line uintptr, h *Header, uid, gid uintptr) (owner uintptr) {
	owner = uintptr(suid.Owner(uint32(uid)))
	row := suid.Permitted
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		row, owner = suid.RowReserved, 0
	} else if as(owner) != 0 {
		row, owner = suid.RowNoOwner, 0
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 && (row != suid.Permitted || h.Flags&TryUser != 0 && conf.Skips()) {
		without(line, h, plan.SubRefused, 0, suid.Extra(row, 0))
		h.Clone &^= unix.CLONE_NEWUSER
	}
	return owner
}

// without ends the launch, unless the user namespace that there will not be is only a wish.
func without(line uintptr, h *Header, sub plan.Sub, e unix.Errno, extra uint32) {
	if h.Flags&TryUser == 0 {
		end(line, sub, e, extra)
	}
}

// enterUser creates the user namespace, and returns when its maps are written. Its owner, the
// effective uid, is charged with what its processes use too (inotify, processes).
func enterUser(its uintptr) {
	e := raw.Errno(raw.Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0))
	guard()
	// The keeper asks whether we are there when it has opened our directory in /proc.
	if !raw.SendByte(its, byte(e)) || e != 0 || !raw.Hears(its) || !raw.SendByte(its, 0) || !raw.Hears(its) {
		raw.Exit(1)
	}
}

// mapped writes the maps of the first process's user namespace, and hears whether it has taken
// the user's ids: on some kernels every capability in a user namespace is refused when it is
// used, root's included.
func mapped(line, proc uintptr, h *Header, pid, its, uid, gid uintptr) bool {
	code, ok := raw.ReadByte(its)
	switch {
	case !ok:
		without(line, h, plan.SubClone, unix.ESRCH, 0)
		return false
	case code != 0:
		without(line, h, plan.SubClone, unix.Errno(code), h.Clone)
		return false
	}
	if sub, e := writeMaps(h, proc, pid, its, uid, gid); e != 0 {
		without(line, h, sub, e, 0)
		return false
	}
	if code, ok = raw.ReadByte(its); !ok || code != 0 {
		without(line, h, plan.SubRefused, 0, suid.Extra(suid.RowPowerless, 0))
		return false
	}
	return true
}

// writeMaps writes the maps of the process pid, which answers on its socket that it is
// alive once its directory in /proc is open: the number cannot have gone to another one. A
// /proc that hides processes (hidepid=) shows it by CAP_SYS_PTRACE.
func writeMaps(h *Header, proc, pid, its, uid, gid uintptr) (plan.Sub, unix.Errno) {
	var name raw.Link
	raw.PutNumber(unsafe.Pointer(&name), pid)
	dir := raw.Openat(proc, unsafe.Pointer(&name), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(dir); e != 0 {
		return plan.SubUIDMap, e
	}
	if !ownProc(proc) || !raw.SendByte(its, 0) || !raw.Hears(its) {
		return plan.SubUIDMap, unix.ESRCH
	}
	if e := step.WriteBelow(dir, raw.Text("setgroups\x00"), raw.Text("deny\x00")); e != 0 && e != unix.ENOENT { // before 3.19
		return plan.SubSetgroups, e
	}
	if e := step.WriteBelow(dir, raw.Text("gid_map\x00"), mapOf(h, h.GID, gid)); e != 0 {
		return plan.SubGIDMap, e
	}
	if e := step.WriteBelow(dir, raw.Text("uid_map\x00"), mapOf(h, h.UID, uid)); e != 0 {
		return plan.SubUIDMap, e
	}
	raw.Close(dir)
	raw.SendByte(its, 0)
	return 0, 0
}

// ownProc reports whether proc knows processes by our numbers: it
// may be that of another PID namespace.
func ownProc(proc uintptr) bool {
	var link raw.Link
	p := unsafe.Pointer(&link)
	if _, e := raw.Readlinkat(proc, raw.Text("self\x00"), p, unsafe.Sizeof(link)); e != 0 {
		return false
	}
	pid, ok := raw.Number(p)
	return ok && pid == raw.Getpid()
}

// nobody is who root of the namespace is outside, as in bubblewrap: the kernel's overflow
// id. Files may belong to it nevertheless; nobody inside becomes it.
const nobody = 65534

// mapText is what mapOf has written last.
//
//nolint:gochecknoglobals // the keeper's memory
var mapText [128]byte

// mapOf is the text of a map: the user's id, and root's where a devpts needs one.
func mapOf(h *Header, inside uint32, outside uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&mapText)
	n := raw.PutNumber(out, uintptr(inside))
	n += raw.Put(unsafe.Add(out, n), raw.Text(" \x00"))
	n += raw.PutNumber(unsafe.Add(out, n), outside)
	n += raw.Put(unsafe.Add(out, n), raw.Text(" 1\n\x00"))
	if h.Flags&MapRoot != 0 && inside != 0 {
		n += raw.Put(unsafe.Add(out, n), raw.Text("0 \x00"))
		root := uintptr(nobody)
		if outside == nobody {
			root = suid.NoOnesRoot
		}
		n += raw.PutNumber(unsafe.Add(out, n), root)
		raw.Put(unsafe.Add(out, n), raw.Text(" 1\n\x00"))
	}
	return out
}
