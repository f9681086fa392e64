package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor, with --foreground; the functions for terminals at every end.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// stopSignal returns the signal by which the first process has stopped, where that is the
// payload; else 0.
func stopSignal(p plan.View) unix.Signal {
	if p.Has(plan.FlagInit) {
		return 0
	}
	// waitid(2), since wait4(2) would take the status of a payload that has ended.
	const wstopped = 2
	var info [32]uint32                                                                                                    // siginfo_t
	r := raw.Call(unix.SYS_WAITID, 1, State.First, raw.Addr(unsafe.Pointer(&info)), wstopped|unix.WNOHANG|unix.WALL, 0, 0) // P_PID
	if raw.Errno(r) != 0 || info[0] != uint32(unix.SIGCHLD) {
		return 0
	}
	return unix.Signal(info[6]) // si_status
}

// stopWithPayload deals with a payload that has stopped: the launcher's process group stops too, and
// with that is continued.
func stopWithPayload(p plan.View, by unix.Signal) {
	tty, payload := openTerminal(), payloadPid(p)
	if tty == 0 || payload == 0 {
		return
	}
	mine := raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0)
	now := foregroundGroup(tty)
	end := unix.SIGCONT
	// A payload that was quick has only missed the terminal, and may have it by now.
	missed := (by == unix.SIGTTIN || by == unix.SIGTTOU) && (now == mine || now == payload)
	if !missed {
		if now == payload {
			setForegroundGroup(tty, mine)
		}
		if by == unix.SIGSTOP {
			by = unix.SIGTSTP // which a caller may ignore
		}
		raw.Kill(0, uintptr(by))
		if now != payload && !isContinuePending() {
			// Nothing stops a process group whose shell is gone. The kernel ends what is
			// stopped in one so (setpgid(2), "orphaned").
			end = unix.SIGHUP
		}
	}
	if foregroundGroup(tty) == mine {
		setForegroundGroup(tty, payload)
	}
	raw.Kill(-payload, uintptr(end))
	if end != unix.SIGCONT {
		raw.Kill(-payload, uintptr(unix.SIGCONT))
	}
	raw.Close(tty)
}

// isContinuePending reports whether this process has been stopped and continued: SIGCONT is pending.
func isContinuePending() bool {
	set := uint64(0)
	raw.Call(unix.SYS_RT_SIGPENDING, raw.Addr(unsafe.Pointer(&set)), 8, 0, 0, 0, 0)
	return set&raw.MaskOf(unix.SIGCONT) != 0
}

// giveTerminal makes the payload's process group the foreground one, where the launcher's is that.
func giveTerminal(p plan.View) {
	if !p.Has(plan.FlagForeground) {
		return
	}
	tty, payload := openTerminal(), payloadPid(p)
	if tty == 0 {
		return
	}
	if payload != 0 && foregroundGroup(tty) == raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0) {
		setForegroundGroup(tty, payload)
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

// foregroundGroup returns the terminal's foreground process group; 0: one outside of the PID
// namespace.
func foregroundGroup(tty uintptr) uintptr {
	group := int32(0)
	if raw.Errno(raw.Call(unix.SYS_IOCTL, tty, unix.TIOCGPGRP, raw.Addr(unsafe.Pointer(&group)), 0, 0, 0)) != 0 || group < 0 {
		return 0
	}
	return uintptr(group)
}

// setForegroundGroup makes a process group the terminal's foreground one. The kernel would stop us,
// as it does processes in the background.
func setForegroundGroup(tty, group uintptr) {
	was, to := uint64(0), int32(group)
	raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGTTOU), &was)
	raw.Call(unix.SYS_IOCTL, tty, unix.TIOCSPGRP, raw.Addr(unsafe.Pointer(&to)), 0, 0, 0)
	raw.SetMask(unix.SIG_SETMASK, was, nil)
}
