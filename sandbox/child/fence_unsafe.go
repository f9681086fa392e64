package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Numbers of landlock(7).
const (
	landlockVersion     = 1       // landlock_create_ruleset: say the version of the interface
	landlockPathBeneath = 1       // landlock_add_rule
	landlockMakeBlock   = 1 << 11 // making block devices, which the user could not anyway
	landlockRefer       = 1 << 13 // renaming and linking between directories; version 2 (5.19)
)

// canFence reports whether the kernel has Landlock.
func canFence() (bool, unix.Errno) {
	version := raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockVersion, 0, 0, 0)
	e := raw.Errno(version)
	if e == 0 || e == unix.ENOSYS || e == unix.EOPNOTSUPP || e == unix.EPERM { // no such call, switched off, or a filter
		return e == 0 && version >= 2, 0
	}
	return false, e
}

// fence is OpFence: it enters a Landlock domain, which keeps the payload from tracing
// processes outside, and so from /proc/PID/root, /proc/PID/fd and the like, where no user
// namespace stands between. The kernel lets nobody in a Landlock domain trace what is not in
// it. The domain restricts little else: it handles a right that the user has not, and one that
// must be handled to be permitted, which is permitted below the root. Mounting is refused in
// it, and renames between directories that only an inherited descriptor leads to. Where the
// kernel has no Landlock, or an old one, the keeper has tried a user namespace instead
// (serve).
func fence() unix.Errno {
	if acting.Guarded == 0 || acting.Mapped != 0 {
		return 0
	}
	if there, e := canFence(); !there {
		return e
	}
	handled := uint64(landlockMakeBlock | landlockRefer)
	rules := raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, raw.Addr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0, 0, 0, 0)
	if e := raw.Errno(rules); e != 0 {
		return e
	}
	root := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	var beneath struct { // packed: 12 bytes
		allowed uint64
		parent  int32
		_       int32
	}
	beneath.allowed, beneath.parent = handled, int32(root)
	e := raw.Errno(root)
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_LANDLOCK_ADD_RULE, rules, landlockPathBeneath, raw.Addr(unsafe.Pointer(&beneath)), 0, 0, 0))
		raw.Close(root)
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0, 0, 0, 0))
	}
	raw.Close(rules)
	return e
}
