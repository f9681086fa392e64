package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor, at the end of a launch.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// KillFirst ends the first process and returns its wait status. In a PID namespace of its own
// everything goes with it (pid_namespaces(7)).
func KillFirst() uint32 {
	raw.Kill(State.First, uintptr(unix.SIGKILL))
	_, status := raw.Wait(State.First)
	return status
}

// ReadLastStatus reads the feed to its end. It returns the payload's wait status where init has
// outlived the payload's process and says it, and otherwise the first process's.
func ReadLastStatus(first uint32) uint32 {
	for {
		word, ok := readWord()
		if !ok {
			return first
		}
		if word&launch.WordEnded != 0 {
			first = word & 0xffff
		}
	}
}

// TellKilled reports that a process was killed during set-up, if that is what its wait status
// says.
func TellKilled(status uint32) {
	if sig := status & 0x7f; sig != 0 {
		step.Tell(2, raw.Text("a process of the sandbox was killed by signal \x00"), uintptr(sig), raw.Text(" before the command ran\x00"))
	}
}

// requireSetUp returns when the payload's process has finished set-up. If that never
// happens, which is known by the end of the feed, it ends the launch as failed, and reports
// a signal: no other process has, since a process that is killed sends no fault.
func requireSetUp(p plan.View) {
	// Where an init is killed while the payload waits at the start barrier, the payload dies with it,
	// and the word is not sent: it comes from the payload's process, not from init.
	word, sender, _ := nextWord(p)
	if word == launch.WordBegun {
		startClock(p, sender)
		return
	}
	status := word & 0xffff
	if word&launch.WordEnded == 0 {
		if r, its := raw.Wait(State.First); raw.Errno(r) == 0 {
			status = its
		}
	}
	TellKilled(status)
	RemovePlaceholders()
	raw.Exit(p.Failed)
}

// readWord reads a word from the feed. At its end it is 0, and false.
func readWord() (word uint32, ok bool) {
	word, _, ok = readWordAndSender()
	return word, ok
}

// readWordAndSender is readWord, with the pid of the process that says it, where that is asked for
// (passSender).
func readWordAndSender() (word uint32, sender uintptr, ok bool) {
	if launch.Feed.Monitor == 0 {
		return 0, 0, false
	}
	sender, dir, ok := receiveWithSender(launch.Feed.Monitor, unsafe.Pointer(&word), 4)
	if ok && word&placeholder.Word != 0 {
		ok = recordPlaceholder(dir, word)
	} else if dir != 0 {
		raw.Close(dir)
	}
	if !ok {
		return 0, 0, false
	}
	return word, sender, true
}

// nextWord is readWordAndSender without what is said of stops, which it obeys, and of placeholders.
// A signal that comes before the end of set-up ends the launch (awaitInput).
func nextWord(p plan.View) (word uint32, sender uintptr, ok bool) {
	for {
		awaitInput(launch.Feed.Monitor)
		if word, sender, ok = readWordAndSender(); word&placeholder.Word == 0 && !handleStopWord(p, word) {
			return word, sender, ok
		}
	}
}

// payloadStatus waits for the payload and returns its wait status: on init's word, or by
// waiting for the first process. An init that ends with the payload is reaped.
func payloadStatus(p plan.View) uint32 {
	word := uint32(0)
	switch {
	case needsWatch(p):
		word = watch(p)
	case p.Has(plan.FlagInit):
		word, _, _ = nextWord(p)
	}
	readUsage(p, word)
	killed := clock.stage != withinTime && killAll(p) // a payload that ends when it is asked to may leave others
	if word&launch.WordEnded == 0 {
		return firstStatus()
	}
	// An init that others in the sandbox keep alive is left to whichever process inherits it.
	if killed || word&launch.WordInitEnds != 0 {
		reapInit()
	}
	return word & 0xffff
}

// firstStatus waits for the first process and returns its wait status.
func firstStatus() uint32 {
	for {
		r, status := raw.WaitFor(State.First, State.stopsWithPayload, &clock.used)
		switch {
		case raw.Errno(r) != 0:
			return 1 << 8
		case status&0xff == raw.Stopped:
			stopSelf()
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
		r := raw.Call(unix.SYS_WAIT4, State.First, 0, unix.WNOHANG|unix.WALL, 0, 0, 0)
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
	if p.Clone&unix.CLONE_NEWPID == 0 && !launch.JoinsPIDNamespace(p) && !handed {
		return
	}
	tty := openTerminal()
	if tty == 0 {
		return
	}
	// Another group that lives has the terminal rightly: a shell that has put us into the
	// background, or a process inside; except for the payload's, which got it from us.
	group := foregroundGroup(tty)
	if group != 0 && (handed && group == payloadPid(p) || raw.Errno(raw.Call(unix.SYS_KILL, -group, 0, 0, 0, 0, 0)) == unix.ESRCH) {
		setForegroundGroup(tty, raw.Call(unix.SYS_GETPGID, 0, 0, 0, 0, 0, 0))
	}
	raw.Close(tty)
}

// readUsage reads what follows the payload's status, where init has said that.
func readUsage(p plan.View, word uint32) {
	if word&launch.WordEnded != 0 && p.Has(plan.FlagUsage) {
		raw.ReadFull(launch.Feed.Monitor, unsafe.Pointer(&clock.used), unsafe.Sizeof(clock.used))
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
	reportExit(uintptr(p.JSONFd), launch.ExitCode(status))
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

// endLike ends this process as another one has ended, by the same signal if it was one:
// the host sees what it would see of the payload itself.
func endLike(status uint32) {
	if sig := uintptr(status & 0x7f); sig != 0 {
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // one core is enough
		raw.DefaultAction(unix.Signal(sig))
		raw.SetMask(unix.SIG_UNBLOCK, raw.MaskOf(unix.Signal(sig)), nil)
		raw.Kill(raw.Getpid(), sig)
	}
	raw.Exit(launch.ExitCode(status))
}
