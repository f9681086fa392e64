package child

// Runs in: the front end, and embedding programs. It runs with the Go runtime.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/args"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/monitor"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// What an embedding program writes to the lifeline, and reads from it at the end.
const (
	LineRuns  = monitor.LineRuns
	LineKill  = monitor.LineKill
	UsageSize = monitor.UsageSize
)

// How a command has ended, by a monitor.Usage.
const (
	ByExit    = monitor.ByExit
	BySignal  = monitor.BySignal
	ByTimeout = monitor.ByTimeout
	ByMemory  = monitor.ByMemory
	ByLimit   = monitor.ByLimit
)

// Entered reports whether the program came in through entry. A binary linked without
// -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry did not.
func Entered() bool { return started.as == asLauncher }

// Ready reports whether this program can be started in plan mode and gets there before the
// Go runtime exists.
func Ready() bool { return started.as != 0 }

// InstallKind returns what privilege the binary brought. Whatever it was is gone: keeper.Split dropped
// it before the runtime started. Where it is suid.Installed, a keeper waits.
func InstallKind() suid.InstallKind { return launch.Facts.Install }

// Passed reports whether the caller passed fd in. What the runtime has opened since is
// close-on-exec too, except for closed standard streams, which it has filled.
func Passed(fd int) bool {
	if !Entered() {
		return raw.Errno(raw.Fcntl(uintptr(fd), unix.F_GETFD, 0)) == 0
	}
	return !(fd < 3 && started.stdio>>uint(fd)&1 == 0) && args.Passed(uintptr(fd))
}

// Writable reports whether fd, which the caller passed, is open for writing.
func Writable(fd int) bool {
	return args.CanWrite(uintptr(Here(fd)))
}

// Sock returns the front end's end of the socket to the acting side.
func Sock() int { return int(launch.Acting.Sock) }

// Exit ends the front end, all threads of it, also where a filter refuses exit_group,
// at which the runtime's own exit would spin. The monitor takes that for a failure. A
// monitor that has no plan yet ends with the code.
func Exit(code int) {
	if code > 1 && Entered() {
		sendNow(launch.Acting.Sock, uint32(code)|launch.Leaving)
	}
	raw.Call(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0, 0, 0, 0)
	raw.Kill(raw.Getpid(), uintptr(unix.SIGKILL))
}

// Killed returns the status with which a front end asks the monitor to say which signal has
// ended the launch. It cannot itself, since it would speak also where the launcher was killed.
// failed is the status for failures.
func Killed(failed int) int { return int(launch.KilledStatus(uint32(failed))) }

// ForKeeper returns what the monitor is to be told about a plan that goes to the keeper.
func ForKeeper(bytes []byte) uint32 { return uint32(len(bytes)) | launch.ForKeeper }

// sendNow sends a word at once or not at all.
func sendNow(fd uintptr, v uint32) {
	raw.Call(unix.SYS_SENDTO, fd, raw.Addr(unsafe.Pointer(&v)), 4, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
}

// KnowSenders makes the kernel say whose each message is.
func KnowSenders() {
	frontEnd.senders = 1
	raw.Call(unix.SYS_SETSOCKOPT, launch.Acting.Sock, unix.SOL_SOCKET, unix.SO_PASSCRED, raw.Addr(unsafe.Pointer(&frontEnd.senders)), 4, 0)
}

// Listen fills buf with what the acting side has to say next; it reports whether there
// was anything, and after KnowSenders the pid of who said it. It waits without the
// runtime's knowledge, on purpose: nothing else is to be run meanwhile, and handing the
// processor over would start further threads.
func Listen(buf []byte) (sender int, ok bool) {
	var from struct {
		length      uint64 // struct cmsghdr, then struct ucred
		level, kind int32
		pid         int32
		uid, gid    uint32
		_           int32
	}
	for have := 0; have < len(buf); {
		p, n := unsafe.Pointer(&buf[have]), uintptr(len(buf)-have)
		if frontEnd.senders == 0 {
			return 0, raw.ReadFull(launch.Acting.Sock, p, n) == n
		}
		var m raw.Msghdr
		iov := [2]uintptr{raw.Addr(p), n}
		m.Iov, m.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
		m.Control, m.Controllen = raw.Addr(unsafe.Pointer(&from)), unsafe.Sizeof(from)
		r := raw.Call(unix.SYS_RECVMSG, launch.Acting.Sock, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		switch e := raw.Errno(r); {
		case e == unix.EINTR:
			continue
		case e != 0: // a filter: without the senders then
			frontEnd.senders = 0
			continue
		case r == 0:
			return 0, false
		}
		have += int(r)
		if m.Controllen > 0 && from.level == unix.SOL_SOCKET && from.kind == unix.SCM_CREDENTIALS {
			sender = int(from.pid)
		}
	}
	return sender, true
}

// Here returns the number under which the front end has the caller's fd: another one for
// standard error, whose own number is muffled.
func Here(fd int) int {
	if fd == 2 && Entered() {
		return int(frontEnd.stderr)
	}
	return fd
}

// Args returns the words that the program was started with.
func Args() []string {
	if !Entered() {
		return nil
	}
	return vectorAt(raw.Mapped(entered.stack + 8))
}

// Environ returns the environment as the kernel handed it over: in order, with duplicates and
// malformed entries, and with what was hidden from the runtime.
func Environ() []string {
	if !Entered() {
		return nil
	}
	argc := *(*uintptr)(raw.Mapped(entered.stack))
	env := vectorAt(raw.Mapped(entered.stack + 8 + 8*argc + 8))
	for i, entry := range env {
		if entry != "" && entry[0] == hiddenMark {
			if whole := "G" + entry[1:] + "\x00"; isRuntimeSetting(unsafe.Pointer(unsafe.StringData(whole))) {
				env[i] = whole[:len(whole)-1]
			}
		}
	}
	return env
}

// vectorAt copies the strings of an argv or envp.
func vectorAt(p unsafe.Pointer) []string {
	var out []string
	for ; *(*uintptr)(p) != 0; p = unsafe.Add(p, 8) {
		s := raw.Mapped(*(*uintptr)(p))
		out = append(out, string(unsafe.Slice((*byte)(s), raw.Strlen(s))))
	}
	return out
}

// Spoken tells the launcher, which waits for this process if there is something to report
// (LaunchHeard), that it has been reported.
func Spoken() {
	if monitor.Outcome.Result != 0 {
		sendNow(launch.Acting.Sock, 0)
	}
}

// Words returns the text of the command line and the environment, with what has been read for
// it: the words from first on, up to end; ok is false where there is none.
func Words() (text flat.Text, first, end flat.Word, known []cmdline.Known, ok bool) {
	if !Entered() {
		return nil, 0, 0, nil, false
	}
	return args.Words()
}

// Heard is what became of a launch without a front end.
type Heard struct {
	Fault, Warning bool // what the message says; neither: set-up was killed
	Setuid         bool // it was, or was to be, the keeper's
	Attempt
	First *Attempt // one that the kernel refused before, nil: none
}

// Attempt is a plan and what was said of it.
type Attempt struct {
	Message []byte // see plan.Message
	Plan    []byte
	Origins []flat.Word // the option that asked for each step, in the text
}

// LaunchHeard reports whether this process is there to say what became of a launch, and
// what did.
func LaunchHeard() (h Heard, ok bool) {
	if monitor.Outcome.Result == 0 {
		return h, false
	}
	h.Fault, h.Warning, h.Setuid = monitor.Outcome.Result == monitor.SetUpFailed, monitor.Outcome.Result == monitor.Warned, monitor.State.ViaKeeper
	h.Message = unsafe.Slice((*byte)(unsafe.Pointer(&monitor.Outcome.Message)), plan.MessageSize)
	h.Plan, h.Origins = args.Bytes()
	if message, bytes, origins, ok := args.RefusedBytes(); ok {
		h.First = &Attempt{message, bytes, origins}
	}
	return h, true
}
