package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Runs in: payload.

// settleForExec does what is left to be done in front of the payload's exec. Nothing but
// the exec may follow the payload's filters, so it comes before the first of them.
func settleForExec(p program) {
	room.settled = 1
	raw(unix.SYS_UMASK, room.umask, 0, 0, 0, 0, 0)
	// The mask is the caller's, but for SIGCHLD, which commands count on.
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, maskOf(unix.SIGCHLD), 0, 8, 0, 0)
	settleDeathSignal(p)
}

// settleDeathSignal leaves the payload with the death signal that was asked for,
// and none otherwise. It comes after the last change of credentials, which clears it.
func settleDeathSignal(p program) {
	if !p.has(plan.FlagDieWithParent) {
		prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
		return
	}
	dieWithParent()
}

// execute becomes the command, as execvp(3) does: it goes on with the next file after the
// same errors, and after ENAMETOOLONG, which an entry of PATH is to blame for. It returns
// only with the errno of a failure, and leaves in room.sub what diagnose found.
func execute(p program) unix.Errno {
	if room.settled == 0 {
		settleForExec(p)
	}
	argv, env := vector(p, p.h.Argv, p.h.Argc), vector(p, p.h.Env, p.h.Envc)
	e, denied := unix.ENOENT, false
	for i := uint32(0); i < p.h.Pathc; i++ {
		file := candidate(p, i)
		now := errno(raw(unix.SYS_EXECVE, addr(file), addr(argv), addr(env), 0, 0, 0))
		if now == unix.ENOEXEC {
			now = asScript(p, file, env)
		}
		switch now {
		case unix.EACCES:
			denied = true
		case unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT, unix.ENAMETOOLONG:
		default:
			return now
		}
		e = now
	}
	if denied {
		e = unix.EACCES
	}
	if room.filtered == 0 {
		diagnose(p)
	}
	room.sub = plan.SubMain
	if absent := meansAbsent(room.missing); e == unix.ENOENT && absent || e == unix.EACCES && !absent {
		room.sub = room.missing
	}
	return e
}

// candidate is the i-th file that exec tries.
func candidate(p program, i uint32) unsafe.Pointer {
	return p.str(uint32(*p.slot(p.h.Paths + i)))
}

// vector turns n slots of offsets into the addresses that execve takes, in place.
func vector(p program, first, n uint32) unsafe.Pointer {
	for i := uint32(0); i < n; i++ {
		v := p.slot(first + i)
		*v = uint64(addr(p.str(uint32(*v))))
	}
	return unsafe.Pointer(p.slot(first))
}

// asScript runs a text file without "#!" as execvp does: through /bin/sh.
func asScript(p program, file, env unsafe.Pointer) unix.Errno {
	*p.slot(p.h.Script) = uint64(addr(text("/bin/sh\x00")))
	*p.slot(p.h.Script + 1) = uint64(addr(file))
	for i := uint32(1); i < p.h.Argc; i++ {
		*p.slot(p.h.Script + 1 + i) = *p.slot(p.h.Argv + i)
	}
	*p.slot(p.h.Script + 1 + p.h.Argc) = 0
	return errno(raw(unix.SYS_EXECVE, addr(text("/bin/sh\x00")), addr(unsafe.Pointer(p.slot(p.h.Script))), addr(env), 0, 0, 0))
}
