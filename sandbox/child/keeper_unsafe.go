package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// This file is the keeper of the setuid mode: see package suid for what it is for.

// startKeeper forks the keeper, which never returns. It says its faults on sock; ear is where
// they are heard.
func startKeeper(ear, sock, uid, gid uintptr) {
	ours, end := sockets()
	room.keeperEnd = ours
	launcher := getpid()
	pid := clone(0)
	if e := errno(pid); e != 0 {
		giveUp(text("Can't start the keeper of the setuid mode\x00"), e)
	}
	if pid == 0 {
		closeFd(ear)
		room.line = 0 // it was ear, if this is plan mode
		closeFd(room.keeperEnd)
		room.keeper, room.keeperEnd = 0, 0
		room.sock, room.childEnd = sock, end
		runKeeper(launcher, uid, gid)
	}
	closeFd(end)
	room.keeper = pid
}

// runKeeper settles what the keeper keeps, waits for the one plan, and carries it out.
func runKeeper(launcher, uid, gid uintptr) {
	room.guarded = 1
	room.step = plan.NoStep
	room.expect = launcher
	if !settleKeeper(uid, gid) {
		exit(1)
	}
	n := uintptr(0)
	switch receiveOnly(unsafe.Pointer(&room.message), 4) {
	case 0: // direct mode works, or there was nothing to run
		exit(0)
	case 4:
		n = uintptr(room.message[0])
	default:
		exit(1)
	}
	if n > suid.MaxBytes {
		fault(0, plan.SubRefused, suid.Extra(suid.RowBytes, 0))
	}
	serve(receivePlan(n), uid, gid)
}

// settleKeeper establishes: all ids are the user's, the bounding set is empty, no exec
// gains anything, nothing is effective, Kept is permitted, nobody traces, and we do not
// outlive the launcher.
func settleKeeper(uid, gid uintptr) bool {
	permitted, _, ok := getCaps()
	room.kept = permitted & suid.Kept
	if !ok || room.kept&(1<<unix.CAP_SYS_ADMIN) == 0 || permitted&(1<<unix.CAP_SETPCAP) == 0 {
		return false // a container's root, say
	}
	if prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setCaps(permitted, 1<<unix.CAP_SETPCAP, 0) != 0 || cutBounding(0) != 0 {
		return false
	}
	if prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || errno(raw(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)) != 0 {
		return false
	}
	if setCaps(room.kept, 0, 0) != 0 || prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 {
		return false
	}
	guard()
	now, inheritable, ok := getCaps()
	return ok && now == room.kept && inheritable == 0 && hasIDs(uid, gid)
}

// guard is for a process that has just changed its ids: such a change may make it
// dumpable (fs.suid_dumpable) and disarms the death signal.
func guard() {
	if prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) != 0 || getppid() != room.expect {
		exit(1)
	}
}

// msghdr is the kernel's struct user_msghdr.
type msghdr struct {
	name, namelen, iov, iovlen, control, controllen uintptr
	flags                                           uint32
	_                                               uint32
}

// receiveOnly reads up to n bytes from the keeper's socket, until there is an end, and
// returns how many there were. Whoever passes a descriptor ends the keeper: there is no
// room for one, so that the kernel drops it and says MSG_CTRUNC.
func receiveOnly(p unsafe.Pointer, n uintptr) uintptr {
	done := uintptr(0)
	for done < n {
		var m msghdr
		var iov [2]uintptr
		iov[0], iov[1] = addr(p)+done, n-done
		m.iov, m.iovlen = addr(unsafe.Pointer(&iov)), 1
		r := raw(unix.SYS_RECVMSG, room.childEnd, addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		e := errno(r)
		if e == unix.EINTR {
			continue
		}
		if e != 0 || m.flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
			exit(1)
		}
		if r == 0 {
			break
		}
		done += r
	}
	return done
}

// receivePlan reads the plan into memory that nobody else can write, and requires that
// nothing comes after it.
func receivePlan(n uintptr) program {
	r := raw(unix.SYS_MMAP, 0, n+1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if e := errno(r); e != 0 {
		fault(e, plan.SubPlan, 0)
	}
	base := mapped(r)
	if receiveOnly(base, n+1) != n {
		exit(1) // short, or more than one message
	}
	if v := plan.Verify(base, uint32(n)); v != plan.Good {
		fault(0, plan.SubPlan, uint32(v))
	}
	return program{base, (*plan.Header)(base)}
}

// serve judges a plan and starts the sandbox's first process for it, as the monitor's
// child, which says itself who it is (announce): what the monitor is told on the feed
// then comes from one process, in order. Then the keeper ends.
func serve(p program, uid, gid uintptr) {
	if row, step := suid.Gate(p.base, halfMemory()); row != suid.Permitted {
		room.step = step
		fault(0, plan.SubRefused, suid.Extra(row, 0))
	}
	restrict(p, gid)
	checkFds(p)
	if getppid() != room.expect {
		exit(1)
	}
	pid := uintptr(0)
	there, e := canFence()
	if e != 0 {
		fault(e, plan.SubKeeper, 0)
	}
	if !there && p.h.Clone&unix.CLONE_NEWUSER == 0 {
		// Something must keep the command from the caller's other processes.
		p.h.Clone |= unix.CLONE_NEWUSER
		p.h.Flags |= plan.FlagTryUser
	}
	user := p.h.Clone&unix.CLONE_NEWUSER != 0
	try := p.has(plan.FlagTryUser)
	if user && !(try && room.conf.Skips()) {
		pid = cloneMapped(p, uid, gid)
	}
	if e := errno(pid); e != 0 && !try {
		fault(e, room.sub, p.h.Clone)
	}
	if pid == 0 || errno(pid) != 0 {
		clonePlain(p)
	}
	exit(0)
}

// clonePlain clones the first process without a user namespace: it keeps, permitted,
// what mounting needs.
func clonePlain(p program) {
	pid := privileged(unix.CAP_SYS_ADMIN, unix.SYS_CLONE,
		uintptr(p.h.Clone&^unix.CLONE_NEWUSER)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e := errno(pid); e != 0 {
		fault(e, plan.SubClone, p.h.Clone&^unix.CLONE_NEWUSER)
	}
	if pid == 0 {
		prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		keepOnly(^uint64(suid.KeptForUser))
		announce()
		runFirst(p)
	}
}

// halfMemory is what the kernel gives a tmpfs by itself, in bytes; 0 where it does not
// say.
func halfMemory() uint64 {
	info := (*unix.Sysinfo_t)(unsafe.Pointer(&room.data))
	if errno(raw(unix.SYS_SYSINFO, addr(unsafe.Pointer(info)), 0, 0, 0, 0, 0)) != 0 {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit) / 2
}
