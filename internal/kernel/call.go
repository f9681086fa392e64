package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Call is a system call with operands that make it fail, or do nothing that outlives the
// process.
type Call struct {
	Name     string
	Nr       uintptr
	Operands [5]uintptr
}

// absent is a descriptor that is not open, and an address that is not mapped; unknown is
// a set of flags that no kernel knows.
const (
	absent  = ^uintptr(0)
	unknown = uintptr(0xffff0000)
)

// The calls by which features are known.
//
//nolint:gochecknoglobals // read-only values
var (
	openTree        = Call{"open_tree", unix.SYS_OPEN_TREE, [5]uintptr{absent, 0, unknown}}
	mountSetattr    = Call{"mount_setattr", unix.SYS_MOUNT_SETATTR, [5]uintptr{absent, 0, unknown}}
	openat2         = Call{"openat2", unix.SYS_OPENAT2, [5]uintptr{absent}}
	setFilter       = Call{"seccomp filters", unix.SYS_PRCTL, [5]uintptr{unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER}}
	landlockVersion = Call{"landlock_create_ruleset", unix.SYS_LANDLOCK_CREATE_RULESET, [5]uintptr{0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION}}
)

// setUpCalls are the calls of set-up that filters take away from ordinary programs.
//
//nolint:gochecknoglobals // read-only table
var setUpCalls = [...]Call{
	{"mount", unix.SYS_MOUNT, [5]uintptr{}},
	{"umount2", unix.SYS_UMOUNT2, [5]uintptr{}},
	{"pivot_root", unix.SYS_PIVOT_ROOT, [5]uintptr{}},
	{"chroot", unix.SYS_CHROOT, [5]uintptr{}},
	openTree,
	{"move_mount", unix.SYS_MOVE_MOUNT, [5]uintptr{absent, 0, absent, 0, unknown}},
	mountSetattr,
	openat2,
	{"close_range", unix.SYS_CLOSE_RANGE, [5]uintptr{1}},
	{"unshare", unix.SYS_UNSHARE, [5]uintptr{}},
	{"setns", unix.SYS_SETNS, [5]uintptr{absent}},
	{"sethostname", unix.SYS_SETHOSTNAME, [5]uintptr{0, absent}},
	{"setsid", unix.SYS_SETSID, [5]uintptr{}},
	{"capset", unix.SYS_CAPSET, [5]uintptr{}},
	setFilter,
	landlockVersion,
	{"landlock_add_rule", unix.SYS_LANDLOCK_ADD_RULE, [5]uintptr{absent}},
	{"landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, [5]uintptr{absent}},
}

// DeadlyCalls returns the names of the calls of set-up that a filter answers by killing the
// process. Without a filter no call is made.
func DeadlyCalls() (names []string) {
	for _, c := range setUpCalls {
		if c.Deadly() {
			names = append(names, c.Name)
		}
	}
	return names
}

// Filtered reports whether this process runs under a seccomp filter (PR_GET_SECCOMP(2const)).
// A filter that refuses the question is one.
func Filtered() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return mode == unix.SECCOMP_MODE_FILTER || err != nil && err != unix.EINVAL
}

// Deadly reports whether a filter kills the process that makes the call. Without a filter
// the call is not made.
func (c Call) Deadly() bool { return Filtered() && kills(c.Nr, c.Operands) }

// make returns the call's result.
func (c Call) make() (uintptr, syscall.Errno) {
	o := c.Operands
	r, _, e := syscall.RawSyscall6(c.Nr, o[0], o[1], o[2], o[3], o[4], 0)
	return r, e
}
