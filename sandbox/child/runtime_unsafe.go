package child

// No runtime. See doc.go for the laws of this file.
// Runs in: a fork of the launcher that is about to start the Go runtime.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// frontEnd is the state of a process that has become a Go program.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var frontEnd struct {
	stderr  uintptr // the way to standard error; see replaceStderr
	senders uint32  // it wants to know from which process each message is
}

// prepareRuntime prepares the process in which the Go runtime will start: what the caller
// set for the launcher, or for the command, must not change what the runtime does.
func prepareRuntime(launcher uintptr) {
	raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	if raw.Getppid() != launcher {
		raw.Exit(1)
	}
	// No signal is the front end's business: it ends with the launcher.
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), nil)
	replaceStderr()
	hideSettings(raw.Mapped(entered.stack))
	raiseSoftLimit(unix.RLIMIT_AS)
	raiseSoftLimit(unix.RLIMIT_DATA)
}

// replaceStderr moves standard error away, to where messages find it, and leaves /dev/null in its
// place: whatever the runtime has to say there, no traceback reaches the user. Standard streams
// that are closed get it too: the runtime would open it itself, and end with a text of its own where
// there is none (checkfds in runtime/fds_unix.go).
func replaceStderr() {
	frontEnd.stderr = 2
	null := openNull()
	if null == launch.Nowhere {
		return
	}
	if started.stdio&4 != 0 {
		if saved := raw.Fcntl(2, unix.F_DUPFD_CLOEXEC, launch.Acting.Floor()); raw.Errno(saved) == 0 {
			frontEnd.stderr = saved
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
// number is not that of a standard stream; launch.Nowhere if there is no such file.
func openNull() uintptr {
	null := raw.Openat(raw.AtCwd, raw.Text("/dev/null\x00"), unix.O_RDWR, 0)
	if raw.Errno(null) != 0 {
		null = raw.Call(unix.SYS_MEMFD_CREATE, raw.Addr(raw.Text("null\x00")), unix.MFD_CLOEXEC, 0, 0, 0, 0)
	}
	if raw.Errno(null) != 0 {
		return launch.Nowhere
	}
	return launch.Acting.Above(null)
}

// hiddenMark replaces the first letter of a variable that the runtime would obey.
const hiddenMark = 1

// hideSettings makes the runtime's variables unreadable for it; Environ undoes it.
func hideSettings(sp unsafe.Pointer) {
	p := unsafe.Add(sp, 8+8*(*(*uintptr)(sp))+8)
	for *(*uintptr)(p) != 0 {
		entry := raw.Mapped(*(*uintptr)(p))
		if isRuntimeSetting(entry) {
			*(*byte)(entry) = hiddenMark
		}
		p = unsafe.Add(p, 8)
	}
}

func isRuntimeSetting(entry unsafe.Pointer) bool {
	return *(*byte)(entry) == 'G' && (raw.HasPrefix(entry, raw.Text("GODEBUG=\x00")) || raw.HasPrefix(entry, raw.Text("GOGC=\x00")) ||
		raw.HasPrefix(entry, raw.Text("GOMEMLIMIT=\x00")) || raw.HasPrefix(entry, raw.Text("GOMAXPROCS=\x00")) ||
		raw.HasPrefix(entry, raw.Text("GOTRACEBACK=\x00")) || raw.HasPrefix(entry, raw.Text("GOCOVERDIR=\x00")))
}

// addressSpace is what the runtime reserves at its start, measured with go1.26: it
// touches hardly any of it, but would end with a traceback without.
const addressSpace = 720 << 20

// raiseSoftLimit lifts a soft limit to the hard one, in the front end only.
func raiseSoftLimit(resource uintptr) {
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
		step.Tell(frontEnd.stderr, raw.Text("the limit on address space (RLIMIT_AS, ulimit -v) is \x00"), uintptr(limit.Max>>20),
			raw.Text(" MiB, but the launcher reserves 720 MiB at its start\x00"))
		raw.Exit(1)
	}
}
