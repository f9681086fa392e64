package fault

import (
	"slices"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// denials are the operations that close files.
//
//nolint:gochecknoglobals // read-only table
var denials = []plan.Op{plan.OpMask, plan.OpProtect}

// hintTry is the hint for a missing source. It names the field, and cmd/gobwrap makes the option of it.
const hintTry = "Op.Try leaves out what does not exist"

// errnoHints say what an errno means for a part of an operation and what to do about it, where
// that is known well enough. The first row that fits is taken.
//
//nolint:gochecknoglobals // read-only table
var errnoHints = [...]struct {
	ops    []plan.Op    // empty: all
	subs   []plan.Sub   // empty: all
	errnos []unix.Errno // empty: all
	hint   string
}{
	{errnos: []unix.Errno{unix.EMFILE}, hint: HintEMFILE},
	{errnos: []unix.Errno{unix.ENFILE}, hint: HintENFILE},

	{
		ops: []plan.Op{plan.OpSetns}, errnos: []unix.Errno{unix.EPERM},
		hint: "joining a namespace needs CAP_SYS_ADMIN in the user namespace that owns it",
	},
	{
		ops: []plan.Op{plan.OpUnshare, plan.OpNest}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.ENOSPC, unix.EUSERS},
		hint: "user.max_user_namespaces is too small, or an outer sandbox permits no further user namespace",
	},
	{
		ops: []plan.Op{plan.OpUnshare, plan.OpNest}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.EPERM, unix.EACCES},
		hint: "a second user namespace inside the first is refused: by AppArmor, SELinux or a seccomp filter",
	},
	{
		ops: []plan.Op{plan.OpLoopback}, errnos: []unix.Errno{unix.EPERM, unix.EACCES},
		hint: "the network namespace came without the right to use it: see the rules of AppArmor or the container",
	},
	{ops: []plan.Op{plan.OpSlave}, errnos: []unix.Errno{unix.EINVAL}, hint: "the root is not a mount point, as in a chroot"},
	{
		ops: []plan.Op{plan.OpSlave, plan.OpRoot, plan.OpPivot}, errnos: []unix.Errno{unix.EPERM, unix.EACCES},
		hint: "mounting is forbidden by AppArmor, seccomp or Landlock (as inside a sandbox that setuid mode made)",
	},

	// Sources.
	{
		ops: []plan.Op{plan.OpSource}, errnos: []unix.Errno{unix.EIO, unix.ESTALE, unix.ENOTCONN, unix.EHOSTDOWN, unix.ETIMEDOUT},
		subs: []plan.Sub{plan.SubMain, plan.SubSource},
		hint: "the file system there does not answer: its FUSE program has ended, or its server is away",
	},
	{
		ops: []plan.Op{plan.OpSource}, errnos: []unix.Errno{unix.ELOOP},
		hint: "a symbolic link in the path leads back to itself",
	},

	// Denials.
	{
		ops: denials, subs: []plan.Sub{plan.SubMain, plan.SubParents, plan.SubNoMatch}, errnos: []unix.Errno{unix.ENOENT},
		hint: hintTry,
	},
	{
		ops: denials, subs: []plan.Sub{plan.SubNoEnd},
		hint: "its placeholder is removed when all processes of the sandbox have ended, which takes a new PID namespace, with an init (Namespaces.PID, not Session.AsPID1)",
	},
	{
		ops: denials, subs: []plan.Sub{plan.SubMark},
		hint: "the file system has no user extended attributes: create the path first, or leave this out",
	},
	{
		ops: denials, subs: []plan.Sub{plan.SubPlaceholder}, errnos: []unix.Errno{unix.EACCES},
		hint: "the command could create it after chmod(2), or with a capability: create the path first, or make its directory writable",
	},
	{
		ops: denials, subs: []plan.Sub{plan.SubUnread}, errnos: []unix.Errno{unix.EACCES},
		hint: "a file in it can be opened if its name is known: leave the directory out of the pattern, or make it readable",
	},

	// Destinations.
	{
		subs: destinationSubs, errnos: []unix.Errno{unix.EROFS},
		hint: "the destination lies on a read-only mount; mount a tmpfs or a writable bind above it first",
	},
	{
		ops: []plan.Op{plan.OpSymlink}, errnos: []unix.Errno{unix.EROFS},
		hint: "the destination lies on a read-only mount; mount a tmpfs or a writable bind above it first",
	},
	{ops: []plan.Op{plan.OpChmod}, errnos: []unix.Errno{unix.EROFS}, hint: "the file lies on a read-only mount"},
	{
		subs: []plan.Sub{plan.SubMakeFile}, errnos: []unix.Errno{unix.EISDIR},
		hint: "there is a directory already, and the new file is not one",
	},
	{
		subs: []plan.Sub{plan.SubMakeDir}, errnos: []unix.Errno{unix.EEXIST, unix.ENOTDIR},
		hint: "there is a file already, and the new file is a directory",
	},
	{
		subs: destinationSubs, errnos: []unix.Errno{unix.EACCES, unix.EPERM},
		hint: "the caller may not create files in this directory of the host; create the destination before, or mount a tmpfs above it",
	},
	{
		subs: append([]plan.Sub{plan.SubWrite}, destinationSubs...), errnos: []unix.Errno{unix.ENOSPC, unix.EDQUOT},
		hint: "the file system of the destination is full, or its quota is used up",
	},
	{subs: []plan.Sub{plan.SubRead}, errnos: []unix.Errno{unix.EISDIR}, hint: "the descriptor refers to a directory"},
	{subs: []plan.Sub{plan.SubRead}, errnos: []unix.Errno{unix.EBADF}, hint: "the descriptor is not open for reading"},
	{subs: []plan.Sub{plan.SubRead}, errnos: []unix.Errno{unix.EAGAIN}, hint: "the descriptor is non-blocking (O_NONBLOCK), and there is nothing to read yet"},
	{
		ops: []plan.Op{plan.OpChmod}, errnos: []unix.Errno{unix.ENOENT},
		hint: "create the file with an earlier operation",
	},
	{
		ops: []plan.Op{plan.OpChmod}, errnos: []unix.Errno{unix.EPERM},
		hint: "only the owner of a file may change its mode",
	},
	{
		ops: []plan.Op{plan.OpRemountRO}, subs: []plan.Sub{plan.SubNoMount}, errnos: []unix.Errno{unix.EINVAL},
		hint: "only a mount point can be made read-only; bind the directory onto itself first",
	},

	// Mounts.
	{
		ops: []plan.Op{plan.OpBind, plan.OpMount, plan.OpData, plan.OpProc, plan.OpRoot}, errnos: []unix.Errno{unix.ENOSPC},
		subs: []plan.Sub{plan.SubMain, plan.SubTmpfs},
		hint: "the mount namespace has as many mounts as the system permits (fs.mount-max)",
	},
	{
		ops: []plan.Op{plan.OpMount, plan.OpProc, plan.OpRoot}, subs: []plan.Sub{plan.SubMain, plan.SubTmpfs}, errnos: []unix.Errno{unix.ENODEV},
		hint: "this kernel was built without this file system",
	},
	{
		ops: []plan.Op{plan.OpOverlay}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.ENODEV},
		hint: "the kernel module for overlays is not loaded; as root, run modprobe overlay",
	},
	{
		ops: []plan.Op{plan.OpBind, plan.OpMount, plan.OpData}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.EPERM},
		hint: "mounting is refused: by a seccomp filter, AppArmor, SELinux or Landlock",
	},

	// The rest, in the order of a launch.
	{
		ops: []plan.Op{plan.OpHostname}, errnos: []unix.Errno{unix.EINVAL},
		hint: "a host name has at most 64 bytes",
	},
	{
		ops: []plan.Op{plan.OpLimitUserns}, errnos: []unix.Errno{unix.EROFS, unix.EACCES, unix.EPERM},
		hint: "/proc/sys is read-only or covered here, as in most containers",
	},
	{
		ops: []plan.Op{plan.OpLimitUserns}, errnos: []unix.Errno{unix.ENOENT},
		hint: "/proc/sys/user is covered here, or this kernel is older than 4.9",
	},
	{ops: []plan.Op{plan.OpChdir}, errnos: []unix.Errno{unix.ENOENT}, hint: "the directory is looked up inside the sandbox; add it there"},
	{ops: []plan.Op{plan.OpChdir}, errnos: []unix.Errno{unix.EACCES}, hint: "the user has no permission to enter it, or a directory above it"},
	{
		ops: []plan.Op{plan.OpLabel}, errnos: []unix.Errno{unix.EINVAL, unix.ENOENT, unix.EOPNOTSUPP},
		hint: "SELinux is not enabled here, or its policy does not know the label",
	},
	{ops: []plan.Op{plan.OpLabel}, errnos: []unix.Errno{unix.EACCES, unix.EPERM}, hint: "the SELinux policy does not permit this label to the caller"},
	{
		ops: []plan.Op{plan.OpCaps}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.EPERM},
		hint: "the caller does not hold all of these capabilities",
	},
	{
		ops: []plan.Op{plan.OpCaps}, subs: []plan.Sub{plan.SubBounding}, errnos: []unix.Errno{unix.EPERM},
		hint: "this needs CAP_SETPCAP",
	},
	{
		ops: []plan.Op{plan.OpCaps}, subs: []plan.Sub{plan.SubAmbient}, errnos: []unix.Errno{unix.EPERM},
		hint: "the caller's securebits forbid it (SECBIT_NO_CAP_AMBIENT_RAISE)",
	},
	{ops: []plan.Op{plan.OpBecome}, errnos: []unix.Errno{unix.EINVAL}, hint: "the user namespace does not map this id"},
	{ops: []plan.Op{plan.OpBecome}, errnos: []unix.Errno{unix.EPERM}, hint: "this needs CAP_SETUID and CAP_SETGID in the user namespace"},
	{ops: []plan.Op{plan.OpBecome}, errnos: []unix.Errno{unix.EAGAIN}, hint: "this user has as many processes as RLIMIT_NPROC permits"},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.EBADF}, hint: "open the directory of a cgroup below a mount of the type cgroup2, as with 3</sys/fs/cgroup/NAME"},
	{
		ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.EACCES, unix.EPERM},
		hint: "it takes write permission for cgroup.procs, there and in the directory above both that cgroup and the caller's",
	},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.ENOENT, unix.ENODEV}, hint: "the cgroup has been removed; or it lies outside of the caller's cgroup namespace"},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.EBUSY}, hint: "it has passed controllers on to those below it (cgroup.subtree_control), and can hold no process itself"},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.EOPNOTSUPP}, hint: "the cgroup is invalid (cgroup.type): one above it is threaded"},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.EAGAIN}, hint: "the limit on processes is reached: pids.max of the cgroup, or RLIMIT_NPROC"},
	{ops: []plan.Op{plan.OpCgroup}, errnos: []unix.Errno{unix.ENOSYS, unix.EINVAL, unix.E2BIG}, hint: "this takes clone3(2) of Linux 5.7, and no seccomp filter that hides it"},
	{
		ops: []plan.Op{plan.OpScore}, errnos: []unix.Errno{unix.EACCES, unix.EPERM},
		hint: "a score below the caller's needs CAP_SYS_RESOURCE outside of the sandbox",
	},
	{
		ops: []plan.Op{plan.OpFence}, errnos: []unix.Errno{unix.E2BIG},
		hint: "there are 16 Landlock domains around this process, and no more are possible",
	},
	{
		ops: []plan.Op{plan.OpFence}, errnos: []unix.Errno{unix.EOPNOTSUPP},
		hint: "scopes need Linux 6.12 with Landlock enabled, and no seccomp filter that forbids it; Try in Lockdown.Scopes does without",
	},
	{
		ops: []plan.Op{plan.OpSocket}, errnos: []unix.Errno{unix.ENOENT, unix.ENOTDIR},
		hint: "the path is looked up inside the sandbox, and must be there when the command starts",
	},
	{
		ops: []plan.Op{plan.OpLock}, subs: []plan.Sub{plan.SubSource}, errnos: []unix.Errno{unix.ENOENT},
		hint: "the file is looked up inside the sandbox; add it there",
	},
	{
		ops: []plan.Op{plan.OpLock}, subs: []plan.Sub{plan.SubMain}, errnos: []unix.Errno{unix.EAGAIN, unix.EACCES},
		hint: "another process has locked the file for writing",
	},
	{ops: []plan.Op{plan.OpLock}, errnos: []unix.Errno{unix.ENOLCK}, hint: "the file system has no locks, or no more of them"},
	{
		ops: []plan.Op{plan.OpSeccomp}, errnos: []unix.Errno{unix.EINVAL},
		hint: "the kernel does not take this filter, or was built without CONFIG_SECCOMP_FILTER",
	},
	{
		ops: []plan.Op{plan.OpSeccomp}, errnos: []unix.Errno{unix.ENOMEM},
		hint: "all filters of a process together have at most 32768 instructions, counting 4 more for each filter",
	},

	{errnos: []unix.Errno{unix.ENOMEM}, hint: HintENOMEM},
	{errnos: []unix.Errno{unix.ENOSYS}, hint: HintENOSYS},
}

// What these mean is the same for every operation.
const (
	HintEMFILE = "raise the limit on open files (RLIMIT_NOFILE)"
	HintENFILE = "the system permits no more open files (fs.file-max)"
	HintENOMEM = "memory is used up, or the memory limit of the cgroup is reached"
	HintENOSYS = "the kernel is too old for this, or a seccomp filter hides the system call"
)

// destinationSubs are the parts of an operation that make its destination.
//
//nolint:gochecknoglobals // read-only table
var destinationSubs = []plan.Sub{plan.SubParents, plan.SubMakeDir, plan.SubMakeFile}

// errnoHint looks a failure up in errnoHints; "" is not a hint.
func errnoHint(s plan.Step, m plan.Message) string {
	if s.Op == plan.OpMount && s.A == plan.MountMqueue && m.Sub == plan.SubMain && unix.Errno(m.Errno) == unix.EPERM {
		return "a message queue file system needs a new IPC namespace"
	}
	for i := range errnoHints {
		h := &errnoHints[i]
		if (len(h.ops) == 0 || slices.Contains(h.ops, s.Op)) && (len(h.subs) == 0 || slices.Contains(h.subs, m.Sub)) &&
			(len(h.errnos) == 0 || slices.Contains(h.errnos, unix.Errno(m.Errno))) {
			return h.hint
		}
	}
	return ""
}

// launchHint returns the hint for what fails outside of the steps, where explainLaunch has
// none.
func launchHint(m plan.Message) string {
	switch e := unix.Errno(m.Errno); {
	case m.Sub == plan.SubClone && e == unix.EAGAIN:
		return "the limit on processes is reached: RLIMIT_NPROC, or pids.max of the cgroup"
	case m.Sub == plan.SubClone && e == unix.ENOMEM:
		return "memory is used up, or the first process of the joined PID namespace has ended, so that no further process can start in it"
	case m.Sub == plan.SubPlan && (e == unix.EMFILE || e == unix.ENFILE):
		return "raise the limit on open files (RLIMIT_NOFILE, fs.file-max)"
	case e == unix.ENOMEM:
		return HintENOMEM
	case e == unix.ENOSYS, m.Sub != plan.SubClone && m.Sub != plan.SubProc && (e == unix.EPERM || e == unix.EACCES):
		return "a seccomp filter is likely to refuse this system call"
	}
	return ""
}
