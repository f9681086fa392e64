// Package keeper is what runs with root's privilege in setuid mode, except for the broker: from
// the program's start to the drop, and the keeper. See package suid.
package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, before it reads anything; the keeper is forked here.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// This file runs first in a program that may have been started with privileges of its
// own, and takes them. Privilege is judged here, once, by the auxiliary vector and by
// the file; what follows is explicit state (CVE-2020-5291).

// lower is the very first thing that a privileged start does: from here on root is only
// the saved uid, no capability is effective, what is opened is opened as the caller, and
// nobody traces us: fs.suid_dumpable may allow it (proc_sys_fs(5)).
func dropEffective(sp unsafe.Pointer) {
	if uid := raw.Auxv(sp, raw.AtUID); uid != raw.Auxv(sp, raw.AtEUID) {
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		raw.Call(unix.SYS_SETRESUID, ^uintptr(0), uid, ^uintptr(0), 0, 0, 0)
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
}

// settle decides what this start is. It gives up, permanently, what a set-id bit or file
// capabilities gave, except where it returns suid.Installed. AT_SECURE is known to be set, which
// alone says little: a change of SELinux or AppArmor domain sets it too, and so does a caller
// with several ids.
func classify(sp unsafe.Pointer) suid.Standing {
	uid, euid, gid, egid := raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtEUID), raw.Auxv(sp, raw.AtGID), raw.Auxv(sp, raw.AtEGID)
	if uid == euid && gid == egid {
		permitted, _, ok := raw.Caps()
		if uid != 0 && (!ok || permitted&^ambientCaps() != 0) {
			dropForGood(uid, gid)
			return suid.FileCaps
		}
		return suid.Plain
	}
	standing := installKind(euid, gid, egid)
	switch standing {
	case suid.Plain:
		uid, gid = Caller(sp)
		dropForGood(uid, gid)
		raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	case suid.Installed:
	default:
		dropForGood(uid, gid)
	}
	return standing
}

// Caller returns the ids of the user who launches. A caller with several ids, and no set-id file, keeps the
// lesser: the real ones (a set-id program that calls us for its user), or, where those are
// root's, the effective ones (root who stepped down).
func Caller(sp unsafe.Pointer) (uid, gid uintptr) {
	if raw.Auxv(sp, raw.AtUID) == 0 {
		return raw.Auxv(sp, raw.AtEUID), raw.Auxv(sp, raw.AtEGID)
	}
	return raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtGID)
}

// stand returns how the file that was started is installed. What it cannot see for certain is
// refused.
func installKind(euid, gid, egid uintptr) suid.Standing {
	self := raw.Text("/proc/self/exe\x00")
	var st unix.Stat_t
	if raw.Fstatat(raw.AtCwd, self, &st) != 0 {
		return suid.OddIDs
	}
	// No attribute: ENODATA; a file system without them: EOPNOTSUPP.
	e := raw.Errno(raw.Call(unix.SYS_GETXATTR, raw.Addr(self), raw.Addr(raw.Text("security.capability\x00")), 0, 0, 0, 0))
	mode := st.Mode
	switch {
	case e == 0:
		return suid.FileCaps
	case mode&(unix.S_ISUID|unix.S_ISGID) == 0:
		return suid.Plain
	case e != unix.ENODATA && e != unix.EOPNOTSUPP:
		return suid.OddIDs
	case mode&unix.S_ISGID != 0:
		return suid.SetGID
	case st.Uid != 0 || euid != 0:
		return suid.OtherOwner
	case gid != egid || mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 || mode&unix.S_IFMT != unix.S_IFREG:
		return suid.OddIDs
	case !suid.Built:
		return suid.NotBuilt
	}
	return suid.Installed
}

// seal is drop after which no exec ever gains privilege either.
func dropForGood(uid, gid uintptr) {
	raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	dropAll(uid, gid)
}

// drop gives everything up, and ends the program if the kernel does not confirm that.
// Establishes: real, effective, saved and file-system ids are uid and gid, no capability
// in any set, and neither root nor another id can be had back.
func dropAll(uid, gid uintptr) {
	if setIDs(uid, gid) != 0 || uid != 0 && (raw.SetCaps(0, 0, 0) != 0 || !isDropped(uid, gid)) {
		die(raw.Text("gobwrap: Can't give up the privileges of the binary\n\x00"))
	}
}

// die ends the program with a message.
func die(message unsafe.Pointer) {
	raw.Call(unix.SYS_WRITE, 2, raw.Addr(message), raw.Strlen(message), 0, 0, 0)
	raw.Exit(1)
}

// become takes ids of a user's. Where a uid was 0 and none is after it, the kernel takes the
// capabilities in the same call.
func setIDs(uid, gid uintptr) unix.Errno {
	e := raw.Errno(raw.Call(unix.SYS_SETRESGID, gid, gid, gid, 0, 0, 0))
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0))
	}
	return e
}

// dropped proves the drop of a uid that is not root's.
func isDropped(uid, gid uintptr) bool {
	return raw.NoMoreThan(0) && hasIDs(uid, gid) &&
		raw.Errno(raw.Call(unix.SYS_SETUID, 0, 0, 0, 0, 0, 0)) == unix.EPERM &&
		raw.Errno(raw.Call(unix.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0), 0, 0, 0)) == unix.EPERM &&
		hasIDs(uid, gid)
}

// hasIDs reports whether all ids of this process are these. setfsuid(2) with an id that
// there is not changes nothing and says what is.
func hasIDs(uid, gid uintptr) bool {
	var ids [6]uint32
	p := raw.Addr(unsafe.Pointer(&ids))
	if raw.Errno(raw.Call(unix.SYS_GETRESUID, p, p+4, p+8, 0, 0, 0)) != 0 || raw.Errno(raw.Call(unix.SYS_GETRESGID, p+12, p+16, p+20, 0, 0, 0)) != 0 {
		return false
	}
	u, g := uint32(uid), uint32(gid)
	return ids[0] == u && ids[1] == u && ids[2] == u && ids[3] == g && ids[4] == g && ids[5] == g &&
		uint32(raw.Call(unix.SYS_SETFSUID, ^uintptr(0), 0, 0, 0, 0, 0)) == u && uint32(raw.Call(unix.SYS_SETFSGID, ^uintptr(0), 0, 0, 0, 0, 0)) == g
}

// ambient is the ambient set: capabilities that the caller, not the file, gave.
func ambientCaps() uint64 {
	set := uint64(0)
	for c := uintptr(0); c <= raw.LastCap; c++ {
		r := raw.Call(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c, 0, 0, 0)
		if r == 1 {
			set |= 1 << c
		}
	}
	return set
}
