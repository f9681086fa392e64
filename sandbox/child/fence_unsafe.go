package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the payload's process; canFence in the keeper.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
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

// ruleset is struct landlock_ruleset_attr. A kernel that does not know a field requires 0
// there, and says E2BIG otherwise.
type ruleset struct {
	files, net uint64
	scoped     uint64 // version 6 (6.12)
}

// canFence reports whether the kernel has what a fence is made of.
func canFence() (bool, unix.Errno) {
	version := raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockVersion, 0, 0, 0)
	e := raw.Errno(version)
	if e == 0 || e == unix.ENOSYS || e == unix.EOPNOTSUPP || e == unix.EPERM { // no such call, switched off, or a filter
		return e == 0 && version >= 2, 0
	}
	return false, e
}

// scope puts this process, and all that it will start, into a Landlock domain with the scopes of
// an OpFence. A process in it signals those of the domain only, or reaches only their
// abstract sockets; who is outside reaches in as before, so the monitor and the terminal
// do what they did. The domain permits everything else, mounting and further domains
// included, but tracing what is outside. It counts for F_SETOWN and pidfds too.
func scope(s *plan.Step) unix.Errno {
	if payload.scoped || s.A|s.B == 0 {
		return 0
	}
	payload.scoped = true
	dead, e := deadly()
	if e != 0 {
		return e
	}
	there := false
	if !dead {
		var r ruleset
		r.scoped = uint64(s.A | s.B)
		there, e = restrictSelf(&r)
	}
	if !there {
		e = unix.EOPNOTSUPP
	}
	if s.A == 0 && (e == unix.EOPNOTSUPP || e == unix.E2BIG || e == unix.EPERM || e == unix.ENOSYS) {
		return 0 // E2BIG: there are 16 domains, in a nest of sandboxes; the others: a kernel without, or a filter
	}
	return e
}

// fence is OpFence: scope, where init has not done it, and in setuid mode it keeps the payload
// from tracing processes outside, and so from
// /proc/PID/root, /proc/PID/fd and the like, where no user namespace stands between. The
// kernel lets nobody in a Landlock domain trace what is not in it. The domain restricts
// little else: it handles a right that the user has not, and one that must be handled
// to be permitted, which is permitted below the root. Mounting is refused in it, and
// renames between directories that only an inherited descriptor leads to. Where the kernel has no Landlock, or an
// old one, the keeper has tried a user namespace instead (serve).
func fence(s *plan.Step) unix.Errno {
	if e := scope(s); e != 0 || acting.Guarded == 0 || acting.Mapped != 0 {
		return e
	}
	var r ruleset
	r.files = landlockMakeBlock | landlockRefer
	_, e := restrictSelf(&r)
	return e
}

// scoped reports whether a plan lets the payload signal processes inside only.
func scoped(p plan.View) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpFence {
			return (s.A|s.B)&plan.ScopeSignals != 0
		}
	}
	return false
}

// restrictSelf puts this process into a domain of its own. there is false where the kernel
// lacks something for it.
func restrictSelf(r *ruleset) (there bool, e unix.Errno) {
	rules := raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, raw.Addr(unsafe.Pointer(r)), unsafe.Sizeof(*r), 0, 0, 0, 0)
	switch e := raw.Errno(rules); e {
	case 0:
	case unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM, unix.E2BIG, unix.EINVAL: // EPERM: a filter; E2BIG, EINVAL: an older version
		return false, 0
	default:
		return true, e
	}
	if r.files != 0 {
		e = permitBelowRoot(rules, r.files)
	}
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0, 0, 0, 0))
	}
	raw.Close(rules)
	return true, e
}

// permitBelowRoot adds the rule that permits everything that a ruleset handles.
func permitBelowRoot(rules uintptr, files uint64) unix.Errno {
	root := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(root); e != 0 {
		return e
	}
	var beneath struct { // packed: 12 bytes
		allowed uint64
		parent  int32
		_       int32
	}
	beneath.allowed, beneath.parent = files, int32(root)
	e := raw.Errno(raw.Call(unix.SYS_LANDLOCK_ADD_RULE, rules, landlockPathBeneath, raw.Addr(unsafe.Pointer(&beneath)), 0, 0, 0))
	raw.Close(root)
	return e
}

// deadly reports whether a seccomp filter of the caller's kills the process that makes a
// domain: a child tries. It makes none where there is no filter.
func deadly() (bool, unix.Errno) {
	if acting.Clear != 0 {
		return false, 0
	}
	mode := raw.Call(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0, 0, 0, 0)
	if mode == 0 || raw.Errno(mode) == unix.EINVAL { // EINVAL: a kernel without filters
		return false, 0
	}
	pid := raw.Clone(0)
	if pid == 0 {
		var r ruleset
		r.scoped = plan.ScopeSignals
		restrictSelf(&r)
		raw.Exit(0)
	}
	if e := raw.Errno(pid); e != 0 {
		return false, e
	}
	_, status := raw.Wait(pid)
	return status&0x7f != 0, 0
}
