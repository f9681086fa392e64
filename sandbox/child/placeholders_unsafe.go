package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor; heldAbove in init too, and forgetHeld in the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"golang.org/x/sys/unix"
)

// placeholders are what --protect has put on the host for paths that are missing there, as the
// first process has told the monitor (package build): monitor.holders of them.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var placeholders struct {
	dirs  [placeholder.Max]int32 // the directory that each one lies in
	names [placeholder.Max][placeholder.NameLen + 1]byte
}

// knowPlaceholder takes in a word about a placeholder: its name follows on the feed. dir is the
// directory that it lies in; 0: the one of the placeholder before.
func knowPlaceholder(dir uintptr, word uint32) bool {
	i := monitor.holders & (placeholder.Max - 1)
	name := unsafe.Pointer(&placeholders.names[i])
	n := uintptr(word & placeholder.NameLen)
	if dir == 0 && monitor.holders > 0 {
		dir = uintptr(placeholders.dirs[(i-1)&(placeholder.Max-1)])
	}
	if raw.ReadFull(feed.monitor, name, n) != n || dir == 0 || monitor.holders == placeholder.Max {
		return false
	}
	*(*byte)(unsafe.Add(name, n)) = 0
	placeholders.dirs[i] = int32(dir)
	monitor.holders++
	return true
}

// removePlaceholders removes those that no other sandbox needs.
func removePlaceholders() {
	if monitor.holders == 0 {
		return
	}
	ignore := raw.Sigaction{Handler: raw.Ignore}
	raw.SetAction(unix.SIGIO, &ignore, nil) // see Remove
	for i := uint32(0); i < monitor.holders; i++ {
		k := i & (placeholder.Max - 1)
		placeholder.Remove(uintptr(placeholders.dirs[k]), unsafe.Pointer(&placeholders.names[k]))
	}
}

// Signals that end the monitor would leave placeholders behind. So where there may be some, it
// reads those signals (relay), and removes them first:
//
//   - One that the terminal sends, the command has got too, unless it has a session of its own.
//     The monitor waits for it, and ends as it has ended.
//   - Any other one ends the sandbox, where the command is to die with the launcher, and then the
//     launcher. Without --die-with-parent the sandbox outlives it, and needs them: a process stays
//     that removes them later (removeLater).
//
// With --forward-signals they are passed on instead.

// mayHold reports whether a plan may make placeholders.
func mayHold(p plan.View) bool {
	for i := p.Join; i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpProtect && s.Flags == 0 {
			return true
		}
	}
	return false
}

// deadly returns the signals that end the monitor, except for those that it ignores.
func deadly() (set uint64) {
	for _, sig := range [...]unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		var now raw.Sigaction
		raw.SetAction(sig, nil, &now)
		if now.Handler != raw.Ignore {
			set |= raw.MaskOf(sig)
		}
	}
	return set
}

// obeySignal does what a signal says.
func obeySignal(p plan.View, sig unix.Signal, code int32) {
	if code > 0 && !hasSession(p) { // the terminal's (sigaction(2), si_code)
		relay.caught = uint32(sig)
		if p.Has(plan.FlagForeground) { // and came before the terminal was the command's
			signalCommand(p, sig)
		}
		return
	}
	if p.Has(plan.FlagDieWithParent) {
		clearAway()
	} else {
		removeLater(p)
	}
	endLike(uint32(sig))
}

// removeLater leaves a process behind that waits for the end of the sandbox, which outlives the
// monitor, and removes its placeholders. It has a session of its own and, besides the
// directories of the placeholders, none of the monitor's descriptors, so that the monitor's end looks
// as it does without it. A pidfd is readable when all processes of init's PID namespace have ended.
func removeLater(p plan.View) {
	if monitor.holders == 0 || monitor.first == 0 {
		return
	}
	ends := raw.Call(unix.SYS_PIDFD_OPEN, monitor.first, 0, 0, 0, 0, 0)
	if raw.Errno(ends) != 0 { // before Linux 5.3, or a filter
		return
	}
	if raw.Clone(0) != 0 {
		return
	}
	raw.Call(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)
	host.line, monitor.cgroup, relay.fd = 0, 0, 0
	closeAllBut(p, ends, nowhere, nowhere, false)
	var fds raw.PollFd
	fds.Fd, fds.Events = int32(ends), unix.POLLIN
	for raw.Errno(raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, 0, 0, 8, 0)) == unix.EINTR {
	}
	removePlaceholders()
	raw.Exit(0)
}

// clearAway ends the sandbox and removes its placeholders.
func clearAway() {
	if monitor.first != 0 {
		killFirst()
	}
	lastWord(0)
	removePlaceholders()
}

// endCaught ends this process by a signal of the terminal's that has ended the command, too.
func endCaught(status uint32) {
	if sig := status & 0x7f; sig != 0 && sig == relay.caught {
		endLike(status)
	}
}

// takesHolder reads a word about a placeholder from the feed, if it is the next one, and reports
// whether it was.
func takesHolder() bool {
	word := uint32(0)
	r := raw.Call(unix.SYS_RECVFROM, feed.monitor, raw.Addr(unsafe.Pointer(&word)), 4, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if r != 4 || word&placeholder.Word == 0 {
		return false
	}
	_, ok := readWord()
	return ok
}

// heldAbove returns the lowest descriptor of those that placeholders need, in this process, from
// next on, or other where that is lower.
func heldAbove(next, other uintptr) uintptr {
	for i := uint32(0); i < monitor.holders; i++ {
		if fd := uintptr(placeholders.dirs[i&(placeholder.Max-1)]); fd >= next && fd < other {
			other = fd
		}
	}
	for i := uint32(0); i < placeholder.Max; i++ {
		fd := placeholder.Held(&acting.State, i)
		if fd == 0 {
			break
		}
		if fd >= next && fd < other {
			other = fd
		}
	}
	return other
}

// forgetHeld closes the payload's copies of the locks, which are init's.
func forgetHeld() {
	for i := uint32(0); i < placeholder.Max; i++ {
		fd := placeholder.Held(&acting.State, i)
		if fd == 0 {
			return
		}
		raw.Close(fd)
	}
}
