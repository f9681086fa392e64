package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor, except for leadGroup, which runs in the payload's process, and reap, which
// runs in init.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file passes signals on (--forward-signals), reads those that would end the monitor before
// it has removed placeholders (placeholders_unsafe.go), and the terminal (--foreground): the command
// has a process group of its own, which is the terminal's foreground group as long as the
// launcher's would be. What a shell does for a job, the monitor does here: it takes the terminal
// back when the command stops, stops with its own group, and hands the terminal over again when
// that is continued.
//
// The signals are blocked from before the first clone, and read from a descriptor. Until set-up is
// over the monitor does itself what they do by default (listen).

// relay is the monitor's state for this.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var relay struct {
	fd     uintptr // signalfd(2); 0: none
	was    uint64  // the caller's signal mask
	deadly uint64  // signals that must not leave placeholders behind, where there may be some
	caught uint32  // the last signal that came from the terminal, where it holds
}

// passedOn are the signals that --forward-signals passes on.
const passedOn = 1<<(unix.SIGHUP-1) | 1<<(unix.SIGINT-1) | 1<<(unix.SIGQUIT-1) | 1<<(unix.SIGTERM-1) |
	1<<(unix.SIGUSR1-1) | 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGWINCH-1)

// stopped marks a word of init's on the feed: the command has stopped, by the signal in the
// lowest bits.
const stopped = 1 << 28

// heldSignals returns those that the monitor reads.
func heldSignals(p plan.View) (set uint64) {
	if p.Has(plan.FlagForward) {
		set = passedOn
	}
	if p.Has(plan.FlagForeground) {
		set |= raw.MaskOf(unix.SIGCHLD) | raw.MaskOf(unix.SIGCONT)
	}
	return set | relay.deadly
}

// relays reports whether the monitor has signals to read.
func relays(p plan.View) bool { return heldSignals(p) != 0 }

// holdSignals comes before the first clone. Where there is no descriptor to be had, the signals do
// what they do by default.
func holdSignals(p plan.View) {
	if mayHold(p) && relay.deadly == 0 {
		relay.deadly = deadly()
	}
	set := heldSignals(p)
	if set == 0 || relay.fd != 0 {
		return
	}
	fd := raw.Call(unix.SYS_SIGNALFD4, ^uintptr(0), raw.Addr(unsafe.Pointer(&set)), 8, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, 0, 0)
	if raw.Errno(fd) != 0 {
		return
	}
	if relay.fd = acting.Above(fd); relay.fd != fd {
		raw.Close(fd)
	}
	raw.SetMask(unix.SIG_BLOCK, set, &relay.was)
}

// letSignals gives a process that has been cloned the caller's mask.
func letSignals() {
	if relay.fd != 0 {
		raw.Close(relay.fd)
		relay.fd = 0
		raw.SetMask(unix.SIG_SETMASK, relay.was, nil)
	}
}

// listen waits for something to read on sock, or for the end of set-up. A signal that comes
// before that ends the launch, as it would without the option.
func listen(sock uintptr) {
	if relay.fd == 0 {
		return
	}
	var fds [3]raw.PollFd
	fds[0].Fd, fds[0].Events = int32(sock), unix.POLLIN
	fds[1].Fd, fds[1].Events = int32(feed.monitor), unix.POLLIN
	fds[2].Fd, fds[2].Events = int32(relay.fd), unix.POLLIN
	for {
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 3, 0, 0, 8, 0)
		// What a signal was sent after is seen before it, if it is looked for again.
		var now unix.Timespec
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 3, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
		if fds[0].Revents != 0 || fds[1].Revents != 0 && !takesHolder() {
			return
		}
		var info signalInfo
		if fds[2].Revents != 0 && info.read() && raw.MaskOf(info.signal())&passedOn != 0 && info.signal() != unix.SIGWINCH {
			if relay.deadly != 0 {
				clearAway()
			}
			endLike(uint32(info.signal()))
		}
	}
}

// signalInfo is struct signalfd_siginfo.
type signalInfo [32]uint32

func (i *signalInfo) read() bool {
	return raw.Call(unix.SYS_READ, relay.fd, raw.Addr(unsafe.Pointer(i)), unsafe.Sizeof(*i), 0, 0, 0) == unsafe.Sizeof(*i)
}

func (i *signalInfo) signal() unix.Signal { return unix.Signal(i[0]) }
func (i *signalInfo) code() int32         { return int32(i[2]) }
func (i *signalInfo) sender() uintptr     { return uintptr(i[3]) }

// takesSignals returns the descriptor on which signals are read, -1 for none.
func takesSignals() int32 {
	if relay.fd == 0 {
		return -1
	}
	return int32(relay.fd)
}

// passSignals reads what signals have come, and does what each of them is for.
func passSignals(p plan.View) {
	for info := (signalInfo{}); info.read(); {
		switch sig := info.signal(); {
		case sig == unix.SIGCHLD:
			if by := childStopped(p); by != 0 {
				suspend(p, by)
			}
		case sig == unix.SIGCONT: // see continued
		case !p.Has(plan.FlagForward):
			obeySignal(p, sig, info.code())
		case info.code() > 0 && !hasSession(p) && !p.Has(plan.FlagForeground): // the terminal's, which the command has had itself
		case info.sender() == commandPid(p) && info.sender() != 0: // it has signalled its group
		default:
			signalCommand(p, sig)
		}
	}
}

// commandPid returns the command's pid, 0 if that is not known.
func commandPid(p plan.View) uintptr {
	if p.Has(plan.FlagInit) {
		return clock.command
	}
	return monitor.first
}

// childStopped returns the signal by which the first process has stopped, where that is the
// command; else 0.
func childStopped(p plan.View) unix.Signal {
	if p.Has(plan.FlagInit) {
		return 0
	}
	const wstopped = 2
	var info [32]uint32                                                                                                      // siginfo_t
	r := raw.Call(unix.SYS_WAITID, 1, monitor.first, raw.Addr(unsafe.Pointer(&info)), wstopped|unix.WNOHANG|unix.WALL, 0, 0) // P_PID
	if raw.Errno(r) != 0 || info[0] != uint32(unix.SIGCHLD) {
		return 0
	}
	return unix.Signal(info[6]) // si_status
}

// suspend deals with a command that has stopped: the launcher's process group stops too, and
// with that is continued.
func suspend(p plan.View, by unix.Signal) {
	tty, command := openTerminal(), commandPid(p)
	if tty == 0 || command == 0 {
		return
	}
	mine := raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0)
	now := foreground(tty)
	end := unix.SIGCONT
	// A command that was quick has only missed the terminal, and may have it by now.
	missed := (by == unix.SIGTTIN || by == unix.SIGTTOU) && (now == mine || now == command)
	if !missed {
		if now == command {
			setForeground(tty, mine)
		}
		if by == unix.SIGSTOP {
			by = unix.SIGTSTP // which a caller may ignore
		}
		raw.Kill(0, uintptr(by))
		if now != command && !continued() {
			// Nothing stops a process group whose shell is gone. The kernel ends what is
			// stopped in one so (setpgid(2), "orphaned").
			end = unix.SIGHUP
		}
	}
	if foreground(tty) == mine {
		setForeground(tty, command)
	}
	raw.Kill(-command, uintptr(end))
	if end != unix.SIGCONT {
		raw.Kill(-command, uintptr(unix.SIGCONT))
	}
	raw.Close(tty)
}

// continued reports whether this process has been stopped and continued: SIGCONT is pending.
func continued() bool {
	set := uint64(0)
	raw.Call(unix.SYS_RT_SIGPENDING, raw.Addr(unsafe.Pointer(&set)), 8, 0, 0, 0, 0)
	return set&raw.MaskOf(unix.SIGCONT) != 0
}

// handOver makes the command's process group the foreground one, where the launcher's is that.
func handOver(p plan.View) {
	if !p.Has(plan.FlagForeground) {
		return
	}
	tty, command := openTerminal(), commandPid(p)
	if tty == 0 {
		return
	}
	if command != 0 && foreground(tty) == raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0) {
		setForeground(tty, command)
	}
	raw.Close(tty)
}

// openTerminal opens the controlling terminal; 0: there is none.
func openTerminal() uintptr {
	tty := raw.Openat(raw.AtCwd, raw.Text("/dev/tty\x00"), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if raw.Errno(tty) != 0 {
		return 0
	}
	return tty
}

// foreground returns the terminal's foreground process group; 0: one outside of the PID
// namespace.
func foreground(tty uintptr) uintptr {
	group := int32(0)
	if raw.Errno(raw.Call(unix.SYS_IOCTL, tty, unix.TIOCGPGRP, raw.Addr(unsafe.Pointer(&group)), 0, 0, 0)) != 0 || group < 0 {
		return 0
	}
	return uintptr(group)
}

// setForeground makes a process group the terminal's foreground one. The kernel would stop us,
// as it does processes in the background.
func setForeground(tty, group uintptr) {
	was, to := uint64(0), int32(group)
	raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGTTOU), &was)
	raw.Call(unix.SYS_IOCTL, tty, unix.TIOCSPGRP, raw.Addr(unsafe.Pointer(&to)), 0, 0, 0)
	raw.SetMask(unix.SIG_SETMASK, was, nil)
}

// leadGroup makes the command the leader of a process group.
func leadGroup(p plan.View) {
	if p.Has(plan.FlagForeground) {
		raw.Call(unix.SYS_SETPGID, 0, 0, 0, 0, 0, 0)
	}
}

// reap waits for init's next child to end. It tells the monitor when the command, child, stops,
// where that has to know.
func reap(p plan.View, child uintptr) (ended uintptr, status uint32) {
	if !p.Has(plan.FlagForeground) {
		return raw.WaitUsage(^uintptr(0), &clock.used)
	}
	for {
		r := raw.Call(unix.SYS_WAIT4, ^uintptr(0), raw.Addr(unsafe.Pointer(&status)), unix.WALL|unix.WUNTRACED, raw.Addr(unsafe.Pointer(&clock.used)), 0, 0)
		switch isStop := status&0xff == 0x7f; {
		case raw.Errno(r) == unix.EINTR:
		case raw.Errno(r) != 0 || !isStop:
			return r, status
		case r == child && feed.child != 0:
			raw.WriteWord(feed.child, stopped|status>>8&0xff)
		}
	}
}
