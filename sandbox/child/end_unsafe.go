package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file is about the end of a launch, and of its stops. Runs in: monitor, but for sayBegun,
// which runs in the payload's process, and sayEnd and sayStop, which run in init.

// Words on the feed besides announce's and reached.
const (
	// begun: set-up is over, and the payload's own steps follow. From the payload's process.
	begun = 1 << 30
	// ended marks the payload's wait status, the lowest 16 bits. From init.
	ended = 1 << 29
	// stopped, continued: the payload's process has stopped, or goes on. From init.
	stopped   = 1 << 28
	continued = 1 << 27
	// initEnds, with ended: init has no other child, and ends now.
	initEnds = 1 << 31
)

// sayBegun tells the monitor that set-up is over. It comes before the payload's filters.
func sayBegun(end uintptr) {
	raw.SendWord(end, begun)
}

// sayEnd tells the monitor the payload's wait status, and whether init ends too. It reports
// the latter.
func sayEnd(p plan.View, status uint32) bool {
	last := !hasChildren()
	if feed.child == 0 {
		return last
	}
	word := ended | status&0xffff
	if last {
		word |= initEnds
	}
	raw.WriteWord(feed.child, word)
	if p.Has(plan.FlagUsage) {
		raw.WriteFull(feed.child, unsafe.Pointer(&clock.used), unsafe.Sizeof(clock.used))
	}
	if !last {
		raw.Close(feed.child)
	}
	feed.child = 0
	return last
}

// sayStop tells the monitor that the payload has stopped, or goes on, if that is what its wait
// status says, which it reports.
func sayStop(status uint32) bool {
	word := uint32(stopped)
	if status == raw.Continued {
		word = continued
	} else if status&0xff != raw.Stopped {
		return false
	}
	if feed.child != 0 {
		raw.WriteWord(feed.child, word)
	}
	return true
}

// hasChildren reaps the children that have ended and reports whether there are others. An
// error other than ECHILD comes from the payload's own filter; init ends then.
func hasChildren() bool {
	for {
		r := raw.Call(unix.SYS_WAIT4, ^uintptr(0), 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
		if e := raw.Errno(r); e == unix.EINTR || e == 0 && r != 0 {
			continue
		} else {
			return e == 0
		}
	}
}

// endFailed ends a launch whose front end has failed: it has reported why, unless it was
// killed. The first process is gone or going.
func endFailed(p plan.View, front uint32) {
	first := killFirst()
	reapKeeper()
	first = lastWord(first)
	reapStray()
	if sig := front & 0x7f; sig != 0 {
		step.Tell(2, raw.Text("the launcher's front end was killed by signal \x00"), uintptr(sig), raw.Text(" before the command ran\x00"))
	} else if exitCode(front) == uint32(Killed(int(p.Failed))) {
		tellKilled(first)
	}
	raw.Exit(p.Failed)
}

// killFirst ends the first process and returns its wait status.
func killFirst() uint32 {
	raw.Kill(monitor.first, uintptr(unix.SIGKILL))
	_, status := raw.Wait(monitor.first)
	return status
}

// lastWord hears the feed to its end. It returns the payload's wait status where init has
// outlived the payload's process and says it, and otherwise the first process's.
func lastWord(first uint32) uint32 {
	for {
		word, ok := readWord()
		if !ok {
			return first
		}
		if word&ended != 0 {
			first = word & 0xffff
		}
	}
}

// tellKilled reports that a process was killed during set-up, if that is what its wait status
// says.
func tellKilled(status uint32) {
	if sig := status & 0x7f; sig != 0 {
		step.Tell(2, raw.Text("a process of the sandbox was killed by signal \x00"), uintptr(sig), raw.Text(" before the command ran\x00"))
	}
}

// requireSetUp returns when the payload's process has finished set-up. If that never
// happens, which is known by the end of the feed, it ends the launch as failed, and reports
// a signal: no other process has, since a process that is killed sends no fault.
func requireSetUp(p plan.View) {
	word, sender, _ := nextWord()
	if word == begun {
		begin(p, sender)
		return
	}
	status := word & 0xffff
	if word&ended == 0 {
		if r, its := raw.Wait(monitor.first); raw.Errno(r) == 0 {
			status = its
		}
	}
	tellKilled(status)
	reapStray()
	raw.Exit(p.Failed)
}

// readWord reads a word from the feed. At its end it is 0, and false.
func readWord() (word uint32, ok bool) {
	word, _, ok = readWordFrom()
	return word, ok
}

// readWordFrom is readWord, with the pid of the process that says it, where that is asked for
// (passSender).
func readWordFrom() (word uint32, sender uintptr, ok bool) {
	if feed.monitor == 0 {
		return 0, 0, false
	}
	if sender, ok = hear(feed.monitor, unsafe.Pointer(&word), 4); !ok {
		return 0, 0, false
	}
	return word, sender, true
}

// nextWord is readWordFrom without what is said of stops, which it obeys.
func nextWord() (word uint32, sender uintptr, ok bool) {
	for {
		if word, sender, ok = readWordFrom(); !obeyStop(word) {
			return word, sender, ok
		}
	}
}

// obeyStop reports whether a word is about a stop. If the payload has stopped, this process
// stops, too, unless it has to end the payload, whose time is over.
func obeyStop(word uint32) bool {
	if word == stopped && clock.stage == inTime {
		stopToo()
	}
	return word == stopped || word == continued
}

// payloadStatus waits for the payload and returns its wait status: on init's word, or by
// waiting for the first process. An init that ends with the payload is reaped.
func payloadStatus(p plan.View) uint32 {
	word := uint32(0)
	switch {
	case timeout(p) != nil:
		word = watch(p)
	case p.Has(plan.FlagInit):
		word, _, _ = nextWord()
	}
	readUsage(p, word)
	killed := clock.stage != inTime && killAll(p) // a command that ends when it is asked to may leave others
	if word&ended == 0 {
		return firstStatus()
	}
	if killed || word&initEnds != 0 {
		reapInit()
	}
	return word & 0xffff
}

// firstStatus waits for the first process and returns its wait status.
func firstStatus() uint32 {
	for {
		r, status := raw.WaitFor(monitor.first, monitor.follows, &clock.used)
		switch {
		case raw.Errno(r) != 0:
			return 1 << 8
		case status&0xff == raw.Stopped:
			stopToo()
		case status != raw.Continued:
			return status
		}
	}
}

// follow prepares for stopping with the payload. A program that stops its job by itself, as
// editors do, sends the signal to its process group, and where signals end at the payload's
// domain that does not reach the monitor, for which the caller's shell waits. A stop by the
// terminal does reach it. SIGCONT is blocked, so that stopToo finds it; it continues us
// nevertheless. In plan mode there is a line to obey, and no shell.
func follow(p plan.View) {
	if monitor.follows = !host.there && scoped(p); monitor.follows {
		raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGCONT), nil)
	}
}

// stopToo stops this process as the terminal would: where nobody is there who could continue
// it, in an orphaned process group, the kernel does not (setpgid(2)). It continues when init has
// something to say, too, such as that the payload goes on or has ended: whoever has continued
// or killed that does not know of us.
// The stop may be one that is over. Then init says so, or the payload's end, within a moment: if
// a SIGCONT has come, that is likely, and worth a second.
// The terminal's signal may come to us at any time between: it is blocked, so that it makes
// one with ours, and a SIGCONT takes both away.
func stopToo() {
	var was uint64
	raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGTSTP), &was)
	if !more(5e7) && !(wasContinued() && more(1e9)) {
		continueAtWord(unix.O_ASYNC)
		raw.Kill(raw.Getpid(), uintptr(unix.SIGTSTP))
		if more(0) {
			takeSignal(unix.SIGTSTP)
		}
	}
	raw.SetMask(unix.SIG_SETMASK, was, nil)
	continueAtWord(0)
	wasContinued()
}

// continueAtWord makes init's next word continue this process, by the kernel's SIGCONT (F_SETSIG,
// fcntl(2)), or, with 0, ends that.
func continueAtWord(async uintptr) {
	if feed.monitor == 0 {
		return
	}
	raw.Fcntl(feed.monitor, unix.F_SETOWN, raw.Getpid())
	raw.Fcntl(feed.monitor, fSetSig, uintptr(unix.SIGCONT))
	raw.Fcntl(feed.monitor, unix.F_SETFL, async)
}

// wasContinued reports whether a SIGCONT has come, and takes it.
func wasContinued() bool { return takeSignal(unix.SIGCONT) }

// takeSignal reports whether a signal is pending, which is blocked, and takes it.
func takeSignal(sig unix.Signal) bool {
	mask := raw.MaskOf(sig)
	var now unix.Timespec
	r := raw.Call(unix.SYS_RT_SIGTIMEDWAIT, raw.Addr(unsafe.Pointer(&mask)), 0, raw.Addr(unsafe.Pointer(&now)), 8, 0, 0)
	return raw.Errno(r) == 0
}

// more reports whether there is another word of init's on the feed, or comes within so many
// nanoseconds.
func more(limit int64) bool {
	var fds raw.PollFd
	var span unix.Timespec
	fds.Fd, fds.Events, span.Sec, span.Nsec = int32(feed.monitor), unix.POLLIN, limit/1e9, limit%1e9
	raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&span)), 0, 8, 0)
	var first byte // not the feed's end, which is there where there is no init
	return raw.Call(unix.SYS_RECVFROM, feed.monitor, raw.Addr(unsafe.Pointer(&first)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0) == 1
}

// reapInit waits for an init that has said that it ends, so that it is not left as a zombie
// to whichever process inherits it. It waits no longer than a second at a time: the kernel
// holds init up until every process of its PID namespace has been reaped
// (pid_namespaces(7)), and one that entered from outside (nsenter(1)) has another parent,
// which may be waiting for us.
func reapInit() {
	raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGCHLD), nil)
	chld := raw.MaskOf(unix.SIGCHLD)
	var limit unix.Timespec
	limit.Sec = 1
	for range 16 { // SIGCHLD may be pending for another child, or because init was stopped
		r := raw.Call(unix.SYS_WAIT4, monitor.first, 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
		if r != 0 {
			return
		}
		r = raw.Call(unix.SYS_RT_SIGTIMEDWAIT, raw.Addr(unsafe.Pointer(&chld)), 0, raw.Addr(unsafe.Pointer(&limit)), 8, 0, 0)
		if e := raw.Errno(r); e != 0 && e != unix.EINTR {
			return
		}
	}
}

// reclaimTerminal makes the caller's process group the foreground one of the terminal again
// where the sandbox has left it to a group that is gone. A shell does that itself when it
// ends, but inside a new PID namespace the caller's group has no number. Without it the
// caller's next read(2) fails with EIO (credentials(7), "Sessions, process groups").
func reclaimTerminal(p plan.View) {
	if p.Clone&unix.CLONE_NEWPID == 0 && !joinsPID(p) {
		return
	}
	tty := raw.Openat(raw.AtCwd, raw.Text("/dev/tty\x00"), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if raw.Errno(tty) != 0 {
		return
	}
	group := int32(0)
	e := raw.Errno(raw.Call(unix.SYS_IOCTL, tty, unix.TIOCGPGRP, raw.Addr(unsafe.Pointer(&group)), 0, 0, 0))
	// 0: a group that is not in our PID namespace. Another one that lives has the terminal
	// rightly: a shell that has put us into the background, or a process inside.
	if e == 0 && group > 0 && raw.Errno(raw.Call(unix.SYS_KILL, -uintptr(group), 0, 0, 0, 0, 0)) == unix.ESRCH {
		group = int32(raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0))
		// Or the kernel would stop us, as it does processes in the background.
		raw.SetMask(unix.SIG_BLOCK, raw.MaskOf(unix.SIGTTOU), nil)
		raw.Call(unix.SYS_IOCTL, tty, unix.TIOCSPGRP, raw.Addr(unsafe.Pointer(&group)), 0, 0, 0)
	}
	raw.Close(tty)
}

// exitCode is the shell's number for a wait status.
func exitCode(status uint32) uint32 {
	if sig := status & 0x7f; sig != 0 {
		return 128 + sig
	}
	return status >> 8 & 0xff
}

// readUsage reads what follows the payload's status, where init has said that.
func readUsage(p plan.View, word uint32) {
	if word&ended != 0 && p.Has(plan.FlagUsage) {
		raw.ReadFull(feed.monitor, unsafe.Pointer(&clock.used), unsafe.Sizeof(clock.used))
	}
}

// reportEnd writes the documents about the end.
func reportEnd(p plan.View, status uint32) {
	if p.JSONFd < 0 {
		return
	}
	if p.Has(plan.FlagUsage) {
		reportUsage(p, status)
	}
	reportExit(uintptr(p.JSONFd), exitCode(status))
}

// reportExit writes the last document of --json-status-fd. A reader that went away
// is no reason to die of SIGPIPE.
func reportExit(fd uintptr, code uint32) {
	ignore := raw.Sigaction{Handler: raw.Ignore}
	raw.SetAction(unix.SIGPIPE, &ignore, nil)
	var text [40]byte
	p := unsafe.Pointer(&text)
	n := raw.Put(p, raw.Text("{ \"exit-code\": \x00"))
	n += raw.PutNumber(unsafe.Add(p, n), uintptr(code))
	n += raw.Put(unsafe.Add(p, n), raw.Text(" }\n\x00"))
	raw.WriteFull(fd, p, n)
}
