package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// settleForExec does what is left to do before the payload's exec. Only the exec may follow the
// payload's filters, so it comes before the first of them. It comes after OpSet, so it overrides
// settings (package setting) of the umask, the process group, the death signal and the signal mask.
func settleForExec(p plan.View) {
	state.settled = true
	launch.Acting.CloseProc()
	leadGroup(p)
	raw.Call(unix.SYS_UMASK, uintptr(launch.Acting.Umask), 0, 0, 0, 0, 0)
	// The mask is the caller's, except for SIGCHLD, which commands rely on.
	raw.SetMask(unix.SIG_UNBLOCK, raw.MaskOf(unix.SIGCHLD)|launch.Acting.Unblock, nil)
	settleDeathSignal(p)
}

// settleDeathSignal leaves the payload with the death signal that was asked for,
// and none otherwise. It comes after the last change of credentials, which clears it.
func settleDeathSignal(p plan.View) {
	if !p.Has(plan.FlagDieWithParent) {
		raw.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
		return
	}
	launch.DieWithParent()
}

// leadGroup makes the payload the leader of a process group.
func leadGroup(p plan.View) {
	if p.Has(plan.FlagForeground) {
		// In the payload itself: the monitor could do it only until the exec (setpgid(2), EACCES), and
		// not across PID namespaces.
		raw.Call(unix.SYS_SETPGID, 0, 0, 0, 0, 0, 0)
	}
}

// execute becomes the payload, as execvp(3) does: it goes on with the next file after the
// same errors, and after ENAMETOOLONG, which an entry of PATH is to blame for. It returns
// only with a fault, which says what diagnose has found.
func execute(p plan.View) step.Fault {
	if !state.settled {
		settleForExec(p)
	}
	// In the plan's own memory: nobody needs the offsets any more.
	argv, env := toAddresses(p, p.Argv, p.Argc), toAddresses(p, p.Env, p.Envc)
	e, denied := unix.ENOENT, false
	for i := uint32(0); i < p.Pathc; i++ {
		file := candidate(p, i)
		now := raw.Errno(raw.Call(unix.SYS_EXECVE, raw.Addr(file), raw.Addr(argv), raw.Addr(env), 0, 0, 0))
		// Not for the kernel to run: execvp(3) takes it for a shell script.
		if now == unix.ENOEXEC {
			now = executeAsScript(p, file, env)
		}
		switch now {
		// It goes on, but if nothing else is found, this is what is said.
		case unix.EACCES:
			denied = true
		case unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT, unix.ENAMETOOLONG:
		default:
			return step.Main(now)
		}
		e = now
	}
	if denied {
		e = unix.EACCES
	}
	// With a filter in force it was done before: the filter may refuse what it calls.
	if launch.Acting.Filtered == 0 {
		diagnose(p)
	}
	if absent := meansAbsent(state.missing); e == unix.ENOENT && absent || e == unix.EACCES && !absent {
		return step.Failed(e, state.missing)
	}
	return step.Main(e)
}

// candidate returns the i-th file that exec tries.
func candidate(p plan.View, i uint32) unsafe.Pointer {
	return p.Str(uint32(*p.Slot(p.Paths + i)))
}

// toAddresses turns n slots of offsets into the addresses that execve takes, in place.
func toAddresses(p plan.View, first, n uint32) unsafe.Pointer {
	for i := uint32(0); i < n; i++ {
		v := p.Slot(first + i)
		*v = uint64(raw.Addr(p.Str(uint32(*v))))
	}
	return unsafe.Pointer(p.Slot(first))
}

// executeAsScript runs a text file without "#!" as execvp does: through /bin/sh.
func executeAsScript(p plan.View, file, env unsafe.Pointer) unix.Errno {
	*p.Slot(p.Script) = uint64(raw.Addr(raw.Text("/bin/sh\x00")))
	*p.Slot(p.Script + 1) = uint64(raw.Addr(file))
	for i := uint32(1); i < p.Argc; i++ {
		*p.Slot(p.Script + 1 + i) = *p.Slot(p.Argv + i)
	}
	*p.Slot(p.Script + 1 + p.Argc) = 0
	return raw.Errno(raw.Call(unix.SYS_EXECVE, raw.Addr(raw.Text("/bin/sh\x00")), raw.Addr(unsafe.Pointer(p.Slot(p.Script))), raw.Addr(env), 0, 0, 0))
}
