package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// privileged makes a system call that needs a capability. In direct mode, and for root,
// the process has what it has. In setuid mode it raises the one that it keeps for this
// call, and nothing else runs meanwhile: there is one thread, and no signal handler.
//
// The calls made through here name what they act on by descriptor, or by one of the
// constants "/", "/..", "." and "/proc/self/fd/N", or "/proc/N" of the first process: no path of
// the user's is ever resolved with a capability in effect.
func privileged(capability uint, nr, a, b, c, d, e, f uintptr) uintptr {
	if room.kept == 0 {
		return raw(nr, a, b, c, d, e, f)
	}
	if e := setCaps(room.kept, room.kept&(1<<capability), 0); e != 0 {
		return failed(e)
	}
	r := raw(nr, a, b, c, d, e, f)
	if e := setCaps(room.kept, 0, 0); e != 0 {
		if nr == unix.SYS_CLONE && r != 0 && errno(r) == 0 {
			exit(1) // the clone has the word
		}
		fault(e, plan.SubKeeper, 0)
	}
	return r
}

// keepOnly gives up what is not in set, for ever.
func keepOnly(set uint64) {
	room.kept &= set
	if e := setCaps(room.kept, 0, 0); e != 0 {
		room.step = plan.NoStep
		fault(e, plan.SubKeeper, 0)
	}
}

// asAdmin is privileged with CAP_SYS_ADMIN.
func asAdmin(nr, a, b, c, d, e, f uintptr) uintptr {
	return privileged(unix.CAP_SYS_ADMIN, nr, a, b, c, d, e, f)
}
