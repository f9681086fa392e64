package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor; restoreSignals in each process that it clones.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// This file passes signals on (--forward-signals), reads those that would end the monitor before
// it has removed placeholders (placeholders_unsafe.go), and the terminal (--foreground): the payload
// has a process group of its own, which is the terminal's foreground group as long as the
// launcher's would be. What a shell does for a job, the monitor does here: it takes the terminal
// back when the payload stops, stops with its own group, and hands the terminal over again when
// that is continued.
//
// The signals are blocked from before the first clone, and read from a descriptor. Until set-up is
// over the monitor does itself what they do by default (awaitInput). SIGCONT is blocked then too if the
// monitor stops with the payload (prepareToStop).

// signals is the monitor's state for this.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var signals struct {
	fd     uintptr // signalfd(2); 0: none
	was    uint64  // the caller's signal mask
	deadly uint64  // signals that must not leave placeholders behind, where there may be some
	caught uint32  // the last signal that came from the terminal, where it holds
}

// forwarded are the signals that --forward-signals passes on.
const forwarded = 1<<(unix.SIGHUP-1) | 1<<(unix.SIGINT-1) | 1<<(unix.SIGQUIT-1) | 1<<(unix.SIGTERM-1) |
	1<<(unix.SIGUSR1-1) | 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGWINCH-1)

// signalsToRead returns those that the monitor reads.
func signalsToRead(p plan.View) (set uint64) {
	if p.Has(plan.FlagForward) {
		set = forwarded
	}
	// SIGCHLD shows that the payload has stopped, and SIGCONT that the job is continued: both are
	// what a shell reads to control a job.
	if p.Has(plan.FlagForeground) {
		set |= raw.MaskOf(unix.SIGCHLD) | raw.MaskOf(unix.SIGCONT)
	}
	return set | signals.deadly
}

// readsSignals reports whether the monitor has signals to read.
func readsSignals(p plan.View) bool { return signalsToRead(p) != 0 }

// blockSignals comes before the first clone. Where there is no descriptor to be had, the signals do
// what they do by default.
func blockSignals(p plan.View) {
	prepareToStop(p)
	if mayMakePlaceholders(p) && signals.deadly == 0 {
		signals.deadly = terminatingSignals()
	}
	set := signalsToRead(p)
	if set == 0 || signals.fd != 0 {
		return
	}
	fd := raw.Call(unix.SYS_SIGNALFD4, ^uintptr(0), raw.Addr(unsafe.Pointer(&set)), 8, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, 0, 0)
	if raw.Errno(fd) != 0 {
		return
	}
	// The caller's mask is kept, for the processes that are cloned: the payload inherits it, since
	// exec keeps it (signal(7)).
	if signals.fd = launch.Acting.Above(fd); signals.fd != fd {
		raw.Close(fd)
	}
	raw.SetMask(unix.SIG_BLOCK, set, &signals.was)
}

// restoreSignals gives a process that has been cloned the caller's mask, except for SIGCONT if
// prepareToStop has blocked it.
func restoreSignals() {
	if signals.fd != 0 {
		raw.Close(signals.fd)
		signals.fd = 0
		raw.SetMask(unix.SIG_SETMASK, signals.was, nil)
	}
}

// awaitInput waits for something to read on sock, or for the end of set-up. A signal that comes
// before that ends the launch, as it would without the option.
func awaitInput(sock uintptr) {
	if signals.fd == 0 {
		return
	}
	var fds [3]raw.PollFd
	fds[0].Fd, fds[0].Events = int32(sock), unix.POLLIN
	fds[1].Fd, fds[1].Events = int32(launch.Feed.Monitor), unix.POLLIN
	fds[2].Fd, fds[2].Events = int32(signals.fd), unix.POLLIN
	for {
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 3, 0, 0, 8, 0)
		// What a signal was sent after is seen before it, if it is looked for again.
		var now unix.Timespec
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 3, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
		if fds[0].Revents != 0 || fds[1].Revents != 0 && !readPlaceholder() {
			return
		}
		var info signalInfo
		if fds[2].Revents != 0 && info.read() && raw.MaskOf(info.signal())&forwarded != 0 && info.signal() != unix.SIGWINCH {
			if signals.deadly != 0 {
				endSandbox()
			}
			endLike(uint32(info.signal()))
		}
	}
}

// signalInfo is struct signalfd_siginfo.
type signalInfo [32]uint32

func (i *signalInfo) read() bool {
	return raw.Call(unix.SYS_READ, signals.fd, raw.Addr(unsafe.Pointer(i)), unsafe.Sizeof(*i), 0, 0, 0) == unsafe.Sizeof(*i)
}

func (i *signalInfo) signal() unix.Signal { return unix.Signal(i[0]) }

func (i *signalInfo) code() int32 { return int32(i[2]) }

func (i *signalInfo) sender() uintptr { return uintptr(i[3]) }

// signalDescriptor returns the descriptor on which signals are read, -1 for none.
func signalDescriptor() int32 {
	if signals.fd == 0 {
		return -1
	}
	return int32(signals.fd)
}

// handleSignals reads what signals have come, and does what each of them is for.
func handleSignals(p plan.View) {
	for info := (signalInfo{}); info.read(); {
		switch sig := info.signal(); {
		case sig == unix.SIGCHLD:
			if by := stopSignal(p); by != 0 {
				stopWithPayload(p, by)
			}
		case sig == unix.SIGCONT: // stopWithPayload has seen it while it was pending (isContinuePending)
		case !p.Has(plan.FlagForward):
			endBySignal(p, sig, info.code())
		case info.code() > 0 && !hasSession(p) && !p.Has(plan.FlagForeground): // the terminal's, which the payload has had itself
		case info.sender() == payloadPid(p) && info.sender() != 0: // it has signalled its group
		default:
			signalPayload(p, sig)
		}
	}
}

// payloadPid returns the payload's pid, 0 if that is not known.
func payloadPid(p plan.View) uintptr {
	if p.Has(plan.FlagInit) {
		return clock.payload
	}
	return State.First
}
