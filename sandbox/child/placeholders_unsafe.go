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
// first process has told the monitor (package build). A sandbox without any stores nothing here.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var placeholders struct {
	n     uint32
	dirs  [build.MaxHolders]int32 // the directory that each one lies in
	names [build.MaxHolders][build.HolderLen + 1]byte

	signals uintptr // where they are read (signalfd(2)); 0: they have their default action
	caught  uint32  // the last one that came from the terminal
}

// knowPlaceholder takes in a word about a placeholder: its name follows on the feed. dir is the
// directory that it lies in; 0: the one of the placeholder before.
func knowPlaceholder(dir uintptr, word uint32) bool {
	i := placeholders.n & (build.MaxHolders - 1)
	name := unsafe.Pointer(&placeholders.names[i])
	n := uintptr(word & build.HolderLen)
	if dir == 0 && placeholders.n > 0 {
		dir = uintptr(placeholders.dirs[(i-1)&(build.MaxHolders-1)])
	}
	if raw.ReadFull(feed.monitor, name, n) != n || dir == 0 || placeholders.n == build.MaxHolders {
		return false
	}
	*(*byte)(unsafe.Add(name, n)) = 0
	placeholders.dirs[i] = int32(dir)
	placeholders.n++
	return true
}

// removePlaceholders removes those that no other sandbox needs.
func removePlaceholders() {
	if placeholders.n == 0 {
		return
	}
	ignore := raw.Sigaction{Handler: raw.Ignore}
	raw.SetAction(unix.SIGIO, &ignore, nil) // see Remove
	for i := uint32(0); i < placeholders.n; i++ {
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

// catchSignals makes signals readable, if there are placeholders, and returns the descriptor; -1:
// there is none.
func catchSignals() int32 {
	if placeholders.n == 0 {
		return -1
	}
	if placeholders.signals != 0 {
		return int32(placeholders.signals)
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
	placeholders.signals = fd
	return int32(fd)
}

// obeySignal does what a signal says that has been read.
func obeySignal(p plan.View) {
	const fromKernel = 0x80 // SI_KERNEL: the terminal's
	var info struct {
		signo uint32
		errno int32
		code  int32
		_     [29]uint32
	}
	n := raw.Call(unix.SYS_READ, placeholders.signals, raw.Addr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0, 0, 0)
	if n != unsafe.Sizeof(info) {
		return
	}
	if info.code == fromKernel && !hasSession(p) {
		placeholders.caught = info.signo
		return
	}
	if p.Has(plan.FlagDieWithParent) {
		killFirst()
		removePlaceholders()
	}
	endLike(info.signo & 0x7f)
}

// endCaught ends this process by a signal of the terminal's that has ended the command, too.
func endCaught(status uint32) {
	if sig := status & 0x7f; sig != 0 && sig == placeholders.caught {
		endLike(status)
	}
}

// heldAbove is the lowest descriptor of those that placeholders need, in this process, from
// next on, or other where that is lower.
func heldAbove(next, other uintptr) uintptr {
	for i := uint32(0); i < placeholders.n; i++ {
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
