package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file is about the end of a launch. Runs in: monitor, but for sayBegun, which runs in
// the payload's process, and sayEnd, which runs in init.

// Words on the feed besides announce's and reached.
const (
	// begun: set-up is over, and the payload's own steps follow. From the payload's process.
	begun = 1 << 30
	// ended marks the payload's wait status, the lowest 16 bits. From init.
	ended = 1 << 29
	// initEnds, with ended: init has no other child, and ends now.
	initEnds = 1 << 31
)

// sayBegun tells the monitor that set-up is over. It comes before the payload's filters.
func sayBegun(feed uintptr) {
	room.message[0] = begun
	sendFull(feed, unsafe.Pointer(&room.message), 4)
}

// sayEnd tells the monitor the payload's wait status, and whether init ends too. It reports
// the latter.
func sayEnd(status uint32) bool {
	last := !hasChildren()
	if room.childEnd == 0 {
		return last
	}
	room.message[0] = ended | status&0xffff
	if last {
		room.message[0] |= initEnds
	}
	writeFull(room.childEnd, unsafe.Pointer(&room.message), 4)
	if !last {
		closeFd(room.childEnd)
	}
	room.childEnd = 0
	return last
}

// hasChildren reaps the children that have ended and reports whether there are others. An
// error other than ECHILD comes from the payload's own filter; init ends then.
func hasChildren() bool {
	for {
		r := raw(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
		if e := errno(r); e == unix.EINTR || e == 0 && r != 0 {
			continue
		} else {
			return e == 0
		}
	}
}

// endFailed ends a launch whose front end has failed: it has reported why, unless it was
// killed. The first process is gone or going.
func endFailed(p program) {
	front := room.status
	kill(room.first, uintptr(unix.SIGKILL))
	wait(room.first)
	first := room.status
	reapKeeper()
	for readWord() {
		if room.message[0]&ended != 0 { // init has outlived the payload's process
			first = room.message[0] & 0xffff
		}
	}
	reapStray()
	if sig := front & 0x7f; sig != 0 {
		tell(2, text("the launcher's front end was killed by signal \x00"), uintptr(sig), text(" before the command ran\x00"))
	} else if exitCode(front) == uint32(Killed(int(p.h.Failed))) {
		tellKilled(first)
	}
	exit(p.h.Failed)
}

// tellKilled reports that a process was killed during set-up, if that is what its wait status
// says.
func tellKilled(status uint32) {
	if sig := status & 0x7f; sig != 0 {
		tell(2, text("a process of the sandbox was killed by signal \x00"), uintptr(sig), text(" before the command ran\x00"))
	}
}

// requireSetUp returns when the payload's process has finished set-up. If that never
// happens, which is known by the end of the feed, it ends the launch as failed, and reports
// a signal: no other process has, since a process that is killed sends no fault.
func requireSetUp(p program) {
	if readWord() && room.message[0] == begun {
		return
	}
	status := room.message[0] & 0xffff
	if room.message[0]&ended == 0 && errno(wait(room.first)) == 0 {
		status = room.status
	}
	tellKilled(status)
	reapStray()
	exit(p.h.Failed)
}

// readWord reads a word from the feed into room.message[0], 0 at its end.
func readWord() bool {
	room.message[0] = 0
	return room.monitorEnd != 0 && readFull(room.monitorEnd, unsafe.Pointer(&room.message), 4) == 4
}

// payloadStatus waits for the payload and returns its wait status: on init's word, or by
// waiting for the first process. An init that ends with the payload is reaped.
func payloadStatus(p program) uint32 {
	if p.has(plan.FlagInit) && readWord() {
		status := room.message[0]
		if status&initEnds != 0 {
			reapInit()
		}
		return status & 0xffff
	}
	if errno(wait(room.first)) != 0 {
		return 1 << 8
	}
	return room.status
}

// reapInit waits for an init that has said that it ends, so that it is not left as a zombie
// to whichever process inherits it. It waits no longer than a second at a time: the kernel
// holds init up until every process of its PID namespace has been reaped
// (pid_namespaces(7)), and one that entered from outside (nsenter(1)) has another parent,
// which may be waiting for us.
func reapInit() {
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, maskOf(unix.SIGCHLD), 0, 8, 0, 0)
	var limit unix.Timespec
	limit.Sec = 1
	for range 16 { // SIGCHLD may be pending for another child, or because init was stopped
		r := raw(unix.SYS_WAIT4, room.first, 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
		if r != 0 {
			return
		}
		r = raw(unix.SYS_RT_SIGTIMEDWAIT, maskOf(unix.SIGCHLD), 0, addr(unsafe.Pointer(&limit)), 8, 0, 0)
		if e := errno(r); e != 0 && e != unix.EINTR {
			return
		}
	}
}

// reclaimTerminal makes the caller's process group the foreground one of the terminal again
// where the sandbox has left it to a group that is gone. A shell does that itself when it
// ends, but inside a new PID namespace the caller's group has no number. Without it the
// caller's next read(2) fails with EIO (credentials(7), "Sessions, process groups").
func reclaimTerminal(p program) {
	if p.h.Clone&unix.CLONE_NEWPID == 0 && !joinsPID(p) {
		return
	}
	tty := openat(atCwd, text("/dev/tty\x00"), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if errno(tty) != 0 {
		return
	}
	group := (*int32)(unsafe.Pointer(&room.pair))
	*group = 0
	e := errno(raw(unix.SYS_IOCTL, tty, unix.TIOCGPGRP, addr(unsafe.Pointer(group)), 0, 0, 0))
	// 0: a group that is not in our PID namespace. Another one that lives has the terminal
	// rightly: a shell that has put us into the background, or a process inside.
	if e == 0 && *group > 0 && errno(raw(unix.SYS_KILL, -uintptr(*group), 0, 0, 0, 0, 0)) == unix.ESRCH {
		*group = int32(raw(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0))
		// Or the kernel would stop us, as it does processes in the background.
		raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, maskOf(unix.SIGTTOU), 0, 8, 0, 0)
		raw(unix.SYS_IOCTL, tty, unix.TIOCSPGRP, addr(unsafe.Pointer(group)), 0, 0, 0)
	}
	closeFd(tty)
}

// exitCode is the shell's number for a wait status.
func exitCode(status uint32) uint32 {
	if sig := status & 0x7f; sig != 0 {
		return 128 + sig
	}
	return status >> 8 & 0xff
}

// reportExit writes the last document of --json-status-fd. A reader that went away
// is no reason to die of SIGPIPE.
func reportExit(fd uintptr, code uint32) {
	var act sigaction
	act.handler = 1 // SIG_IGN
	raw(unix.SYS_RT_SIGACTION, uintptr(unix.SIGPIPE), addr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	p := unsafe.Pointer(&room.small)
	n := put(p, text("{ \"exit-code\": \x00"))
	n += putNumber(unsafe.Add(p, n), uintptr(code))
	n += put(unsafe.Add(p, n), text(" }\n\x00"))
	writeFull(fd, p, n)
}
