package child

// No runtime. See doc.go for the laws of this file.

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
// kernel refuses to ordinary users: so the keeper creates it under an id that nobody has.

// cloneMapped clones the first process into a user namespace, and the others below it,
// writes its maps, and has the process try what it is good for. It returns the pid, or a
// negated errno after which the keeper is what it was before. A reason that package suid
// has words for ends the launch, unless the user namespace is only a wish.
func cloneMapped(p plan.View, uid, gid uintptr) (uintptr, step.Fault) {
	row := suid.Permitted
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		return without(p, suid.RowReserved)
	}
	mine, its, e := acting.SocketPair()
	if e != 0 {
		return 0, step.Failed(e, plan.SubClone)
	}
	e = becomeOwner(uid)
	if e == unix.EINVAL { // a user namespace that does not map the id
		row = suid.RowNoOwner
	}
	pid := uintptr(0)
	if e == 0 {
		pid = cloneOwned(p, mine, its, uid)
		e = raw.Errno(pid)
	}
	f := step.Failed(e, plan.SubClone)
	raw.Close(its)
	if !f.Is() {
		f = writeItsMaps(p, pid, mine, uid, gid)
		if !f.Is() {
			e, row = tried(mine)
			f = step.Failed(e, plan.SubClone)
		}
	}
	raw.Close(mine) // if it failed, the child notices that
	becomeUser(uid)
	if row != suid.Permitted {
		return without(p, row)
	}
	return pid, f
}

// without is for a user namespace that there will not be, for the reason in row.
func without(p plan.View, row suid.Row) (uintptr, step.Fault) {
	if !p.Has(plan.FlagTryUser) {
		acting.End(step.Fault{Sub: plan.SubRefused, Extra: suid.Extra(row, 0)})
	}
	return 0, step.Failed(unix.EPERM, plan.SubClone)
}

// tried hears on line whether the user namespace is of use to its first process.
func tried(line uintptr) (unix.Errno, suid.Row) {
	powerful, ok := raw.ReadByte(line)
	if !ok {
		return unix.ESRCH, suid.Permitted
	}
	if powerful == 0 {
		return unix.EPERM, suid.RowPowerless
	}
	return 0, suid.Permitted
}

// cloneOwned is the clone itself. The child has the capabilities of the new namespace
// and none of ours.
func cloneOwned(p plan.View, mine, its, uid uintptr) uintptr {
	raw.Call(unix.SYS_SETFSUID, uid, 0, 0, 0, 0, 0) // what the namespaces come with (mqueue) is the user's
	guard()
	if e := raw.SetCaps(acting.Kept, 1<<unix.CAP_SYS_ADMIN, 0); e != 0 {
		return raw.Failed(e)
	}
	pid := raw.Call(unix.SYS_CLONE, uintptr(p.Clone)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		raw.Close(mine)
		runMapped(p, its)
	}
	if raw.SetCaps(acting.Kept, 0, 0) != 0 {
		raw.Exit(1)
	}
	return pid
}

// becomeOwner switches to the owner id of the caller's user namespaces (suid.Owner), as
// real and effective uid, for the clone alone. What the namespace's processes use up is
// charged to that id: not to root, whose limits are not the user's to fill (inotify,
// processes; namespaces(7), "user.max_*"), and up to the user's own limit on processes
// (since 5.14). The user may still kill us: the saved id is theirs.
func becomeOwner(uid uintptr) unix.Errno {
	owner := uintptr(suid.Owner(uint32(uid)))
	e := raw.SetCaps(acting.Kept, acting.Kept&(1<<unix.CAP_SETUID), 0)
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_SETRESUID, owner, owner, ^uintptr(0), 0, 0, 0))
	}
	guard()
	if raw.SetCaps(acting.Kept, 0, 0) != 0 {
		raw.Exit(1)
	}
	return e
}

// writeAs is writeBelow with capabilities: for a map the kernel asks whoever opens the
// file and whoever writes (user_namespaces(7)). The file is root's, in a directory that a
// /proc with hidepid= closes to those who may not trace the process (proc(5)).
func writeAs(capability uint, dir uintptr, path, value unsafe.Pointer) unix.Errno {
	if e := raw.SetCaps(acting.Kept, acting.Kept&(1<<capability|1<<unix.CAP_SETUID|1<<unix.CAP_SYS_PTRACE), 0); e != 0 {
		return e
	}
	raw.Call(unix.SYS_SETFSUID, 0, 0, 0, 0, 0, 0)
	guard()
	e := step.WriteBelow(dir, path, value)
	if raw.SetCaps(acting.Kept, 0, 0) != 0 {
		raw.Exit(1)
	}
	return e
}

// becomeUser goes back to the user's ids, with what is kept permitted only.
func becomeUser(uid uintptr) {
	raw.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	raw.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)
	raw.Prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
	guard()
	if raw.SetCaps(acting.Kept, 0, 0) != 0 || !hasIDs(uid, raw.Call(unix.SYS_GETGID, 0, 0, 0, 0, 0, 0)) {
		raw.Exit(1)
	}
}

// runMapped is the first process in its user namespace: it takes the user's ids there
// as soon as they are mapped, and goes on as without a user namespace, with what it keeps
// of this namespace's capabilities and none outside. It must not have all of them, as in
// direct mode: those that override permissions would count for every file of the host
// whose owner is mapped.
//
// There are kernels on which a capability of a user namespace is refused when used, root's
// included: so it says to the keeper whether the first mount call of every plan, which it
// makes here, and the change of ids are permitted.
func runMapped(p plan.View, line uintptr) {
	raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// "Somebody is there" lets the keeper be sure whose files it has opened.
	if !raw.Hears(line) || !raw.SendByte(line, 0) || !raw.Hears(line) {
		raw.Exit(1)
	}
	powerful := byte(0)
	if takeIDs(uintptr(p.UID), uintptr(p.GID)) {
		acting.Mapped = 1
		e := acting.Mount(nil, raw.Text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC|unix.MS_SILENT, nil)
		if e != unix.EPERM && e != unix.EACCES { // of other errors OpSlave will speak
			powerful = 1
		}
		if e == 0 {
			acting.Private = 1
		}
	}
	if !raw.SendByte(line, powerful) || powerful == 0 {
		raw.Exit(1)
	}
	raw.Close(line)
	announce()
	runFirst(p)
}

// takeIDs takes the user's ids, and gives up what set-up does not need of a new user
// namespace's capabilities. It reports whether the kernel permits that.
func takeIDs(uid, gid uintptr) bool {
	e := raw.CutBounding(0) // the namespace came with a full one
	if e == 0 {
		e = raw.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_SETRESGID, gid, gid, gid, 0, 0, 0))
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0))
	}
	raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	raw.Prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
	acting.KeepOnly(^uint64(suid.KeptForUser))
	return e == 0 && hasIDs(uid, gid)
}

// writeItsMaps writes the maps of the process pid, which answers on line that it is
// alive once its directory in /proc is open: the number cannot have gone to another one.
func writeItsMaps(p plan.View, pid, line, uid, gid uintptr) step.Fault {
	var path raw.Link
	name := unsafe.Pointer(&path)
	raw.PutNumber(unsafe.Add(name, raw.Put(name, raw.Text("/proc/\x00"))), pid)
	dir := acting.Privileged(unix.CAP_SYS_PTRACE, unix.SYS_OPENAT, raw.AtCwd, raw.Addr(name), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(dir); e != 0 {
		return step.Failed(e, plan.SubUIDMap)
	}
	kind, e := acting.FileSystem(dir)
	if e == 0 && kind != step.ProcMagic {
		e = unix.ENODEV
	}
	if e == 0 && (!ownProc() || !raw.SendByte(line, 0) || !raw.Hears(line)) {
		e = unix.ESRCH
	}
	f := step.Failed(e, plan.SubUIDMap)
	if !f.Is() {
		e = writeAs(unix.CAP_SETGID, dir, raw.Text("setgroups\x00"), raw.Text("deny\x00"))
		if e == unix.ENOENT { // before 3.19
			e = 0
		}
		f = step.Failed(e, plan.SubSetgroups)
	}
	if !f.Is() {
		f = step.Failed(writeAs(unix.CAP_SETGID, dir, raw.Text("gid_map\x00"), mapOf(p, p.GID, gid)), plan.SubGIDMap)
	}
	if !f.Is() {
		f = step.Failed(writeAs(unix.CAP_SETUID, dir, raw.Text("uid_map\x00"), mapOf(p, p.UID, uid)), plan.SubUIDMap)
	}
	raw.Close(dir)
	if !f.Is() && !raw.SendByte(line, 0) {
		f = step.Failed(unix.ESRCH, plan.SubUIDMap)
	}
	return f
}

// ownProc reports whether /proc knows processes by our numbers: it may be that of another
// PID namespace.
func ownProc() bool {
	var link raw.Link
	p := unsafe.Pointer(&link)
	if _, e := raw.Readlinkat(raw.AtCwd, raw.Text("/proc/self\x00"), p, unsafe.Sizeof(link)); e != 0 {
		return false
	}
	pid, ok := raw.Number(p)
	return ok && pid == raw.Getpid()
}

// nobody is who root of the namespace is outside, as in bubblewrap: the kernel's overflow
// id. Files may belong to it nevertheless; see runMapped.
const nobody = 65534

// mapText is what mapOf has written last.
//
//nolint:gochecknoglobals // the keeper's memory
var mapText [128]byte

// mapOf is the text of a map: the user's id, and root's where a devpts needs one.
func mapOf(p plan.View, inside uint32, outside uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&mapText)
	n := raw.PutNumber(out, uintptr(inside))
	n += raw.Put(unsafe.Add(out, n), raw.Text(" \x00"))
	n += raw.PutNumber(unsafe.Add(out, n), outside)
	n += raw.Put(unsafe.Add(out, n), raw.Text(" 1\n\x00"))
	if p.Has(plan.FlagMapRoot) && inside != 0 {
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
