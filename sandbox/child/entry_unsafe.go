package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// entry is in entry_linux_*.s.
//
//lint:ignore U1000 the program's ELF entry point; the linker is told by name
func entry()

// hostEntry is in entry_linux_*.s.
//
//lint:ignore U1000 an ELF entry point too; see hosted_unsafe.go
func hostEntry()

// enter is the first function of the program. It returns to entry, which starts the Go
// runtime, in a process that is to become Go; the process itself becomes the monitor.
//
//lint:ignore U1000 called by entry, in assembly
func enter(sp uintptr) {
	if raw.Auxv(raw.Mapped(sp), raw.AtSecure) != 0 {
		settled(raw.Mapped(sp), keeper.Split(raw.Mapped(sp)))
	}
	launch(sp)
}

// launch is the launcher without privilege of the binary's.
func launch(sp uintptr) {
	started.as = asLauncher
	if inPlanMode(raw.Mapped(sp)) {
		hosted(raw.Mapped(sp))
	}
	started.parent = raw.Getppid()
	for fd := uintptr(0); fd < 3; fd++ {
		if raw.Errno(raw.Fcntl(fd, unix.F_GETFD, 0)) == 0 {
			started.stdio |= 1 << fd
		}
	}
	// A caller that ignores SIGCHLD would leave us without statuses to wait for; the
	// payload gets the default action too.
	raw.DefaultAction(unix.SIGCHLD)
	if !launchDirect(raw.Mapped(sp)) {
		forkFront()
	}
}

// forkFront goes on as the monitor of a launch that has a front end, and returns in that.
func forkFront() {
	front, mine := sockets()
	openFeed()
	launcher := raw.Getpid()
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		step.GiveUp(raw.Text("Can't start the front end\x00"), e)
	}
	if pid == 0 {
		acting.Sock = front
		raw.Close(mine)
		raw.Close(feed.child)
		raw.Close(feed.monitor)
		if monitor.keeper != 0 {
			raw.Close(monitor.keeperEnd)
		}
		frontEnd(launcher)
		return
	}
	raw.Close(front)
	acting.Sock = mine
	runMonitor(pid)
}

// sockets makes a pair of them, away from the numbers that callers hand in.
func sockets() (a, b uintptr) {
	a, b, e := acting.SocketPair()
	if e != 0 {
		step.GiveUp(raw.Text("Can't make a socket pair\x00"), e)
	}
	return a, b
}

// frontEnd prepares the process in which the Go runtime will start: what the caller
// set for the launcher, or for the command, must not change what the runtime does.
func frontEnd(launcher uintptr) {
	raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	if raw.Getppid() != launcher {
		raw.Exit(1)
	}
	// No signal is the front end's business: it ends with the launcher.
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), nil)
	muffle()
	hideSettings(raw.Mapped(entered.stack))
	widen(unix.RLIMIT_AS)
	widen(unix.RLIMIT_DATA)
}

// muffle moves standard error away, to where messages find it, and leaves /dev/null in its
// place: whatever the runtime has to say there, no traceback reaches the user. Standard streams
// that are closed get it too: the runtime would open it itself, and end with a text of its own where
// there is none (checkfds in runtime/fds_unix.go).
func muffle() {
	front.stderr = 2
	null := openNull()
	if null == nowhere {
		return
	}
	if started.stdio&4 != 0 {
		if saved := raw.Fcntl(2, unix.F_DUPFD_CLOEXEC, acting.Floor()); raw.Errno(saved) == 0 {
			front.stderr = saved
			raw.Call(unix.SYS_DUP3, null, 2, 0, 0, 0, 0)
		}
	}
	for fd := uintptr(0); fd < 3; fd++ {
		if started.stdio>>fd&1 == 0 {
			raw.Call(unix.SYS_DUP3, null, fd, 0, 0, 0, 0)
		}
	}
	raw.Close(null)
}

// openNull opens /dev/null, and where there is none a file without a name, which is empty. Its
// number is not that of a standard stream; nowhere if there is no such file.
func openNull() uintptr {
	null := raw.Openat(raw.AtCwd, raw.Text("/dev/null\x00"), unix.O_RDWR, 0)
	if raw.Errno(null) != 0 {
		null = raw.Call(unix.SYS_MEMFD_CREATE, raw.Addr(raw.Text("null\x00")), unix.MFD_CLOEXEC, 0, 0, 0, 0)
	}
	if raw.Errno(null) != 0 {
		return nowhere
	}
	return acting.Above(null)
}

// hidden replaces the first letter of a variable that the runtime would obey.
const hidden = 1

// hideSettings makes the runtime's variables unreadable for it; Environ undoes it.
func hideSettings(sp unsafe.Pointer) {
	p := unsafe.Add(sp, 8+8*(*(*uintptr)(sp))+8)
	for *(*uintptr)(p) != 0 {
		entry := raw.Mapped(*(*uintptr)(p))
		if runtimeSetting(entry) {
			*(*byte)(entry) = hidden
		}
		p = unsafe.Add(p, 8)
	}
}

func runtimeSetting(entry unsafe.Pointer) bool {
	return *(*byte)(entry) == 'G' && (raw.HasPrefix(entry, raw.Text("GODEBUG=\x00")) || raw.HasPrefix(entry, raw.Text("GOGC=\x00")) ||
		raw.HasPrefix(entry, raw.Text("GOMEMLIMIT=\x00")) || raw.HasPrefix(entry, raw.Text("GOMAXPROCS=\x00")) ||
		raw.HasPrefix(entry, raw.Text("GOTRACEBACK=\x00")) || raw.HasPrefix(entry, raw.Text("GOCOVERDIR=\x00")))
}

// addressSpace is what the runtime reserves at its start, measured with go1.26: it
// touches hardly any of it, but would end with a traceback without.
const addressSpace = 720 << 20

// widen lifts a soft limit to the hard one, in the front end only.
func widen(resource uintptr) {
	var limit unix.Rlimit
	p := raw.Addr(unsafe.Pointer(&limit))
	if raw.Errno(raw.Call(unix.SYS_PRLIMIT64, 0, resource, 0, p, 0, 0)) != 0 {
		return
	}
	if limit.Cur != limit.Max {
		limit.Cur = limit.Max
		raw.Call(unix.SYS_PRLIMIT64, 0, resource, p, 0, 0, 0)
	}
	if resource == unix.RLIMIT_AS && limit.Max < addressSpace {
		step.Tell(front.stderr, raw.Text("the limit on address space (RLIMIT_AS, ulimit -v) is \x00"), uintptr(limit.Max>>20),
			raw.Text(" MiB, but the launcher reserves 720 MiB at its start\x00"))
		raw.Exit(1)
	}
}
