package landlock

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process, and init before the fork; IsAvailable and TryScopes in the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Numbers of landlock(7).
const (
	landlockVersion     = 1       // landlock_create_ruleset: say the version of the interface
	landlockPathBeneath = 1       // landlock_add_rule
	landlockMakeBlock   = 1 << 11 // making block devices, which the user could not anyway
	landlockRefer       = 1 << 13 // renaming and linking between directories; version 2 (5.19)
	landlockResolveUnix = 1 << 16 // reaching Unix sockets by their paths; version 9 (7.1)
)

// IsAvailable reports whether the kernel has Landlock.
func IsAvailable() (bool, unix.Errno) {
	version := raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockVersion, 0, 0, 0)
	e := raw.Errno(version)
	if e == 0 || e == unix.ENOSYS || e == unix.EOPNOTSUPP || e == unix.EPERM { // no such call, switched off, or a filter
		return e == 0 && version >= 2, 0
	}
	return false, e
}

// EnterScopes puts this process, and all that it will start, into a Landlock domain with the
// scopes of an OpFence. A process in it signals those of the domain only, or reaches only their
// sockets; a process outside reaches in as before, so the monitor and the terminal do what they did.
// It counts for F_SETOWN and pidfds too.
// A domain without rights of files permits everything else, mounting and further domains
// included, except for tracing what is outside; and, in a domain of the payload's own that has such
// rights, renaming between directories, which every domain of a process must permit.
// That is why what Enter restricts in setuid mode belongs to the same domain.
func EnterScopes(p plan.View, s *plan.Step) unix.Errno {
	wanted := s.A | s.B
	if state.tried || wanted == 0 {
		return 0
	}
	state.tried = true
	there, e := restrictScopes(p, wanted)
	if !there && s.B&plan.ScopeSockets != 0 && wanted != plan.ScopeSockets {
		there, e = restrictScopes(p, wanted&^plan.ScopeSockets) // these are younger than the others
	}
	if !there {
		e = unix.EOPNOTSUPP
	}
	state.inDomain = e == 0
	if s.A == 0 && (e == unix.EOPNOTSUPP || e == unix.E2BIG || e == unix.EPERM || e == unix.ENOSYS) {
		return 0 // E2BIG: there are 16 domains, in a nest of sandboxes; the others: a kernel without, or a filter
	}
	return e
}

// restrictScopes puts this process into a domain with scopes, and with the exceptions of the
// plan (OpSocket). there is false where the kernel lacks one of them.
func restrictScopes(p plan.View, scopes uint32) (there bool, e unix.Errno) {
	var r ruleset
	r.scoped = uint64(scopes &^ plan.ScopeSockets)
	if isExposed() {
		r.files = landlockMakeBlock | landlockRefer
	}
	permitted := r.files
	if scopes&plan.ScopeSockets != 0 {
		permitted |= landlockRefer
		r.files |= landlockRefer | landlockResolveUnix
	}
	rules, e := makeRuleset(&r)
	if rules == 0 {
		return e != 0, e
	}
	if permitted != 0 {
		e = permit(rules, raw.Text("/\x00"), permitted)
	}
	if e == 0 && scopes&plan.ScopeSockets != 0 {
		e = permitSockets(p, rules)
	}
	return true, enterDomain(rules, e)
}

// isExposed reports whether no user namespace stands between the payload and the user's processes
// outside, as in setuid mode.
func isExposed() bool { return launch.Acting.FromKeeper != 0 && launch.Acting.Mapped == 0 }

// permitSockets adds the exceptions of the plan to a ruleset.
func permitSockets(p plan.View, rules uintptr) unix.Errno {
	before := launch.Acting.Step
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpSocket {
			continue
		}
		launch.Acting.Step = i // whose fault it is
		if e := permit(rules, p.Str(s.A), landlockResolveUnix); e != 0 {
			return e
		}
	}
	launch.Acting.Step = before
	return 0
}

// Enter is OpFence: EnterScopes, where init has not done it, and in setuid mode it keeps the
// payload from tracing processes outside, and so from /proc/PID/root, /proc/PID/fd and the like,
// where no user namespace stands between. The kernel lets nobody in a Landlock domain trace what is
// not in it. The domain restricts little else: it handles a right that the user has not, and one
// that must be handled to be permitted, which is permitted below the root. Mounting is refused in
// it, and renames between directories that only an inherited descriptor leads to. Where the kernel
// has no Landlock, or an old one, the launcher has asked for a user namespace instead.
func Enter(p plan.View, s *plan.Step) unix.Errno {
	if e := EnterScopes(p, s); e != 0 || state.inDomain || !isExposed() {
		return e
	}
	var r ruleset
	r.files = landlockMakeBlock | landlockRefer
	rules, e := makeRuleset(&r)
	if rules == 0 {
		return e
	}
	return enterDomain(rules, permit(rules, raw.Text("/\x00"), r.files))
}

// ruleset is struct landlock_ruleset_attr. A kernel that does not know a field requires 0
// there, and says E2BIG otherwise.
type ruleset struct {
	files, net uint64
	scoped     uint64 // version 6 (6.12)
}

// makeRuleset makes a ruleset. It returns 0, and no error, where the kernel lacks something
// for it.
func makeRuleset(r *ruleset) (rules uintptr, e unix.Errno) {
	rules = raw.Call(unix.SYS_LANDLOCK_CREATE_RULESET, raw.Addr(unsafe.Pointer(r)), unsafe.Sizeof(*r), 0, 0, 0, 0)
	switch e = raw.Errno(rules); e {
	case 0:
		return rules, 0
	case unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM, unix.E2BIG, unix.EINVAL: // EPERM: a filter; E2BIG, EINVAL: an older version
		return 0, 0
	}
	return 0, e
}

// enterDomain puts this process into a domain of its own, unless there was an error before, and
// closes the ruleset.
func enterDomain(rules uintptr, e unix.Errno) unix.Errno {
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0, 0, 0, 0))
	}
	raw.Close(rules)
	return e
}

// permit adds a rule to a ruleset: these rights are permitted at a path and below it.
func permit(rules uintptr, path unsafe.Pointer, rights uint64) unix.Errno {
	at := raw.Openat(raw.AtCwd, path, unix.O_PATH, 0)
	if e := raw.Errno(at); e != 0 {
		return e
	}
	var beneath struct { // packed: 12 bytes
		allowed uint64
		parent  int32
		_       int32
	}
	beneath.allowed, beneath.parent = rights, int32(at)
	e := raw.Errno(raw.Call(unix.SYS_LANDLOCK_ADD_RULE, rules, landlockPathBeneath, raw.Addr(unsafe.Pointer(&beneath)), 0, 0, 0))
	raw.Close(at)
	return e
}

// TryScopes finds out, before there is a first process, whether a seccomp filter of the
// caller's kills those that make a Landlock domain: a child tries. Then scopes that are only to
// be tried are taken out of the plan. It reports false where others are wanted. The child is
// outside of the sandbox, so that it takes no pid there.
func TryScopes(p plan.View) bool {
	if launch.Scopes(p) == 0 || launch.Facts.NoFrontEnd && launch.Facts.Filtered == 0 {
		return true
	}
	if !launch.Facts.NoFrontEnd {
		mode := raw.Call(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0, 0, 0, 0)
		if mode == 0 || raw.Errno(mode) == unix.EINVAL { // EINVAL: a kernel without filters
			return true
		}
	}
	pid := raw.Clone(0)
	if pid == 0 {
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // a kill may dump core
		var r ruleset
		r.scoped = plan.ScopeSignals
		rules, _ := makeRuleset(&r)
		enterDomain(rules, 0)
		raw.Exit(0)
	}
	killed := uint32(0)
	if raw.Errno(pid) == 0 {
		_, killed = raw.Wait(pid)
	}
	if killed&0x7f == 0 {
		return true
	}
	s := p.Step(launch.ScopeStep(p))
	s.B = 0
	return s.A == 0
}
