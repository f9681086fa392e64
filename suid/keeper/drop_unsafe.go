// Package keeper has the code that runs with root's privilege in setuid mode, except for the
// broker: the start of the program until it drops privilege, and the keeper process. See package
// suid for the threat model and the picture of the processes.
package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, before it reads any input; setIDs and hasIDs also in the clone that becomes
// the first process.
//
// This file runs first in a program that may have been started with privilege: from a set-id
// bit, from file capabilities, or from a caller whose real and effective ids differ. It decides
// once, from the auxiliary vector and from the file's metadata, whether there is to be a keeper, and
// keeps the answer. Nothing asks geteuid(2) again later: in a user namespace the answer would mean
// something else (CVE-2020-5291).
//
// The real uid is the caller's, who could trace and signal this process. So the order is:
//
//  1. dropEffective, so that nothing below opens a file as root.
//  2. isInstalled looks at /proc/self/exe. A start of any other file loses its privilege permanently
//     (dropOther). Why such a launch is refused is found out later, without privilege (package child).
//  3. Split (keeper_unsafe.go) forks the keeper, then dropAll drops everything here, and isDropped
//     asks the kernel whether that is so.
//
// An undumpable process can be traced only with CAP_SYS_PTRACE (ptrace(2), "Ptrace access mode
// checking"). Every change of the effective ids sets the flag to fs.suid_dumpable, which may be 1
// (prctl(2), proc_sys_fs(5)). So PR_SET_DUMPABLE clears it again after each change.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// dropEffective is the first call of a privileged start. It leaves root as the saved uid only: no
// capability is effective, files are opened as the caller, and the process cannot be traced.
func dropEffective(sp unsafe.Pointer) {
	if uid := raw.Auxv(sp, raw.AtUID); uid != raw.Auxv(sp, raw.AtEUID) {
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		raw.Call(unix.SYS_SETRESUID, ^uintptr(0), uid, ^uintptr(0), 0, 0, 0)
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
}

// isInstalled reports whether the running file is installed for setuid mode: a regular file of root's that
// only root may write, set-user-id, not set-group-id, without file capabilities. What it cannot see is not.
func isInstalled(sp unsafe.Pointer) bool {
	const bits, wanted = unix.S_IFMT | unix.S_ISUID | unix.S_ISGID | unix.S_IWGRP | unix.S_IWOTH, unix.S_IFREG | unix.S_ISUID
	self := raw.Text("/proc/self/exe\x00")
	var st unix.Stat_t
	caps := raw.Errno(raw.Call(unix.SYS_GETXATTR, raw.Addr(self), raw.Addr(raw.Text("security.capability\x00")), 0, 0, 0, 0))
	return raw.Auxv(sp, raw.AtUID) != 0 && raw.Auxv(sp, raw.AtEUID) == 0 && raw.Auxv(sp, raw.AtGID) == raw.Auxv(sp, raw.AtEGID) &&
		raw.Fstatat(raw.AtCwd, self, &st) == 0 && st.Uid == 0 && st.Mode&bits == wanted &&
		(caps == unix.ENODATA || caps == unix.EOPNOTSUPP) // no such attribute; a file system without attributes
}

// dropOther is for all other files. If the start has changed ids, or given capabilities to a caller who is not
// root, it gives up permanently what was gained. AT_SECURE is known to be set, which does not decide it: a
// transition to another SELinux or AppArmor domain sets it too.
func dropOther(sp unsafe.Pointer) {
	uid, gid := Caller(sp)
	changed := raw.Auxv(sp, raw.AtUID) != raw.Auxv(sp, raw.AtEUID) || raw.Auxv(sp, raw.AtGID) != raw.Auxv(sp, raw.AtEGID)
	if changed || uid != 0 && !raw.NoMoreThan(0) {
		raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) // no later exec gains privilege either
		dropAll(uid, gid)
		raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
}

// Caller returns the ids of the user who launches. A caller whose real and effective ids differ
// keeps the less powerful ones, if the file has no set-id bit: the real ones (a set-id program
// that starts this one for its user), or the effective ones if the real ones are root's.
func Caller(sp unsafe.Pointer) (uid, gid uintptr) {
	if raw.Auxv(sp, raw.AtUID) == 0 {
		return raw.Auxv(sp, raw.AtEUID), raw.Auxv(sp, raw.AtEGID)
	}
	return raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtGID)
}

// dropAll sets all ids, permanently, and clears the capabilities unless uid is 0. It ends the program
// if that fails; for any other uid it also asks the kernel whether all is gone (isDropped).
func dropAll(uid, gid uintptr) {
	if setIDs(uid, gid) != 0 || uid != 0 && (raw.SetCaps(0, 0, 0) != 0 || !isDropped(uid, gid)) {
		message := raw.Text("gobwrap: Can't give up the privileges of the binary\n\x00")
		raw.Call(unix.SYS_WRITE, 2, raw.Addr(message), raw.Strlen(message), 0, 0, 0)
		raw.Exit(1)
	}
}

// setIDs sets the real, effective and saved ids. If a uid was 0 and none is afterwards, the kernel
// clears the capabilities in the same call (capabilities(7), "Effect of user ID changes").
func setIDs(uid, gid uintptr) unix.Errno {
	var c raw.Chain
	c.Call(unix.SYS_SETRESGID, gid, gid, gid, 0, 0)
	c.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0)
	return c.Errno
}

// isDropped reports whether the drop to a uid other than root's is complete and permanent: root's uid cannot be
// had, and the ids are the wanted ones after the attempt, too.
func isDropped(uid, gid uintptr) bool {
	return raw.NoMoreThan(0) && raw.Errno(raw.Call(unix.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0), 0, 0, 0)) == unix.EPERM && hasIDs(uid, gid)
}

// hasIDs reports whether all eight ids of this process are uid and gid. setfsuid(2) with an invalid
// id changes nothing and returns the current one.
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
