package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// State is what a process that carries out a plan knows about itself. It holds no pointer.
// Descriptors of ours lie above 2, so 0 stands for one that is not open.
type State struct {
	Sock     uintptr // where faults and warnings go
	Proc     uintptr // the host's /proc
	Kept     uint64  // setuid mode: the capabilities that may be raised; 0: nothing to raise, as in direct mode
	Guarded  uint32  // the process descends from the keeper, so the user must not gain anything from it
	Filtered uint32  // a seccomp filter of the payload's is in force
	Clear    uint32  // it is known that no seccomp filter is in force, whose answers may differ from the kernel's
	Alone    uint32  // the front end, which formats messages, was asked to end
	Step     uint32  // the index of the step that runs, or plan.NoStep
	Parent   uintptr // the pid of the process whose end is this one's, as seen from here; 0: it is outside of the PID namespace
	Status   uint32  // the exit status of a launch that failed; 0: there is no plan yet

	inProc uint32  // the host's /proc is the working directory
	high   uintptr // where our descriptors begin
	limit  uintptr // on descriptors, in force
}

// said is what a process says about a fault. It is not part of the State: see build.buffers.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var said struct {
	message [plan.MessageSize / 4]uint32
	named   [plan.MessageSize - plan.MessageText]byte // see Name
}

// Privileged makes a system call that needs a capability. In direct mode, and for root, the
// process has what it has. In setuid mode it raises the one that it keeps for this call, and
// nothing else runs meanwhile: there is one thread, and no signal handler.
//
// The calls that are made in this way name what they act on by descriptor, or by one of the
// constants "/", "/..", "." and "/proc/self/fd/N", or "/proc/N" of the first process: no path of the
// user's is ever resolved with a capability in effect.
func (s *State) Privileged(capability uint, nr, a, b, c, d, e, f uintptr) uintptr {
	if s.Kept == 0 {
		return raw.Call(nr, a, b, c, d, e, f)
	}
	if e := raw.SetCaps(s.Kept, s.Kept&(1<<capability), 0); e != 0 {
		return raw.Failed(e)
	}
	r := raw.Call(nr, a, b, c, d, e, f)
	if e := raw.SetCaps(s.Kept, 0, 0); e != 0 {
		if nr == unix.SYS_CLONE && r != 0 && raw.Errno(r) == 0 {
			raw.Exit(1) // the process that was cloned reports it
		}
		s.End(Failed(e, plan.SubKeeper))
	}
	return r
}

// AsAdmin is Privileged with CAP_SYS_ADMIN.
func (s *State) AsAdmin(nr, a, b, c, d, e, f uintptr) uintptr {
	return s.Privileged(unix.CAP_SYS_ADMIN, nr, a, b, c, d, e, f)
}

// KeepOnly gives up every capability that is not in set, and does not get it back.
func (s *State) KeepOnly(set uint64) {
	s.Kept &= set
	if e := raw.SetCaps(s.Kept, 0, 0); e != 0 {
		s.EndNoStep(Failed(e, plan.SubKeeper))
	}
}

// Mount is mount(2).
func (s *State) Mount(src, dst, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) unix.Errno {
	return raw.Errno(s.AsAdmin(unix.SYS_MOUNT, raw.Addr(src), raw.Addr(dst), raw.Addr(fs), flags, raw.Addr(data), 0))
}

// Enter makes the directory fd the working directory.
func (s *State) Enter(fd uintptr) unix.Errno {
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
	if e := s.Enter(fd); e != 0 {
		return e
	}
	return raw.Errno(s.Privileged(unix.CAP_SYS_CHROOT, unix.SYS_CHROOT, raw.Addr(raw.Text(".\x00")), 0, 0, 0, 0, 0))
}
