package launch

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: init and the monitor, each of which keeps little of what it has inherited.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
)

// CloseAllBut closes every descriptor but those in keep, where Nowhere stands for none; the
// first n of an array of int32 at also; where sync says so the sync fds of the plan; and the
// locks on placeholders that this process holds (build.Root.Held).
func CloseAllBut(p plan.View, sync bool, keep []uintptr, also unsafe.Pointer, n uint32) {
	next := uintptr(0)
	for next < Nowhere {
		lowest := Nowhere
		for _, fd := range keep {
			if fd >= next {
				lowest = min(lowest, fd)
			}
		}
		for i := uint32(0); i < n; i++ {
			if fd := uintptr(*(*int32)(unsafe.Add(also, 4*uintptr(i)))); fd >= next {
				lowest = min(lowest, fd)
			}
		}
		for i := uint32(0); i < placeholder.Max && placeholder.Held(&Acting.State, i) != 0; i++ {
			if fd := placeholder.Held(&Acting.State, i); fd >= next {
				lowest = min(lowest, fd)
			}
		}
		for i := uint32(0); sync && i < p.Syncc; i++ {
			if fd := uintptr(*p.Slot(p.Sync + i)); fd >= next {
				lowest = min(lowest, fd)
			}
		}
		if lowest > next {
			Acting.CloseRange(next, lowest-1)
		}
		next = lowest + 1
	}
}

// OrNowhere returns a descriptor of ours, Nowhere if it is not open.
func OrNowhere(fd uintptr) uintptr {
	if fd == 0 {
		return Nowhere
	}
	return fd
}
