package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Engines: how mounts are made and paths are followed. The kernel's answers decide, not its
// version, and a refusal in the midst of set-up may still lead from the newer one to the older.
const (
	ClassicCalls = iota // mount(2), mountinfo, a walk per path
	NewCalls            // open_tree, mount_setattr, move_mount (Linux 5.12), openat2 (5.6)
)

// State is what a process that carries out a plan knows about itself. It holds no pointer.
// Descriptors of ours lie above 2, so 0 stands for one that is not open.
type State struct {
	Sock       uintptr // where faults and warnings go
	Proc       uintptr // the host's /proc
	Broker     uintptr // setuid mode: where the broker is asked; 0: there is none, or none any more
	FromKeeper uint32  // setuid mode: the process descends from the keeper
	Filtered   uint32  // a seccomp filter of the payload's is in force
	Clear      uint32  // it is known that no seccomp filter is in force, whose answers may differ from the kernel's
	Alone      uint32  // the front end, which formats messages, was asked to end
	Step       uint32  // the index of the step that runs, or plan.NoStep
	Parent     uintptr // the pid of the process whose end is this one's, as seen from here; 0: it is outside of the PID namespace
	Status     uint32  // the exit status of a launch that failed; 0: there is no plan yet
	Engine     uint32  // ClassicCalls or NewCalls
	Umask      uint32  // the caller's
	Unblock    uint64  // the signals that the monitor has blocked before the first clone, for the payload
	Feed       uintptr // where the monitor is told of placeholders
	Held       uint32  // how many placeholders there are; every process asks, so it is counted here

	idle   idle        // descriptors that CloseSoon has been given
	nofile unix.Rlimit // the limit on descriptors as it was
	raised uint32      // it has been raised
	spare  uint32      // so many sources can be opened before free descriptors are counted anew

	inProc uint32  // the host's /proc is the working directory
	high   uintptr // where our descriptors begin
	limit  uintptr // on descriptors, in force
}

// said is what a process says about a fault. It is not part of the State, whose
// page every process that is forked writes at once: of this one, a process has a copy only if it
// has something to say.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var said struct {
	message [plan.MessageSize / 4]uint32
	named   [plan.MessageSize - plan.MessageText]byte // see Name
}

// Mount is mount(2).
func (s *State) Mount(src, dst, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_MOUNT, raw.Addr(src), raw.Addr(dst), raw.Addr(fs), flags, raw.Addr(data), 0))
}

// Enter makes the directory fd the working directory.
func (s *State) Enter(fd uintptr) unix.Errno {
	// Most mounts are made relative to the host's /proc, one after the other: that saves a call for
	// each.
	if fd == s.Proc && s.inProc != 0 {
		return 0
	}
	e := raw.Fchdir(fd)
	if e == 0 {
		s.inProc = 0
		if fd == s.Proc {
			s.inProc = 1
		}
	}
	return e
}

// MoveInto makes the directory fd this process's root and working directory.
func (s *State) MoveInto(fd uintptr) unix.Errno {
	// chroot(2) takes a path, so the directory is entered first and is "." then. The working directory
	// must not stay outside of the new root: it would be a way out.
	if e := s.Enter(fd); e != 0 {
		return e
	}
	return raw.Errno(raw.Call(unix.SYS_CHROOT, raw.Addr(raw.Text(".\x00")), 0, 0, 0, 0, 0))
}
