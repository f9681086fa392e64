package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
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
func cloneMapped(p program, uid, gid uintptr) uintptr {
	row := suid.Permitted
	room.sub = plan.SubClone
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		return without(p, suid.RowReserved)
	}
	r := raw(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, addr(unsafe.Pointer(&room.pair)), 0, 0)
	if errno(r) != 0 {
		return r
	}
	mine, its := above(uintptr(room.pair[0])), above(uintptr(room.pair[1]))
	pid := becomeOwner(uid)
	if errno(pid) == unix.EINVAL { // a user namespace that does not map the id
		row = suid.RowNoOwner
	}
	if errno(pid) == 0 {
		pid = cloneOwned(p, mine, its, uid)
	}
	closeFd(its)
	if errno(pid) == 0 {
		e := writeItsMaps(p, pid, mine, uid, gid)
		if e == 0 {
			e, row = tried(mine)
		}
		if e != 0 {
			pid = failed(e) // the child notices the end of the socket
		}
	}
	closeFd(mine)
	becomeUser(uid)
	if row != suid.Permitted {
		return without(p, row)
	}
	return pid
}

// without is for a user namespace that there will not be, for the reason in row.
func without(p program, row suid.Row) uintptr {
	if !p.has(plan.FlagTryUser) {
		fault(0, plan.SubRefused, suid.Extra(row, 0))
	}
	return failed(unix.EPERM)
}

// tried hears on line whether the user namespace is of use to its first process.
func tried(line uintptr) (unix.Errno, suid.Row) {
	room.sub = plan.SubClone
	if readFull(line, unsafe.Pointer(&room.small), 1) != 1 {
		return unix.ESRCH, suid.Permitted
	}
	if room.small[0] == 0 {
		return unix.EPERM, suid.RowPowerless
	}
	return 0, suid.Permitted
}

// cloneOwned is the clone itself. The child has the capabilities of the new namespace
// and none of ours.
func cloneOwned(p program, mine, its, uid uintptr) uintptr {
	raw(unix.SYS_SETFSUID, uid, 0, 0, 0, 0, 0) // what the namespaces come with (mqueue) is the user's
	guard()
	if e := setCaps(room.kept, 1<<unix.CAP_SYS_ADMIN, 0); e != 0 {
		return failed(e)
	}
	pid := raw(unix.SYS_CLONE, uintptr(p.h.Clone)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		closeFd(mine)
		runMapped(p, its)
	}
	if setCaps(room.kept, 0, 0) != 0 {
		exit(1)
	}
	return pid
}

// becomeOwner switches to the owner id of the caller's user namespaces (suid.Owner), as
// real and effective uid, for the clone alone. What the namespace's processes use up is
// charged to that id: not to root, whose limits are not the user's to fill (inotify,
// processes; namespaces(7), "user.max_*"), and up to the user's own limit on processes
// (since 5.14). The user may still kill us: the saved id is theirs.
func becomeOwner(uid uintptr) uintptr {
	owner := uintptr(suid.Owner(uint32(uid)))
	e := setCaps(room.kept, room.kept&(1<<unix.CAP_SETUID), 0)
	if e == 0 {
		e = errno(raw(unix.SYS_SETRESUID, owner, owner, ^uintptr(0), 0, 0, 0))
	}
	guard()
	if setCaps(room.kept, 0, 0) != 0 {
		exit(1)
	}
	return failed(e)
}

// writeAs is writeBelow with capabilities: for a map the kernel asks whoever opens the
// file and whoever writes (user_namespaces(7)). The file is root's, in a directory that a
// /proc with hidepid= closes to those who may not trace the process (proc(5)).
func writeAs(capability uint, dir uintptr, path, value unsafe.Pointer) unix.Errno {
	if e := setCaps(room.kept, room.kept&(1<<capability|1<<unix.CAP_SETUID|1<<unix.CAP_SYS_PTRACE), 0); e != 0 {
		return e
	}
	raw(unix.SYS_SETFSUID, 0, 0, 0, 0, 0, 0)
	guard()
	e := writeBelow(dir, path, value)
	if setCaps(room.kept, 0, 0) != 0 {
		exit(1)
	}
	return e
}

// becomeUser goes back to the user's ids, with what is kept permitted only.
func becomeUser(uid uintptr) {
	prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	raw(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)
	prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
	guard()
	if setCaps(room.kept, 0, 0) != 0 || !hasIDs(uid, raw(unix.SYS_GETGID, 0, 0, 0, 0, 0, 0)) {
		exit(1)
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
func runMapped(p program, line uintptr) {
	prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// "Somebody is there" lets the keeper be sure whose files it has opened.
	if readFull(line, unsafe.Pointer(&room.small), 1) != 1 || writeFull(line, unsafe.Pointer(&room.small), 1) != 0 ||
		readFull(line, unsafe.Pointer(&room.small), 1) != 1 {
		exit(1)
	}
	room.small[0] = 0
	if takeIDs(uintptr(p.h.UID), uintptr(p.h.GID)) {
		room.mapped = 1
		e := mount(nil, text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC|unix.MS_SILENT, nil)
		if e != unix.EPERM && e != unix.EACCES { // of other errors OpSlave will speak
			room.small[0] = 1
		}
		if e == 0 {
			room.slave = 1
		}
	}
	if writeFull(line, unsafe.Pointer(&room.small), 1) != 0 || room.small[0] == 0 {
		exit(1)
	}
	closeFd(line)
	announce()
	runFirst(p)
}

// takeIDs takes the user's ids, and gives up what set-up does not need of a new user
// namespace's capabilities. It reports whether the kernel permits that.
func takeIDs(uid, gid uintptr) bool {
	e := cutBounding(0) // the namespace came with a full one
	if e == 0 {
		e = prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	}
	if e == 0 {
		e = errno(raw(unix.SYS_SETRESGID, gid, gid, gid, 0, 0, 0))
	}
	if e == 0 {
		e = errno(raw(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0))
	}
	prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
	keepOnly(^uint64(suid.KeptForUser))
	return e == 0 && hasIDs(uid, gid)
}

// writeItsMaps writes the maps of the process pid, which answers on line that it is
// alive once its directory in /proc is open: the number cannot have gone to another one.
func writeItsMaps(p program, pid, line, uid, gid uintptr) unix.Errno {
	room.sub = plan.SubUIDMap
	name := unsafe.Pointer(&room.names[0])
	putNumber(unsafe.Add(name, put(name, text("/proc/\x00"))), pid)
	dir := privileged(unix.CAP_SYS_PTRACE, unix.SYS_OPENAT, atCwd, addr(name), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0, 0)
	if e := errno(dir); e != 0 {
		return e
	}
	e := isProc(dir)
	if e == 0 && !ownProc() {
		e = unix.ESRCH
	}
	if e == 0 && (writeFull(line, unsafe.Pointer(&room.small), 1) != 0 || readFull(line, unsafe.Pointer(&room.small), 1) != 1) {
		e = unix.ESRCH
	}
	if e == 0 {
		room.sub = plan.SubSetgroups
		e = writeAs(unix.CAP_SETGID, dir, text("setgroups\x00"), text("deny\x00"))
		if e == unix.ENOENT { // before 3.19
			e = 0
		}
	}
	if e == 0 {
		room.sub = plan.SubGIDMap
		e = writeAs(unix.CAP_SETGID, dir, text("gid_map\x00"), mapOf(p, p.h.GID, gid))
	}
	if e == 0 {
		room.sub = plan.SubUIDMap
		e = writeAs(unix.CAP_SETUID, dir, text("uid_map\x00"), mapOf(p, p.h.UID, uid))
	}
	closeFd(dir)
	if e == 0 && writeFull(line, unsafe.Pointer(&room.small), 1) != 0 {
		e = unix.ESRCH
	}
	return e
}

// ownProc reports whether /proc knows processes by our numbers: it may be that of another
// PID namespace.
func ownProc() bool {
	p := unsafe.Pointer(&room.small)
	n := raw(unix.SYS_READLINKAT, atCwd, addr(text("/proc/self\x00")), addr(p), 255, 0, 0)
	if errno(n) != 0 {
		return false
	}
	*(*byte)(unsafe.Add(p, n)) = 0
	pid, ok := number(p)
	return ok && pid == getpid()
}

// nobody is who root of the namespace is outside, as in bubblewrap: the kernel's overflow
// id. Files may belong to it nevertheless; see runMapped.
const nobody = 65534

// mapOf is the text of a map: the user's id, and root's where a devpts needs one.
func mapOf(p program, inside uint32, outside uintptr) unsafe.Pointer {
	out := unsafe.Pointer(&room.names[1])
	n := putNumber(out, uintptr(inside))
	n += put(unsafe.Add(out, n), text(" \x00"))
	n += putNumber(unsafe.Add(out, n), outside)
	n += put(unsafe.Add(out, n), text(" 1\n\x00"))
	if p.has(plan.FlagMapRoot) && inside != 0 {
		n += put(unsafe.Add(out, n), text("0 \x00"))
		root := uintptr(nobody)
		if outside == nobody {
			root = suid.NoOnesRoot
		}
		n += putNumber(unsafe.Add(out, n), root)
		put(unsafe.Add(out, n), text(" 1\n\x00"))
	}
	return out
}
