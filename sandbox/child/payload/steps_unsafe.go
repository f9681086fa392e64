package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process; ChangeDir and InstallFilter in init too.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/landlock"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Do executes a step of the payload's process that takes no privilege: in setuid mode
// OpCaps has given it up by then.
func Do(p plan.View, s *plan.Step) step.Fault {
	switch {
	case s.Op == plan.OpLock, s.Op == plan.OpTimeout, s.Op == plan.OpCgroup, s.Op == plan.OpSocket:
		return step.Fault{} // init's: see takeLocks; the monitor's; OpFence's
	case s.Op == plan.OpClose:
		closeBetween(uintptr(s.A), uintptr(s.B))
		return step.Fault{}
	case s.Op == plan.OpFence:
		return step.Main(landlock.Enter(p, s))
	case s.Op == plan.OpChdir:
		return step.Main(ChangeDir(p, s))
	// A pid that does not arrive is not a fault: the reports then do without it.
	case s.Op == plan.OpTell:
		sendPid()
		return step.Fault{}
	case s.Op == plan.OpSet:
		return step.Main(setting.Set(setting.Kind(s.A), p.Str(s.B), s.C))
	case s.Op == plan.OpSeccomp:
		return step.Main(filterPayload(p, s))
	case s.Op == plan.OpExec:
		return execute(p)
	}
	return step.Main(unix.ENOSYS)
}

// closeBetween closes the descriptors from first to last. Ours are closed by the exec.
func closeBetween(first, last uintptr) {
	// In ascending order: around each, a range in front of it and the rest.
	for _, own := range [...]uintptr{min(launch.Acting.Sock, launch.Acting.Proc), max(launch.Acting.Sock, launch.Acting.Proc)} {
		if own >= first && own <= last {
			launch.Acting.CloseRange(first, own-1)
			first = own + 1
		}
	}
	launch.Acting.CloseRange(first, last)
}

// ChangeDir tries one place for the payload to start in. Once one of them was taken, the rest of
// the OpChdir steps do nothing. PWD in the environment follows.
func ChangeDir(p plan.View, s *plan.Step) unix.Errno {
	if state.movedDir {
		return 0
	}
	e := launch.Acting.ChangeDir(p.Str(s.A))
	// The next place will do: the caller's directory may not be in the sandbox, and nothing was said
	// about another one.
	if e != 0 && s.Flags&plan.FlagTry != 0 {
		return 0
	}
	if e == 0 {
		state.movedDir = true
		*p.Slot(p.Pwd) = uint64(s.B)
	}
	return e
}

// filterPayload installs one of the payload's filters. The first one may refuse every call
// but execve: what else comes before the payload is done now.
func filterPayload(p plan.View, s *plan.Step) unix.Errno {
	if !state.settled {
		settleForExec(p)
		diagnose(p)
	}
	e := InstallFilter(p.Str(s.A), s.B)
	if e == 0 {
		launch.Acting.Filtered = 1
	}
	return e
}

// InstallFilter installs a filter of n instructions.
func InstallFilter(filter unsafe.Pointer, n uint32) unix.Errno {
	var prog struct {
		n      uint16
		_      [6]byte
		filter uintptr
	}
	// struct sock_fprog: a length, and an address that is aligned.
	prog.n = uint16(n)
	prog.filter = raw.Addr(filter)
	// prctl(2) and not seccomp(2), since a filter that is in force, the caller's or an earlier one of the
	// payload's, may know prctl alone.
	return raw.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, raw.Addr(unsafe.Pointer(&prog)), 0, 0)
}
