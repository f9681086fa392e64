package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Mount engines: how binds and paths are done.
const (
	engineClassic = iota // mount(2), mountinfo, a walk per path
	engineNew            // open_tree, mount_setattr, move_mount (5.12), openat2 (5.6)
)

// runFirst is the sandbox's first process, from its clone to its end.
func runFirst(p program) {
	room.failed = p.h.Failed
	hangUp()
	dieWithParentOutside()
	if p.has(plan.FlagJoin) {
		announce()
	}
	if e := prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); e != 0 {
		room.step = plan.NoStep
		fault(e, plan.SubNoNewPrivs, 0)
	}
	room.umask = raw(unix.SYS_UMASK, 0, 0, 0, 0, 0, 0)
	closeFds(p, p.h.Early, p.h.Earlyc)
	openProc()
	if room.framed == 0 {
		probe()
	}
	run(p, p.h.Join, p.h.Setup)
	awaitRelease(p)
	closeOurs(p)
	// Not dumpable from here to the payload's exec, which makes the payload, not init,
	// dumpable again: memory and descriptors are nobody's business.
	if e := prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != 0 {
		room.step = plan.NoStep
		fault(e, plan.SubSeal, 0)
	}
	if p.has(plan.FlagInit) {
		splitInit(p) // returns in the payload only
	} else {
		sayBegun(room.childEnd)
	}
	// From here on no link below /proc/self/fd leads out of the sandbox (CVE-2024-21626).
	closeFd(room.proc)
	room.proc = 0
	closeFds(p, p.h.Close, p.h.Closec)
	run(p, p.h.Setup, p.h.Steps)
	exit(1) // not reached: the last step is OpExec
}

// run walks the steps [from, to). It returns when all are done; a fault ends the process.
func run(p program, from, to uint32) {
	for i := from; i < to; i++ {
		room.step = i
		room.sub = plan.SubMain
		room.part = 0
		if e := do(p, plan.StepAt(p.base, i)); e != 0 {
			fault(e, room.sub, room.part)
		}
	}
}

// do executes one step.
func do(p program, s *plan.Step) unix.Errno {
	switch s.Op {
	case plan.OpSource, plan.OpRoot, plan.OpBind, plan.OpMount, plan.OpOverlay, plan.OpProc,
		plan.OpRemountRO, plan.OpPivot, plan.OpSlave:
		return doMount(p, s)
	case plan.OpDir, plan.OpFile, plan.OpData, plan.OpSymlink, plan.OpChmod:
		return doFile(p, s)
	case plan.OpSetns:
		return guarded(errno(raw(unix.SYS_SETNS, uintptr(s.A), uintptr(s.B), 0, 0, 0, 0)))
	case plan.OpIDMap:
		if s.Flags&plan.FlagOutside != 0 {
			return askForMaps()
		}
		return writeMaps(p.str(s.A), p.str(s.B))
	case plan.OpUnshare:
		return guarded(errno(raw(unix.SYS_UNSHARE, uintptr(s.A), 0, 0, 0, 0, 0)))
	case plan.OpBecome:
		return become(s)
	case plan.OpGroups:
		return errno(raw(unix.SYS_SETGROUPS, 0, 0, 0, 0, 0, 0))
	case plan.OpNest:
		return nest(p.str(s.A), p.str(s.B))
	case plan.OpNoUserns:
		return noUserns()
	case plan.OpLoopback:
		return loopbackUp()
	case plan.OpHostname:
		return errno(asAdmin(unix.SYS_SETHOSTNAME, addr(p.str(s.A)), strlen(p.str(s.A)), 0, 0, 0, 0))
	case plan.OpLimitUserns:
		return writeProc(text("sys/user/max_user_namespaces\x00"), text("1\x00"))
	case plan.OpGo:
		return reportAndWait(p)
	case plan.OpWaitFd:
		return waitFd(uintptr(s.A))
	case plan.OpSetsid:
		return errno(raw(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0))
	case plan.OpLabel:
		return setLabel(s.A, p.str(s.B))
	case plan.OpTell:
		return tellWho()
	case plan.OpCaps:
		return doCaps(s)
	case plan.OpFence:
		return fence()
	case plan.OpChdir:
		return chdir(p, s)
	case plan.OpLock:
		return 0 // init's: see takeLocks
	case plan.OpSeccomp:
		return filterPayload(p, s)
	case plan.OpExec:
		return execute(p)
	}
	return unix.ENOSYS
}

// guarded arms the death signal anew after a change of user namespace, which may clear
// it (commit_creds; see PR_SET_PDEATHSIG(2const)).
func guarded(e unix.Errno) unix.Errno {
	if e == 0 {
		dieWithParent()
	}
	return e
}

// fault reports why the step failed and ends the process. A front end that was asked to end
// hears nothing more, though its socket may be open for a moment: then it speaks by itself.
func fault(e unix.Errno, sub plan.Sub, extra uint32) {
	say(plan.MsgFault, e, room.step, sub, extra)
	if room.alone != 0 {
		complain(text("set-up failed\x00"), e, text("; under this limit on processes (ulimit -u) there is no room for the process that says where\x00"))
	}
	exit(max(room.failed, 1)) // the launcher's status too, where the front end had to go
}

// tell is what the room says by itself, where no front end is there to do it: a line
// with a number in it.
func tell(fd uintptr, what unsafe.Pointer, number uintptr, more unsafe.Pointer) {
	p := unsafe.Pointer(&room.small)
	n := put(p, text("gobwrap: \x00"))
	n += put(unsafe.Add(p, n), what)
	n += putNumber(unsafe.Add(p, n), number)
	n += put(unsafe.Add(p, n), more)
	n += put(unsafe.Add(p, n), text("\n\x00"))
	writeFull(fd, p, n)
}

// fork clones this process, into the namespaces that flags names. A limit on the
// user's processes (RLIMIT_NPROC) may count the front end's threads: it is asked to
// go, once, and the clone is tried again while it does.
func fork(flags uintptr, p program) uintptr {
	pid := raw(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno(pid) != unix.EAGAIN || p.has(plan.FlagHandshake) || room.hosted != 0 || room.direct != 0 {
		return pid
	}
	say(plan.MsgLeave, 0, plan.NoStep, 0, 0)
	room.alone = 1
	var nap unix.Timespec
	nap.Nsec = 1e6
	for i := 0; i < 500 && errno(pid) == unix.EAGAIN; i++ {
		raw(unix.SYS_NANOSLEEP, addr(unsafe.Pointer(&nap)), 0, 0, 0, 0, 0)
		pid = raw(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	}
	return pid
}

// warn reports what --not-a-security-boundary lets pass.
func warn(e unix.Errno, sub plan.Sub) { say(plan.MsgWarn, e, room.step, sub, 0) }

// dieWithParent makes a parent that dies take this process along. room.expect is
// the parent's pid as seen from here, so that one who is already gone is noticed.
func dieWithParent() {
	armDeathSignal()
	requireParent(getppid())
}

// dieWithParentOutside is dieWithParent for a process whose parent may be outside of
// its pid namespace, where getppid answers 0.
func dieWithParentOutside() {
	armDeathSignal()
	parent := getppid()
	if parent == 0 {
		room.expect = 0
	}
	requireParent(parent)
}

func armDeathSignal() {
	if e := prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); e != 0 {
		room.step = plan.NoStep
		fault(e, plan.SubDeathSignal, 0)
	}
}

// requireParent ends this process if its parent had ended before the signal was armed. Across
// pid namespaces getppid says nothing of that.
func requireParent(parent uintptr) {
	leaveMonitorEnd()
	if parent != room.expect || parent == 0 && parentGone() {
		exit(1)
	}
}

// leaveMonitorEnd closes our copy of the monitor's end of the feed, which would keep it open.
func leaveMonitorEnd() {
	if room.childEnd != 0 && room.monitorEnd != 0 {
		closeFd(room.monitorEnd)
		room.monitorEnd = 0
	}
}

// parentGone reports whether the monitor has ended: its end of the feed is then closed.
func parentGone() bool {
	if room.childEnd == 0 {
		return false
	}
	leaveMonitorEnd()
	var fds pollfd
	var now unix.Timespec
	fds.fd = int32(room.childEnd)
	r := raw(unix.SYS_PPOLL, addr(unsafe.Pointer(&fds)), 1, addr(unsafe.Pointer(&now)), 0, 8, 0)
	return errno(r) == 0 && fds.revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// openProc opens the host's /proc while it can be named. It must be a proc: links in
// its place have been used to redirect writes (CVE-2019-16884 and its line).
func openProc() {
	if e := tryProc(); e != 0 {
		room.step = plan.NoStep
		fault(e, plan.SubProc, 0)
	}
}

func tryProc() unix.Errno {
	if room.proc != 0 {
		return 0
	}
	fd := openat(atCwd, text("/proc\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	e := errno(fd)
	if e == 0 {
		e = isProc(fd)
	}
	if e == 0 {
		room.proc = above(fd)
	}
	return e
}

// isProc is ENODEV for what is no proc.
func isProc(fd uintptr) unix.Errno {
	e := errno(raw(unix.SYS_FSTATFS, fd, addr(unsafe.Pointer(&room.statfs)), 0, 0, 0, 0))
	if e == 0 && room.statfs.Type != procMagic {
		e = unix.ENODEV
	}
	return e
}

// probe chooses the mount engine by what the calls answer. Flags that no kernel
// knows get EINVAL from a kernel that has the call; ENOSYS says old kernel or filter,
// and EPERM can only be a filter, since the kernel looks at the flags first.
func probe() {
	const none = ^uintptr(0)
	a := errno(asAdmin(unix.SYS_MOUNT_SETATTR, none, 0, 0xffff0000, 0, 0, 0))
	if a == unix.EINVAL && unfiltered() {
		room.engine = engineNew // the youngest of them is there, and no filter refuses another
		return
	}
	b := errno(asAdmin(unix.SYS_OPEN_TREE, none, 0, 0xffff0000, 0, 0, 0))
	c := errno(raw(unix.SYS_OPENAT2, none, 0, 0, 0, 0, 0))
	d := errno(asAdmin(unix.SYS_MOVE_MOUNT, none, 0, none, 0, 0xffff0000, 0))
	missing := a != unix.EINVAL || b != unix.EINVAL || c != unix.EINVAL || d != unix.EINVAL
	room.engine = engineNew
	if missing {
		room.engine = engineClassic
	}
}

// unfiltered reports whether it is known that no seccomp filter is in force, whose answers may
// differ from the kernel's.
func unfiltered() bool { return room.direct != 0 && line.filtered == 0 }

// closeOurs closes every descriptor of ours but the one that carries faults, and the
// host's /proc, which init needs to see what it inherited.
func closeOurs(p program) {
	for i := p.h.Join; i < p.h.Setup; i++ {
		if s := plan.StepAt(p.base, i); s.Op == plan.OpSource && s.G != 0 && s.G != late {
			closeSoon(uintptr(s.G))
		}
	}
	if room.old != 0 {
		closeSoon(room.old)
	}
	if room.base != 0 {
		closeSoon(room.base)
	}
	room.old, room.base = 0, 0
	closeIdle()
	if room.raised != 0 {
		raw(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, addr(unsafe.Pointer(&room.nofile)), 0, 0, 0)
		room.raised = 0
	}
}

// closeFds closes the descriptors in a range of slots.
func closeFds(p program, first, n uint32) {
	for i := uint32(0); i < n; i++ {
		closeFd(uintptr(*p.slot(first + i)))
	}
}
