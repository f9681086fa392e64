package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor; heldAbove in init too, and forgetHeld in the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/mounts/build"
	"golang.org/x/sys/unix"
)

// placeholders are what --protect has put on the host for paths that are missing there, as the
// first process has told the monitor (package build): monitor.holders of them.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var placeholders struct {
	dirs  [build.MaxHolders]int32 // the directory that each one lies in
	names [build.MaxHolders][build.HolderLen + 1]byte
}

// knowPlaceholder takes in a word about a placeholder: its name follows on the feed. dir is the
// directory that it lies in; 0: the one of the placeholder before.
func knowPlaceholder(dir uintptr, word uint32) bool {
	i := monitor.holders & (build.MaxHolders - 1)
	name := unsafe.Pointer(&placeholders.names[i])
	n := uintptr(word & build.HolderLen)
	if dir == 0 && monitor.holders > 0 {
		dir = uintptr(placeholders.dirs[(i-1)&(build.MaxHolders-1)])
	}
	if raw.ReadFull(feed.monitor, name, n) != n || dir == 0 || monitor.holders == build.MaxHolders {
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
		k := i & (build.MaxHolders - 1)
		acting.Remove(uintptr(placeholders.dirs[k]), unsafe.Pointer(&placeholders.names[k]))
	}
}

// Signals that end the monitor would leave placeholders behind. So where there are some, it
// reads those signals, and removes them first:
//
//   - One that the terminal sends, the command has got too, unless it has a session of its own.
//     The monitor waits for it, and ends as it has ended.
//   - Any other one ends the sandbox, where the command is to die with the launcher, and then the
//     launcher. Without --die-with-parent the sandbox outlives it, and needs them.

// catchSignals makes signals readable, if there may be placeholders, and returns the descriptor; -1:
// there is none.
func catchSignals(p plan.View) int32 {
	if monitor.signals != 0 {
		return int32(monitor.signals)
	}
	if !mayHold(p) {
		return -1
	}
	set := uint64(0)
	for _, sig := range [...]unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		var now raw.Sigaction
		raw.SetAction(sig, nil, &now)
		if now.Handler != raw.Ignore {
			set |= raw.MaskOf(sig)
		}
	}
	fd := raw.Call(unix.SYS_SIGNALFD4, ^uintptr(0), raw.Addr(unsafe.Pointer(&set)), 8, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, 0, 0)
	if raw.Errno(fd) != 0 {
		return -1
	}
	raw.SetMask(unix.SIG_BLOCK, set, nil)
	monitor.signals = acting.Above(fd)
	return int32(monitor.signals)
}

// mayHold reports whether a plan may make placeholders.
func mayHold(p plan.View) bool {
	for i := p.Join; i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpProtect && s.Flags == 0 {
			return true
		}
	}
	return false
}

// awaitEar waits until there is something to hear of set-up. A signal ends that, and the launch.
func awaitEar(p plan.View) {
	if monitor.signals == 0 {
		return
	}
	var fds [2]raw.PollFd
	fds[0].Fd, fds[0].Events = int32(monitor.ear), unix.POLLIN
	fds[1].Fd, fds[1].Events = int32(monitor.signals), unix.POLLIN
	for fds[0].Revents == 0 {
		r := raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 2, 0, 0, 8, 0)
		if e := raw.Errno(r); e != 0 && e != unix.EINTR {
			return
		}
		if sig, _ := readSignal(); sig != 0 && fds[1].Revents != 0 {
			killFirst()
			lastWord(0)
			removePlaceholders()
			endLike(sig)
		}
	}
}

// readSignal is the next signal, 0 if there is none, and where it comes from (sigaction(2),
// si_code).
func readSignal() (sig uint32, code int32) {
	var info struct {
		signo uint32
		errno int32
		code  int32
		_     [29]uint32
	}
	n := raw.Call(unix.SYS_READ, monitor.signals, raw.Addr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0, 0, 0)
	if n != unsafe.Sizeof(info) {
		return 0, 0
	}
	return info.signo & 0x7f, info.code
}

// obeySignal does what a signal says.
func obeySignal(p plan.View) {
	const fromKernel = 0x80 // SI_KERNEL: the terminal's
	sig, code := readSignal()
	switch {
	case sig == 0:
		return
	case code == fromKernel && !hasSession(p):
		monitor.caught = sig
		return
	case p.Has(plan.FlagDieWithParent):
		killFirst()
		lastWord(0)
		removePlaceholders()
	}
	endLike(sig)
}

// endCaught ends this process by a signal of the terminal's that has ended the command, too.
func endCaught(status uint32) {
	if sig := status & 0x7f; sig != 0 && sig == monitor.caught {
		endLike(status)
	}
}

// heldAbove is the lowest descriptor of those that placeholders need, in this process, from
// next on, or other where that is lower.
func heldAbove(next, other uintptr) uintptr {
	if fd := monitor.signals; fd != 0 && fd >= next && fd < other {
		other = fd
	}
	for i := uint32(0); i < monitor.holders; i++ {
		if fd := uintptr(placeholders.dirs[i&(build.MaxHolders-1)]); fd >= next && fd < other {
			other = fd
		}
	}
	for i := uint32(0); i < build.MaxHolders; i++ {
		fd := acting.Held(i)
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
	for i := uint32(0); i < build.MaxHolders; i++ {
		fd := acting.Held(i)
		if fd == 0 {
			return
		}
		raw.Close(fd)
	}
}
