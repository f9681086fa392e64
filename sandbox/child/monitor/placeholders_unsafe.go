package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor; leaveRemover also leaves a process of its own.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// placeholders are what --protect has put on the host for paths that are missing there, as the
// first process has told the monitor (package build): State.placeholders of them.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var placeholders struct {
	dirs  [placeholder.Max]int32 // the directory that each one lies in
	names [placeholder.Max][placeholder.NameLen + 1]byte
}

// recordPlaceholder takes in a word about a placeholder: its name follows on the feed. dir is the
// directory that it lies in; 0: the one of the placeholder before.
func recordPlaceholder(dir uintptr, word uint32) bool {
	i := State.placeholders & (placeholder.Max - 1)
	name := unsafe.Pointer(&placeholders.names[i])
	n := uintptr(word & placeholder.NameLen)
	if dir == 0 && State.placeholders > 0 {
		dir = uintptr(placeholders.dirs[(i-1)&(placeholder.Max-1)])
	}
	if raw.ReadFull(launch.Feed.Monitor, name, n) != n || dir == 0 || State.placeholders == placeholder.Max {
		return false
	}
	*(*byte)(unsafe.Add(name, n)) = 0
	placeholders.dirs[i] = int32(dir)
	State.placeholders++
	return true
}

// RemovePlaceholders removes those that no other sandbox needs.
func RemovePlaceholders() {
	if State.placeholders == 0 {
		return
	}
	ignore := raw.Sigaction{Handler: raw.Ignore}
	// Remove takes a lease to find out whether another process has the file open. SIGIO, which comes
	// when one opens it later, would end us (F_SETLEASE, fcntl(2)).
	raw.SetAction(unix.SIGIO, &ignore, nil)
	for i := uint32(0); i < State.placeholders; i++ {
		k := i & (placeholder.Max - 1)
		placeholder.Remove(uintptr(placeholders.dirs[k]), unsafe.Pointer(&placeholders.names[k]))
	}
}

// Signals that end the monitor would leave placeholders behind. So where there may be some, it
// reads those signals (signals_unsafe.go), and removes them first:
//
//   - One that the terminal sends, the payload has got too, unless it has a session of its own.
//     The monitor waits for it, and ends as it has ended.
//   - Any other one ends the sandbox, where the payload is to die with the launcher, and then the
//     launcher. Without --die-with-parent the sandbox outlives it, and needs them: a process stays
//     that removes them later (leaveRemover).
//
// With --forward-signals they are passed on instead.

// mayMakePlaceholders reports whether a plan may make placeholders.
func mayMakePlaceholders(p plan.View) bool {
	for i := p.Join; i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpProtect && s.Flags == 0 {
			return true
		}
	}
	return false
}

// terminatingSignals returns the signals that end the monitor, except for those that it ignores.
func terminatingSignals() (set uint64) {
	for _, sig := range [...]unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		var now raw.Sigaction
		raw.SetAction(sig, nil, &now)
		// What the caller ignores is to stay ignored (nohup(1)), and is not read either.
		if now.Handler != raw.Ignore {
			set |= raw.MaskOf(sig)
		}
	}
	return set
}

// endBySignal does what a signal says.
func endBySignal(p plan.View, sig unix.Signal, code int32) {
	if code > 0 && !hasSession(p) { // the terminal's (sigaction(2), si_code)
		signals.caught = uint32(sig)
		if p.Has(plan.FlagForeground) { // and came before the terminal was the payload's
			signalPayload(p, sig)
		}
		return
	}
	if p.Has(plan.FlagDieWithParent) {
		endSandbox()
	} else {
		leaveRemover(p)
	}
	endLike(uint32(sig))
}

// leaveRemover leaves a process behind that waits for the end of the sandbox, which outlives the
// monitor, and removes its placeholders. It has a session of its own and, besides the
// directories of the placeholders, none of the monitor's descriptors, so that the monitor's end looks
// as it does without it. A pidfd is readable when all processes of init's PID namespace have ended.
func leaveRemover(p plan.View) {
	if State.placeholders == 0 || State.First == 0 {
		return
	}
	ends := raw.Call(unix.SYS_PIDFD_OPEN, State.First, 0, 0, 0, 0, 0)
	if raw.Errno(ends) != 0 { // before Linux 5.3, or a filter
		return
	}
	if raw.Clone(0) != 0 {
		return // the monitor; or there is no process to be had, and they stay
	}
	raw.Call(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)
	keep := [...]uintptr{ends}
	launch.CloseAllBut(p, false, keep[:], unsafe.Pointer(&placeholders.dirs), State.placeholders)
	var fds raw.PollFd
	fds.Fd, fds.Events = int32(ends), unix.POLLIN
	for raw.Errno(raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, 0, 0, 8, 0)) == unix.EINTR {
	}
	RemovePlaceholders()
	raw.Exit(0)
}

// endSandbox ends the sandbox and removes its placeholders.
func endSandbox() {
	if State.First != 0 {
		KillFirst()
	}
	ReadLastStatus(0)
	RemovePlaceholders()
}

// endByTerminalSignal ends this process by a signal of the terminal's that has ended the payload, too.
func endByTerminalSignal(status uint32) {
	if sig := status & 0x7f; sig != 0 && sig == signals.caught {
		endLike(status)
	}
}

// readPlaceholder reads a word about a placeholder from the feed, if it is the next one, and reports
// whether it was.
func readPlaceholder() bool {
	word := uint32(0)
	r := raw.Call(unix.SYS_RECVFROM, launch.Feed.Monitor, raw.Addr(unsafe.Pointer(&word)), 4, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if r != 4 || word&placeholder.Word == 0 {
		return false
	}
	_, ok := readWord()
	return ok
}
