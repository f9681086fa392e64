package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor; heldAbove in init too, and forgetHeld in the payload's process.

import (
	"unsafe"

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
