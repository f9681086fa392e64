package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"golang.org/x/sys/unix"
)

// This file is about the end of a launch. Runs in: monitor, except for sayBegun, which runs in
// the payload's process, and sayEnd, which runs in init.

// Words on the feed besides announce's and reached; doc.go lists all of them.
const (
	// begun: set-up is over, and the payload's own steps follow. From the payload's process.
	begun = 1 << 30
	// ended marks the payload's wait status, the lowest 16 bits. From init.
	ended = 1 << 29
	// stopped: the payload's process has stopped, by the signal in the lowest bits. From init.
	stopped = 1 << 28
	// goesOn: it goes on. From init, where the monitor follows.
	goesOn = 1 << 27
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
	removePlaceholders()
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

// lastWord reads the feed to its end. It returns the payload's wait status where init has
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
	word, sender, _ := nextWord(p)
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
	removePlaceholders()
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
	sender, dir, ok := hearAll(feed.monitor, unsafe.Pointer(&word), 4)
	if ok && word&placeholder.Word != 0 {
		ok = knowPlaceholder(dir, word)
	} else if dir != 0 {
		raw.Close(dir)
	}
	if !ok {
		return 0, 0, false
	}
	return word, sender, true
}

// nextWord is readWordFrom without what is said of stops, which it obeys, and of placeholders.
// A signal that comes before the end of set-up ends the launch (listen).
func nextWord(p plan.View) (word uint32, sender uintptr, ok bool) {
	for {
		listen(feed.monitor)
		if word, sender, ok = readWordFrom(); word&placeholder.Word == 0 && !obeyStop(p, word) {
			return word, sender, ok
		}
	}
}

// payloadStatus waits for the payload and returns its wait status: on init's word, or by
// waiting for the first process. An init that ends with the payload is reaped.
func payloadStatus(p plan.View) uint32 {
	word := uint32(0)
	switch {
	case watches(p):
		word = watch(p)
	case p.Has(plan.FlagInit):
		word, _, _ = nextWord(p)
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
	handed := p.Has(plan.FlagForeground)
	if p.Clone&unix.CLONE_NEWPID == 0 && !joinsPID(p) && !handed {
		return
	}
	tty := openTerminal()
	if tty == 0 {
		return
	}
	// Another group that lives has the terminal rightly: a shell that has put us into the
	// background, or a process inside; except for the command's, which got it from us.
	group := foreground(tty)
	if group != 0 && (handed && group == commandPid(p) || raw.Errno(raw.Call(unix.SYS_KILL, -group, 0, 0, 0, 0, 0)) == unix.ESRCH) {
		setForeground(tty, raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0))
	}
	raw.Close(tty)
}

// exitCode returns the shell's number for a wait status.
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
// is not a reason to die of SIGPIPE.
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
