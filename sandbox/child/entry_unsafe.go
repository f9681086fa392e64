package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// entry is in raw_linux_*.s.
//
//lint:ignore U1000 the program's ELF entry point; the linker is told by name
func entry()

// hostEntry is in raw_linux_*.s.
//
//lint:ignore U1000 an ELF entry point too; see hosted_unsafe.go
func hostEntry()

// enter is the first function of the program. It returns to entry, which starts the Go
// runtime, in a process that is to become Go; the process itself becomes the monitor.
//
//lint:ignore U1000 called by entry, in assembly
func enter(sp uintptr) {
	room.entered = enteredLauncher
	secure := auxv(mapped(sp), atSecure) != 0
	if secure {
		lower(mapped(sp))
	}
	if inPlanMode(mapped(sp)) {
		hosted(mapped(sp))
	}
	room.parent = getppid()
	for fd := uintptr(0); fd < 3; fd++ {
		if errno(fcntl(fd, unix.F_GETFD, 0)) == 0 {
			room.stdio |= 1 << fd
		}
	}
	// A caller that ignores SIGCHLD would leave us without statuses to wait for; the
	// payload gets the default action too.
	defaultAction(unix.SIGCHLD)
	if secure {
		ear, sock := sockets()
		standAndDrop(mapped(sp), ear, sock)
		room.keptEar, room.keptSock = ear, sock
	}
	if !launchDirect(mapped(sp)) {
		forkFront()
	}
}

// forkFront goes on as the monitor of a launch that has a front end, and returns in that.
func forkFront() {
	front, mine := room.keptEar, room.keptSock
	room.keptEar, room.keptSock = 0, 0
	if front == 0 {
		front, mine = sockets()
	}
	openFeed()
	launcher := getpid()
	pid := clone(0)
	if e := errno(pid); e != 0 {
		giveUp(text("Can't start the front end\x00"), e)
	}
	if pid == 0 {
		room.sock = front
		closeFd(mine)
		closeFd(room.childEnd)
		closeFd(room.monitorEnd)
		if room.keeper != 0 {
			closeFd(room.keeperEnd)
		}
		frontEnd(launcher)
		return
	}
	closeFd(front)
	room.sock = mine
	runMonitor(pid)
}

// sockets makes a pair of them, away from the numbers that callers hand in.
func sockets() (a, b uintptr) {
	r := raw(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, addr(unsafe.Pointer(&room.pair)), 0, 0)
	if e := errno(r); e != 0 {
		giveUp(text("Can't make a socket pair\x00"), e)
	}
	return above(uintptr(room.pair[0])), above(uintptr(room.pair[1]))
}

// frontEnd prepares the process in which the Go runtime will start: what the caller
// set for the launcher, or for the command, must not change what the runtime does.
func frontEnd(launcher uintptr) {
	prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	if getppid() != launcher {
		exit(1)
	}
	// No signal is the front end's business: it ends with the launcher.
	room.message[0], room.message[1] = ^uint32(0), ^uint32(0)
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, addr(unsafe.Pointer(&room.message)), 0, 8, 0, 0)
	muffle()
	hideSettings(mapped(stack))
	widen(unix.RLIMIT_AS)
	widen(unix.RLIMIT_DATA)
}

// muffle moves standard error away, to where the voice knows it, and leaves /dev/null
// in its place: whatever the runtime has to say there, no traceback reaches the user.
func muffle() {
	room.stderr = 2
	if room.stdio&4 == 0 {
		return
	}
	null := openat(atCwd, text("/dev/null\x00"), unix.O_WRONLY, 0)
	if errno(null) != 0 {
		return
	}
	if saved := fcntl(2, unix.F_DUPFD_CLOEXEC, room.high); errno(saved) == 0 {
		room.stderr = saved
		raw(unix.SYS_DUP3, null, 2, 0, 0, 0, 0)
	}
	closeFd(null)
}

// hidden replaces the first letter of a variable that the runtime would obey.
const hidden = 1

// hideSettings makes the runtime's variables unreadable for it; Environ undoes it.
func hideSettings(sp unsafe.Pointer) {
	p := unsafe.Add(sp, 8+8*(*(*uintptr)(sp))+8)
	for *(*uintptr)(p) != 0 {
		entry := mapped(*(*uintptr)(p))
		if runtimeSetting(entry) {
			*(*byte)(entry) = hidden
		}
		p = unsafe.Add(p, 8)
	}
}

func runtimeSetting(entry unsafe.Pointer) bool {
	return *(*byte)(entry) == 'G' && (begins(entry, text("GODEBUG=\x00")) || begins(entry, text("GOGC=\x00")) ||
		begins(entry, text("GOMEMLIMIT=\x00")) || begins(entry, text("GOMAXPROCS=\x00")) ||
		begins(entry, text("GOTRACEBACK=\x00")) || begins(entry, text("GOCOVERDIR=\x00")))
}

// begins reports whether the string at p begins with word.
func begins(p, word unsafe.Pointer) bool {
	for i := uintptr(0); *(*byte)(unsafe.Add(word, i)) != 0; i++ {
		if *(*byte)(unsafe.Add(p, i)) != *(*byte)(unsafe.Add(word, i)) {
			return false
		}
	}
	return true
}

// same compares two strings.
func same(a, b unsafe.Pointer) bool {
	return begins(a, b) && *(*byte)(unsafe.Add(a, strlen(b))) == 0
}

// addressSpace is what the runtime reserves at its start, measured with go1.26: it
// touches hardly any of it, but would end with a traceback without.
const addressSpace = 720 << 20

// widen lifts a soft limit to the hard one, in the front end only.
func widen(resource uintptr) {
	limit := &room.nofile
	p := addr(unsafe.Pointer(limit))
	if errno(raw(unix.SYS_PRLIMIT64, 0, resource, 0, p, 0, 0)) != 0 {
		return
	}
	if limit.Cur != limit.Max {
		limit.Cur = limit.Max
		raw(unix.SYS_PRLIMIT64, 0, resource, p, 0, 0, 0)
	}
	if resource == unix.RLIMIT_AS && limit.Max < addressSpace {
		tell(room.stderr, text("the limit on address space (RLIMIT_AS, ulimit -v) is \x00"), uintptr(limit.Max>>20),
			text(" MiB, but the launcher reserves 720 MiB at its start\x00"))
		exit(1)
	}
}

// above lifts fd to a number that callers are unlikely to name.
func above(fd uintptr) uintptr {
	if room.high == 0 {
		limit := &room.nofile
		limit.Cur = 0
		raw(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, addr(unsafe.Pointer(limit)), 0, 0)
		room.limit = uintptr(limit.Cur)
		room.high = 3
		if limit.Cur > 128 {
			room.high = 64
		}
		if limit.Cur > 1024 {
			room.high = 1000
		}
	}
	r := fcntl(fd, unix.F_DUPFD_CLOEXEC, room.high)
	if errno(r) != 0 && room.guarded != 0 {
		fault(errno(r), plan.SubFd, uint32(room.high)) // what is named is not ours: see checkFds
	}
	if errno(r) != 0 && fd > 2 {
		return fd // there is no room to be choosy
	}
	if errno(r) != 0 {
		r = fcntl(fd, unix.F_DUPFD_CLOEXEC, 3)
	}
	if e := errno(r); e != 0 {
		giveUp(text("Can't move a descriptor\x00"), e)
	}
	closeFd(fd)
	return r
}

// sigaction is the kernel's struct sigaction.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

func defaultAction(sig unix.Signal) {
	var act sigaction
	raw(unix.SYS_RT_SIGACTION, uintptr(sig), addr(unsafe.Pointer(&act)), 0, 8, 0, 0)
}
