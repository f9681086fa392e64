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

// This file is the keeper of the setuid mode: see package suid for what it is for.

// startKeeper forks the keeper, which never returns. It says its faults on sock; ear is where
// they are heard.
func startKeeper(ear, sock, uid, gid uintptr) {
	ours, end := sockets()
	monitor.keeperEnd = ours
	launcher := raw.Getpid()
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		step.GiveUp(raw.Text("Can't start the keeper of the setuid mode\x00"), e)
	}
	if pid == 0 {
		raw.Close(ear)
		host.line = 0 // it was ear, if this is plan mode
		raw.Close(monitor.keeperEnd)
		monitor.keeper, monitor.keeperEnd = 0, 0
		acting.Sock, feed.child = sock, end
		runKeeper(launcher, uid, gid)
	}
	raw.Close(end)
	monitor.keeper = pid
}

// runKeeper settles what the keeper keeps, waits for the one plan, and carries it out.
func runKeeper(launcher, uid, gid uintptr) {
	acting.Guarded = 1
	acting.Step = plan.NoStep
	acting.Parent = launcher
	if !settleKeeper(uid, gid) {
		raw.Exit(1)
	}
	size := uint32(0)
	switch receiveOnly(unsafe.Pointer(&size), 4) {
	case 0: // direct mode works, or there was nothing to run
		raw.Exit(0)
	case 4:
	default:
		raw.Exit(1)
	}
	n := uintptr(size)
	if n > suid.MaxBytes {
		acting.End(step.Fault{Sub: plan.SubRefused, Extra: suid.Extra(suid.RowBytes, 0)})
	}
	serve(receivePlan(n), uid, gid)
}

// settleKeeper establishes: all ids are the user's, the bounding set is empty, no exec
// gains anything, nothing is effective, Kept is permitted, nobody traces, and we do not
// outlive the launcher.
func settleKeeper(uid, gid uintptr) bool {
	permitted, _, ok := raw.Caps()
	acting.Kept = permitted & suid.Kept
	if !ok || acting.Kept&(1<<unix.CAP_SYS_ADMIN) == 0 || permitted&(1<<unix.CAP_SETPCAP) == 0 {
		return false // a container's root, say
	}
	if raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || raw.SetCaps(permitted, 1<<unix.CAP_SETPCAP, 0) != 0 || raw.CutBounding(0) != 0 {
		return false
	}
	if raw.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || raw.Errno(raw.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)) != 0 {
		return false
	}
	if raw.SetCaps(acting.Kept, 0, 0) != 0 || raw.Prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 {
		return false
	}
	guard()
	now, inheritable, ok := raw.Caps()
	return ok && now == acting.Kept && inheritable == 0 && hasIDs(uid, gid)
}

// guard is for a process that has just changed its ids: such a change may make it
// dumpable (fs.suid_dumpable) and disarms the death signal.
func guard() {
	if raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) != 0 || raw.Getppid() != acting.Parent {
		raw.Exit(1)
	}
}

// receiveOnly reads up to n bytes from the keeper's socket, until there is an end, and
// returns how many there were. Whoever passes a descriptor ends the keeper: there is no
// room for one, so that the kernel drops it and says MSG_CTRUNC.
func receiveOnly(p unsafe.Pointer, n uintptr) uintptr {
	done := uintptr(0)
	for done < n {
		var m raw.Msghdr
		var iov [2]uintptr
		iov[0], iov[1] = raw.Addr(p)+done, n-done
		m.Iov, m.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
		r := raw.Call(unix.SYS_RECVMSG, feed.child, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		e := raw.Errno(r)
		if e == unix.EINTR {
			continue
		}
		if e != 0 || m.Flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
			raw.Exit(1)
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
func receivePlan(n uintptr) plan.View {
	r := raw.Call(unix.SYS_MMAP, 0, n+1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if e := raw.Errno(r); e != 0 {
		acting.End(step.Failed(e, plan.SubPlan))
	}
	base := raw.Mapped(r)
	if receiveOnly(base, n+1) != n {
		raw.Exit(1) // short, or more than one message
	}
	if v := plan.Verify(base, uint32(n)); v != plan.Good {
		acting.End(step.Fault{Sub: plan.SubPlan, Extra: uint32(v)})
	}
	return plan.ViewAt(base)
}

// serve judges a plan and starts the sandbox's first process for it, as the monitor's
// child, which says itself who it is (announce): what the monitor is told on the feed
// then comes from one process, in order. Then the keeper ends.
func serve(p plan.View, uid, gid uintptr) {
	if row, at := suid.Gate(p.Base(), halfMemory()); row != suid.Permitted {
		acting.Step = at
		acting.End(step.Fault{Sub: plan.SubRefused, Extra: suid.Extra(row, 0)})
	}
	restrict(p, gid)
	checkFds(p)
	if raw.Getppid() != acting.Parent {
		raw.Exit(1)
	}
	pid, f := uintptr(0), step.Fault{}
	there, e := canFence()
	if e != 0 {
		acting.End(step.Failed(e, plan.SubKeeper))
	}
	if !there && p.Clone&unix.CLONE_NEWUSER == 0 {
		// Something must keep the command from the caller's other processes.
		p.Clone |= unix.CLONE_NEWUSER
		p.Flags |= plan.FlagTryUser
	}
	user := p.Clone&unix.CLONE_NEWUSER != 0
	try := p.Has(plan.FlagTryUser)
	if user && !(try && conf.Skips()) {
		pid, f = cloneMapped(p, uid, gid)
	}
	if f.Is() && !try {
		f.Extra = p.Clone
		acting.End(f)
	}
	if pid == 0 || f.Is() {
		clonePlain(p)
	}
	raw.Exit(0)
}

// clonePlain clones the first process without a user namespace: it keeps, permitted,
// what mounting needs.
func clonePlain(p plan.View) {
	pid := acting.Privileged(unix.CAP_SYS_ADMIN, unix.SYS_CLONE,
		uintptr(p.Clone&^unix.CLONE_NEWUSER)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e := raw.Errno(pid); e != 0 {
		acting.End(step.Fault{Errno: e, Sub: plan.SubClone, Extra: p.Clone &^ unix.CLONE_NEWUSER})
	}
	if pid == 0 {
		raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		acting.KeepOnly(^uint64(suid.KeptForUser))
		announce()
		runFirst(p)
	}
}

// halfMemory is what the kernel gives a tmpfs by itself, in bytes; 0 where it does not
// say.
func halfMemory() uint64 {
	var info unix.Sysinfo_t
	if raw.Errno(raw.Call(unix.SYS_SYSINFO, raw.Addr(unsafe.Pointer(&info)), 0, 0, 0, 0, 0)) != 0 {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit) / 2
}
