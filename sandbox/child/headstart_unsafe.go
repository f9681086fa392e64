package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file uses the time in which the front end starts. The words of the command line
// hint at the namespaces that it wants, though only the parser knows: the monitor
// clones a process into those at once, which opens what it will need and sets the old
// root aside. When the plan comes and wants just that, or that and more, the process
// goes on as the sandbox's first. When the hint was wrong the process is thrown away;
// nothing that it did can be seen from anywhere.

// handed marks, in the size of the plan that the monitor is told, that the early
// process has been given it already.
const handed = 1 << 31

// leaving marks there that the front end ends without a plan, and says with which status,
// the lowest eight bits: its own could be the runtime's word for a crash.
const leaving = 1 << 29

// forKeeper marks there that the plan is one for the keeper.
const forKeeper = 1 << 30

// maxHanded is the size of a plan above which copying it would cost more than it saves.
const maxHanded = 1 << 16

// maxWords bounds how far the command line is looked at.
const maxWords = 512

// headStart clones the early process and leaves its pid in room.early; 0: none.
func headStart() {
	room.guess = guess(mapped(stack))
	if room.guess == 0 {
		return
	}
	pid := clone(room.guess)
	if errno(pid) != 0 {
		return
	}
	if pid == 0 {
		runEarly()
	}
	room.early = pid
}

// discard ends an early process that nobody wants.
func discard() {
	if room.early != 0 {
		kill(room.early, uintptr(unix.SIGKILL))
		wait(room.early)
		room.early = 0
	}
}

// guess reads the hints; 0 means that a head start is not worth it.
func guess(sp unsafe.Pointer) uint32 {
	flags := uint32(unix.CLONE_NEWNS)
	if raw(unix.SYS_GETUID, 0, 0, 0, 0, 0, 0) != 0 {
		flags |= unix.CLONE_NEWUSER
	}
	// Where every process counts, the front end's threads come first.
	limit := &room.nofile
	if errno(raw(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NPROC, 0, addr(unsafe.Pointer(limit)), 0, 0)) != 0 || limit.Cur < 64 {
		return 0
	}
	share := uint32(0)
	argc := *(*uintptr)(sp)
	if argc < 2 {
		return 0
	}
	for i := uintptr(1); i < argc && i < maxWords; i++ {
		word := mapped(*(*uintptr)(unsafe.Add(sp, 8+8*i)))
		if *(*byte)(word) != '-' {
			continue
		}
		if same(word, text("--\x00")) {
			break
		}
		more := hint(word)
		if more == notWorthIt {
			return 0
		}
		flags |= more
		if same(word, text("--share-net\x00")) {
			share = unix.CLONE_NEWNET
		}
	}
	return flags &^ share
}

const (
	notWorthIt = ^uint32(0)
	unshareAll = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
)

// hint is what one word of the command line says about namespaces.
func hint(word unsafe.Pointer) uint32 {
	if begins(word, text("--unshare-\x00")) {
		kind := unsafe.Add(word, 10)
		switch {
		case same(kind, text("all\x00")):
			return unshareAll
		case same(kind, text("pid\x00")):
			return unix.CLONE_NEWPID
		case same(kind, text("net\x00")):
			return unix.CLONE_NEWNET
		case same(kind, text("ipc\x00")):
			return unix.CLONE_NEWIPC
		case same(kind, text("uts\x00")):
			return unix.CLONE_NEWUTS
		case begins(kind, text("cgroup\x00")):
			return unix.CLONE_NEWCGROUP
		case begins(kind, text("user\x00")):
			return unix.CLONE_NEWUSER
		}
		return 0
	}
	if begins(word, text("--args\x00")) || begins(word, text("--userns\x00")) || same(word, text("--pidns\x00")) ||
		same(word, text("--help\x00")) || same(word, text("--version\x00")) ||
		begins(word, text("--uid-map\x00")) || begins(word, text("--gid-map\x00")) ||
		same(word, text("--dry-run\x00")) || same(word, text("--mode\x00")) {
		return notWorthIt
	}
	return 0
}

// same compares two strings.
func same(a, b unsafe.Pointer) bool {
	return begins(a, b) && *(*byte)(unsafe.Add(a, strlen(b))) == 0
}

// fits reports whether the early process can become the first one: what was guessed must
// be wanted. Further namespaces can be added, but not a user namespace.
func fits(p program) bool {
	more := p.h.Clone &^ room.guess
	return !p.has(plan.FlagJoin) && p.h.Size <= maxHanded && p.h.Clone&room.guess == room.guess && more&unix.CLONE_NEWUSER == 0
}

// hand gives the plan to the early process.
func hand(p program) bool {
	return sendFull(room.monitorEnd, unsafe.Pointer(&p.h.Size), 4) && sendFull(room.monitorEnd, p.base, uintptr(p.h.Size))
}

// sendFull writes to a socket whose other end may be gone, without a signal for it.
func sendFull(fd uintptr, p unsafe.Pointer, n uintptr) bool {
	for done := uintptr(0); done < n; {
		r := raw(unix.SYS_SENDTO, fd, addr(p)+done, n-done, unix.MSG_NOSIGNAL, 0, 0)
		if e := errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			return false
		}
		done += r
	}
	return true
}

// settle waits, where a pid namespace is new, for the early process to have cloned the
// first one into it: see startJoined.
func settle(p program) uintptr {
	early := room.early
	room.early = 0
	if p.h.Clone&^room.guess&unix.CLONE_NEWPID == 0 {
		return early
	}
	got := readFull(room.monitorEnd, unsafe.Pointer(&room.message), 4)
	wait(early)
	if got != 4 {
		return 0
	}
	return fcntl(room.sock, unix.F_GETOWN, 0)
}

// runEarly is the early process. What fails here fails again, with words, when the
// plan's own steps come to it.
func runEarly() {
	if getppid() == 0 {
		room.expect = 0
	}
	prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	if getppid() != room.expect || parentGone() {
		exit(1)
	}
	room.step = plan.NoStep
	tryProc()
	probe()
	setAside()
	if readFull(room.childEnd, unsafe.Pointer(&room.message), 4) != 4 {
		exit(1)
	}
	p, e, v := take(room.childEnd, room.message[0])
	if e == unix.EPIPE {
		exit(1)
	}
	if e != 0 || v != plan.Good {
		fault(e, plan.SubPlan, uint32(v))
	}
	if !fits(p) {
		exit(1) // as the monitor sees too
	}
	more := p.h.Clone &^ room.guess
	if more != 0 {
		if e := errno(raw(unix.SYS_UNSHARE, uintptr(more), 0, 0, 0, 0, 0)); e != 0 {
			fault(e, plan.SubClone, p.h.Clone)
		}
	}
	if more&unix.CLONE_NEWPID == 0 {
		runFirst(p)
	}
	pid := fork(unix.CLONE_PARENT, p)
	if e := errno(pid); e != 0 {
		fault(e, plan.SubClone, p.h.Clone)
	}
	if pid == 0 {
		dieWithParentOutside()
		announce()
		runFirst(p)
	}
	exit(0)
}

// setAside does the first part of the frame ahead of its steps, OpSlave and OpRoot. The
// working directory stays what it was, for sources that are relative to it.
// Where the old root could not be set aside, sources come first.
func setAside() {
	cwd := openat(atCwd, text(".\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if errno(cwd) != 0 {
		return
	}
	if canChroot() && makeSlave() == 0 {
		room.slave = 1
		e := pushOldRoot()
		switch {
		case e == 0 && room.apart == 0:
			room.framed = 1
			room.broken = uint32(errno(fchdir(cwd)))
		case e == 0 && room.apart == noChroot:
			room.broken = uint32(unix.EPERM)
		case room.base != 0:
			room.broken = uint32(takeBack(cwd))
		}
	}
	closeFd(cwd)
}

// canChroot reports whether chroot(2), to where this process's root is, is permitted.
func canChroot() bool {
	return errno(privileged(unix.CAP_SYS_CHROOT, unix.SYS_CHROOT, addr(text("/\x00")), 0, 0, 0, 0, 0)) == 0
}

// takeBack undoes pushOldRoot where pivot_root failed: base lies on the old root.
func takeBack(cwd uintptr) unix.Errno {
	if room.apart == rootfs {
		if e := moveInto(room.old); e != 0 {
			return e
		}
	}
	if e := errno(fchdir(room.base)); e != 0 {
		return e
	}
	if e := errno(asAdmin(unix.SYS_UMOUNT2, addr(text(".\x00")), unix.MNT_DETACH, 0, 0, 0, 0)); e != 0 {
		return e
	}
	closeFd(room.base)
	closeFd(room.old)
	room.base, room.old, room.apart = 0, 0, 0
	return errno(fchdir(cwd))
}
