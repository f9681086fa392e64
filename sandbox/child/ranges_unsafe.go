package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file is about user namespaces with more ids than the caller's own. Their maps are
// written from outside of them.

// askForMaps waits until the front end has had this process's maps written.
func askForMaps() unix.Errno {
	say(plan.MsgMaps, 0, room.step, plan.SubMain, 0)
	if readFull(room.sock, unsafe.Pointer(&room.small), 1) != 1 {
		exit(max(room.failed, 1))
	}
	return 0
}

// become switches to other ids and keeps the capabilities, which a change of ids takes
// otherwise (capabilities(7), "Effect of user ID changes"). The death signal and
// dumpability are lost by it, too (PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const));
// without the latter our files in /proc would be root's. With FlagTry an id that the user
// namespace does not map is left as it is.
func become(s *plan.Step) unix.Errno {
	uid, gid := uintptr(s.A), uintptr(s.B)
	permitted, _, ok := getCaps()
	if !ok {
		return unix.EPERM
	}
	if e := prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); e != 0 {
		return e
	}
	room.sub = plan.SubGIDMap
	if e := errno(raw(unix.SYS_SETRESGID, gid, gid, gid, 0, 0, 0)); e != 0 && !(e == unix.EINVAL && s.Flags&plan.FlagTry != 0) {
		return e
	}
	room.sub = plan.SubUIDMap
	if e := errno(raw(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)); e != 0 && !(e == unix.EINVAL && s.Flags&plan.FlagTry != 0) {
		return e
	}
	room.sub = plan.SubMain
	if e := setCaps(permitted, permitted, 0); e != 0 {
		return e
	}
	if e := prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0); e != 0 {
		return e
	}
	if e := prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); e != 0 {
		return e
	}
	return guarded(0)
}

// nest enters a user namespace below this one. Who is in it may no more write a map with
// several lines, so a helper that stays above does that. It finds this process by a
// descriptor of its directory in the host's proc, where its number is not known.
func nest(uid, gid unsafe.Pointer) unix.Errno {
	self := openat(room.proc, text("self\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := errno(self); e != 0 {
		return e
	}
	if e := errno(raw(unix.SYS_PIPE2, addr(unsafe.Pointer(&room.pair)), unix.O_CLOEXEC, 0, 0, 0, 0)); e != 0 {
		return e
	}
	in, out := uintptr(room.pair[0]), uintptr(room.pair[1])
	helper := clone(0)
	if e := errno(helper); e != 0 {
		return e
	}
	if helper == 0 {
		closeFd(out)
		mapFromAbove(in, self, uid, gid)
	}
	closeFd(in)
	e := errno(raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0))
	if e == 0 {
		writeFull(out, unsafe.Pointer(&room.small), 1)
	}
	closeFd(out)
	closeFd(self)
	if errno(wait(helper)) != 0 || e == 0 && room.status != 0 {
		exit(max(room.failed, 1)) // the helper has said why
	}
	return guarded(e)
}

// mapFromAbove is the helper of nest: it waits for a byte, or for the end of the pipe, and
// writes the maps of the process whose directory in proc self is. It does not return.
func mapFromAbove(in, self uintptr, uid, gid unsafe.Pointer) {
	if readFull(in, unsafe.Pointer(&room.small), 1) != 1 {
		exit(1)
	}
	room.sub = plan.SubUIDMap
	e := writeBelow(self, text("uid_map\x00"), uid)
	if e == 0 {
		room.sub = plan.SubGIDMap
		e = writeBelow(self, text("gid_map\x00"), gid)
	}
	if e != 0 {
		fault(e, room.sub, 0)
	}
	exit(0)
}
