package doctor

import (
	"strings"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"golang.org/x/sys/unix"
)

// none is a descriptor that is not open, and a pointer that nobody may read.
const none = ^uintptr(0)

// setUpCalls are the system calls of set-up that filters take away from ordinary programs,
// with operands that make each of them fail, or do nothing that outlives the process.
//
//nolint:gochecknoglobals // read-only table
var setUpCalls = [...]struct {
	name     string
	nr       uintptr
	operands [5]uintptr
}{
	{"mount", unix.SYS_MOUNT, [5]uintptr{}},
	{"umount2", unix.SYS_UMOUNT2, [5]uintptr{}},
	{"pivot_root", unix.SYS_PIVOT_ROOT, [5]uintptr{}},
	{"chroot", unix.SYS_CHROOT, [5]uintptr{}},
	{"open_tree", unix.SYS_OPEN_TREE, [5]uintptr{none, 0, 0xffff0000}},
	{"move_mount", unix.SYS_MOVE_MOUNT, [5]uintptr{none, 0, none, 0, 0xffff0000}},
	{"mount_setattr", unix.SYS_MOUNT_SETATTR, [5]uintptr{none, 0, 0xffff0000}},
	{"openat2", unix.SYS_OPENAT2, [5]uintptr{none}},
	{"close_range", unix.SYS_CLOSE_RANGE, [5]uintptr{1}},
	{"unshare", unix.SYS_UNSHARE, [5]uintptr{}},
	{"setns", unix.SYS_SETNS, [5]uintptr{none}},
	{"sethostname", unix.SYS_SETHOSTNAME, [5]uintptr{0, none}},
	{"setsid", unix.SYS_SETSID, [5]uintptr{}},
	{"capset", unix.SYS_CAPSET, [5]uintptr{}},
	{"seccomp filters", unix.SYS_PRCTL, [5]uintptr{unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER}},
	{"netlink sockets", unix.SYS_SOCKET, [5]uintptr{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC}},
	{"landlock_create_ruleset", unix.SYS_LANDLOCK_CREATE_RULESET, [5]uintptr{0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION}},
	{"landlock_add_rule", unix.SYS_LANDLOCK_ADD_RULE, [5]uintptr{none}},
	{"landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, [5]uintptr{none}},
}

// deadlyCalls are the names of those that kill here. Without a filter nothing is tried.
func deadlyCalls() (names []string) {
	if mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); mode == 0 && err == nil {
		return nil
	}
	for _, c := range setUpCalls {
		if o := c.operands; child.Deadly(c.nr, o[0], o[1], o[2], o[3], o[4], 0) {
			names = append(names, c.name)
		}
	}
	return names
}

// calls are the names of the calls that kill, for a sentence.
func (f *Facts) calls() string {
	if len(f.Deadly) == 0 {
		return "some call of set-up"
	}
	return strings.Join(f.Deadly, ", ")
}

// deadly reports whether a call of setUpCalls kills.
func (f *Facts) deadly(name string) bool {
	for _, d := range f.Deadly {
		if d == name {
			return true
		}
	}
	return false
}
