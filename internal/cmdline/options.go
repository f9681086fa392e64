package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// Option is one row of the table.
type Option struct {
	// As typed, with its two hyphens. Callers look for names in --help before they use an option.
	Name string
	// Their names, separated by blanks; each is a word of its own, as in bwrap. "" means that there are none.
	Operands string
	// What follows "=" in the same word, or the values that
	// it may have, with bars. No option of bwrap's has one.
	Value string
	// The "=" may be missing.
	Optional bool
	// One line, without the name; see Options for its length.
	Help string
	// Which of --perms and --size may stand in front.
	Takes Modifiers
	// --perms and --size themselves: only an operation may follow.
	Modifies bool
	// Given again, the last one wins, with a warning, as with bwrap.
	Scalar bool
	// --overlay-src, and what may follow it.
	Layer bool
	// Operands are paths (of data options: the last one is), so they must not be empty: an empty variable in a
	// script must not bind the whole host.
	Paths bool
	// What its value has to be, for messages: behind "want".
	Wants string
	// The values of doChoice, with bars; the first one has the number with, and so on.
	Choices string
	// What it leaves in a plan, by which the administrator's policy.conf can refuse or
	// require it (package policy). Settings and flags of the plan need none here: see InPlan.
	Trace Trace

	do action
	// What it sets: an index of flat.Spec.Wishes, FDs, Strs, Numbers or IDs, by its action;
	// or a setting.Kind; flat.Glob for a pattern; scopeNamed for --scope with a name.
	on uint8
	// What to: a flat.Wish, flat.Kind, tree.Access, tree.Writes,
	// the first of its Choices, or scopeTried, by its action.
	with uint8
	// What it adds to the items: an operation on files (a tree.Kind), or an entry of a list.
	makes flat.Kind
	// The bit of flat.Spec.Switches that it switches on. No option switches one off.
	turns uint32
	// The least and the greatest value of doNumber.
	low, high uint32
}

// Modifiers are options that change the next option.
type Modifiers uint8

// The modifiers.
const (
	TakesPerms Modifiers = 1 << iota
	TakesSize
)

// Trace is what can be seen of an option in a plan. Of depends on By.
type Trace struct {
	By By
	Of uint32
}

// By is the kind of a Trace.
type By uint8

// Kinds of traces.
const (
	Unseen     By = iota // nothing, or nothing of its own
	ByClone              // a new namespace: a CLONE_NEW* flag
	ByJoin               // a namespace that exists: the same
	ByFlag               // a flag of the plan's header
	ByOp                 // any step with the operation
	BySetting            // a setting.Kind
	ByMount              // a new file system: a plan.Mount*
	ByOverlay            // an overlay: a plan.Overlay*
	ByScope              // scopes of Landlock, of which one is enough: plan.Scope* bits
	ByLabel              // a security label: a plan.Label*
	ByFallback           // what stands for a new proc that the kernel refuses
	ByWritable           // files of the host's that are not read-only
	ByCaps               // a capability for the command
	ByRange              // several ids
	ByEnd                // the end of the sandbox with its caller
	ByLast               // no user namespaces below the last one
)

// InPlan returns what can be seen of an option in a plan.
func (o *Option) InPlan() Trace {
	switch {
	case o.do == doSetting:
		return Trace{BySetting, uint32(o.on)}
	case o.do == doSwitch && o.turns&plan.AllFlags != 0 && o.Trace.By == Unseen:
		return Trace{ByFlag, o.turns}
	}
	return o.Trace
}

// action is what an option does.
type action uint8

const (
	// The first four end parsing: the front end prints a text.
	doHelp action = iota
	doVersion
	doFeatures
	doDoctor
	// A bit of flat.Spec.Switches.
	doSwitch
	// A namespace of one kind.
	doWish
	// Namespaces of all kinds.
	doUnshareAll
	// A session is a wish too, since an option can make a new one only.
	doNewSession
	// A descriptor that is used later, under its name.
	doNamedFD
	// A descriptor that is held while anything runs.
	doSyncFD
	// A string of which the last one counts.
	doText
	// A string that may be given once.
	doArgv0
	// The payload's uid or gid.
	doID
	// Root inside, with one uid and one gid.
	doMapRoot
	// Ranges of ids: what /etc/subuid grants, or as typed.
	doMapAuto
	doMapLine
	// Capabilities, in order.
	doCapAdd
	doCapDrop
	// A number of which the last one counts, as it is typed, or one of few that have names.
	doNumber
	doChoice
	// A change of the environment.
	doEnv
	// A path in the sandbox, of which there is a list.
	doPath
	// More options, from a descriptor.
	doArgs
	// File operations, by their operands: a destination.
	doAt
	// A host path that must exist, and a destination.
	doBind
	// The same, for a host path that may be missing.
	doBindTry
	// An open file or directory, which is bound or read to its end, and a destination.
	doOpenFile
	// A text, and a destination.
	doLink
	// A mode, and a destination.
	doMode
	// These two change the next operation.
	doPerms
	doSize
	// The two halves of an overlay.
	doLayer
	doOverlay
	// Filters: the last one counts, each counts, or one by name.
	doSeccomp
	doAddSeccomp
	doSeccompProfile
	// What the payload's process sets for itself (package setting).
	doSetting
	doTimeout
	// A descriptor that the payload gets, with --close-fds.
	doKeepFD
	// Paths that are denied.
	doMask
	doMaskTry
	// What Landlock restricts.
	doScope
)

// limits are the names of --rlimit: those of setrlimit(2) without
// RLIMIT_, except for RSS and LOCKS, which have no effect (getrlimit(2)).
const limits = "as, core, cpu, data, fsize, memlock, msgqueue, nice, nofile, nproc, rtprio, rttime, sigpending, stack"

const (
	// What --mask and --protect take. A relative path would depend on a directory that the command chooses.
	wantsPath = "an absolute path in the sandbox, other than its root"
	// What their forms with patterns take; flat.IsPattern says why.
	wantsPattern = "an absolute path whose first component is literal, of *, ?, [a-z], \\ and, as whole components, **"
)

// scopes are the names in Scopes.
const scopes = "signals, abstract-sockets, sockets or all"

// Options is every option. --help lists them in the order of the manual, with Help on the
// same line: at most 47 characters.
//
//nolint:gochecknoglobals // read-only table
var Options = [...]Option{
	// -h is the same (Lookup).
	{Name: "--help", Value: "OPTION", Optional: true, Help: "Print this summary, or the text on one option", do: doHelp},
	{Name: "--version", Help: "Print the version", do: doVersion},
	// Its words act where it stands. A secret in them is not seen in /proc/PID/cmdline.
	{Name: "--args", Operands: "FD", Help: "Read more options from FD, separated by NULs", do: doArgs},
	// Not Scalar: given again it is an error, as with bwrap.
	{Name: "--argv0", Operands: "VALUE", Help: "Set argv[0] of the command", do: doArgv0},
	// The levels of syslog(3), as the systemd journal reads them (sd-daemon(3)).
	{Name: "--level-prefix", Help: "Start errors with <3>, warnings with <4>", do: doSwitch, turns: flat.LevelPrefix},
	{Name: "--dry-run", Help: "Print the steps and do not run the command", do: doSwitch, turns: flat.DryRun},
	{Name: "--explain", Help: "Describe the sandbox and its risks, then run", do: doSwitch, turns: flat.Explain},
	{Name: "--features", Help: "Print as JSON what this program supports", do: doFeatures},
	{Name: "--doctor", Value: "json|apparmor", Optional: true, Help: "Find out what works here, and how to fix it", do: doDoctor},
	// 0 would say that the command has succeeded, and more than 255 does not pass through wait(2).
	{Name: "--setup-exit-status", Operands: "STATUS", Help: "Status if the command cannot be run (default 1)", Scalar: true, Wants: "a number from 1 to 255", do: doNumber, on: flat.FailStatus, low: 1, high: 255},
	{Name: "--mode", Operands: "MODE", Wants: "auto, direct or setuid", Help: "auto (default), direct or setuid", Scalar: true, do: doChoice, on: flat.Mode, Choices: "auto|direct|setuid"},

	// User and cgroup namespaces only if they are there, as with bwrap.
	{Name: "--unshare-all", Help: "Make new namespaces of all kinds", do: doUnshareAll},
	// In its place among the options: an --unshare-net that follows counts.
	{Name: "--share-net", Help: "After --unshare-all: share the network", do: doWish, on: flat.Net, with: uint8(flat.Share)},
	{Name: "--unshare-user", Help: "Make a new user namespace; implied if not root", do: doWish, on: flat.User, with: uint8(flat.Want)},
	// In direct mode it matters for root only: for others a user namespace is implied.
	{Name: "--unshare-user-try", Help: "Make a new user namespace if possible", do: doWish, on: flat.User, with: uint8(flat.Try)},
	{Name: "--unshare-ipc", Help: "Make a new IPC namespace", do: doWish, on: flat.IPC, with: uint8(flat.Want), Trace: Trace{ByClone, unix.CLONE_NEWIPC}},
	{Name: "--unshare-pid", Help: "Make a new PID namespace: hide other processes", do: doWish, on: flat.PID, with: uint8(flat.Want), Trace: Trace{ByClone, unix.CLONE_NEWPID}},
	{Name: "--unshare-net", Help: "Make a new network namespace: no network", do: doWish, on: flat.Net, with: uint8(flat.Want), Trace: Trace{ByClone, unix.CLONE_NEWNET}},
	{Name: "--unshare-uts", Help: "Make a new UTS namespace (host name)", do: doWish, on: flat.UTS, with: uint8(flat.Want), Trace: Trace{ByClone, unix.CLONE_NEWUTS}},
	{Name: "--unshare-cgroup", Help: "Make a new cgroup namespace", do: doWish, on: flat.Cgroup, with: uint8(flat.Want), Trace: Trace{ByClone, unix.CLONE_NEWCGROUP}},
	{Name: "--unshare-cgroup-try", Help: "Make a new cgroup namespace if possible", do: doWish, on: flat.Cgroup, with: uint8(flat.Try)},
	// A descriptor of a file such as /proc/PID/ns/user (namespaces(7)). 0 is one as well.
	{Name: "--userns", Operands: "FD", Help: "Enter this user namespace", Scalar: true, do: doNamedFD, on: flat.JoinUser, Trace: Trace{ByJoin, unix.CLONE_NEWUSER}},
	// It must be a descendant of the user namespace of set-up.
	{Name: "--userns2", Operands: "FD", Help: "Enter this user namespace after the set-up", Scalar: true, do: doNamedFD, on: flat.FinalUser},
	// It wants --unshare-user itself, not the implied one, as with bwrap.
	{Name: "--disable-userns", Help: "Prevent further user namespaces inside", do: doSwitch, turns: flat.DisableUsers, Trace: Trace{ByLast, 0}},
	{Name: "--assert-userns-disabled", Help: "Fail unless user namespaces are prevented", do: doSwitch, turns: flat.AssertUsersDisabled},
	{Name: "--pidns", Operands: "FD", Help: "Run in this PID namespace", Scalar: true, do: doNamedFD, on: flat.JoinPID, Trace: Trace{ByJoin, unix.CLONE_NEWPID}},
	{Name: "--netns", Operands: "FD", Help: "Run in this network namespace", Scalar: true, do: doNamedFD, on: flat.JoinNet, Trace: Trace{ByJoin, unix.CLONE_NEWNET}},
	// One uid_t, without a name: users have no names inside.
	{Name: "--uid", Operands: "UID", Help: "User id in the sandbox", Scalar: true, do: doID, on: flat.UID},
	{Name: "--gid", Operands: "GID", Help: "Group id in the sandbox", Scalar: true, do: doID, on: flat.GID},
	// From here to --keep-groups, options that bwrap does not have.
	{Name: "--map-root-user", Help: "Be uid 0 and gid 0 in the sandbox", do: doMapRoot},
	{Name: "--uid-map", Operands: "INSIDE:OUTSIDE:COUNT", Help: "Map a range of user ids (repeatable)", do: doMapLine, with: uint8(flat.UIDMap)},
	{Name: "--gid-map", Operands: "INSIDE:OUTSIDE:COUNT", Help: "Map a range of group ids (repeatable)", do: doMapLine, with: uint8(flat.GIDMap)},
	{Name: "--map-auto", Help: "Map the ids that /etc/subuid grants you", do: doMapAuto, Trace: Trace{ByRange, 0}},
	{Name: "--keep-groups", Help: "Keep your groups if several gids are mapped", do: doSwitch, turns: flat.KeepGroups},
	// At most 64 bytes, which the kernel checks (sethostname(2)).
	{Name: "--hostname", Operands: "NAME", Help: "Set the host name (needs --unshare-uts)", Scalar: true, do: doText, on: flat.Hostname, Trace: Trace{ByOp, uint32(plan.OpHostname)}},

	// A relative DIR is taken from the root of the sandbox, and PWD is DIR as typed, as with bwrap.
	{Name: "--chdir", Operands: "DIR", Help: "Start the command in DIR", Scalar: true, Paths: true, do: doText, on: flat.Chdir},
	// The three act in the order given.
	{Name: "--clearenv", Help: "Remove all environment variables except PWD", do: doEnv, with: uint8(flat.ClearEnv)},
	{Name: "--setenv", Operands: "VAR VALUE", Help: "Set an environment variable", do: doEnv, with: uint8(flat.SetEnv)},
	{Name: "--unsetenv", Operands: "VAR", Help: "Remove an environment variable", do: doEnv, with: uint8(flat.UnsetEnv)},

	// A path inside, opened when the root is complete.
	{Name: "--lock-file", Operands: "DEST", Help: "Hold a read lock on DEST while anything runs", Paths: true, do: doPath, makes: flat.Lock, Trace: Trace{ByOp, uint32(plan.OpLock)}},
	{Name: "--sync-fd", Operands: "FD", Help: "Keep FD open while anything runs (repeatable)", do: doSyncFD},
	// Of the -try forms only ENOENT is passed over: a source that may not be seen is an error.
	{Name: "--bind", Operands: "SRC DEST", Help: "Bind SRC, writable", Paths: true, do: doBind, makes: tree.Bind, with: uint8(tree.ReadWrite), Trace: Trace{ByWritable, 0}},
	{Name: "--bind-try", Operands: "SRC DEST", Help: "Bind SRC, writable, if it exists", Paths: true, do: doBindTry, makes: tree.Bind, with: uint8(tree.ReadWrite)},
	// Without nodev; nosuid stays.
	{Name: "--dev-bind", Operands: "SRC DEST", Help: "Bind SRC, writable and with its devices", Paths: true, do: doBind, makes: tree.Bind, with: uint8(tree.WithDevice)},
	{Name: "--dev-bind-try", Operands: "SRC DEST", Help: "Bind SRC with its devices, if it exists", Paths: true, do: doBindTry, makes: tree.Bind, with: uint8(tree.WithDevice)},
	{Name: "--ro-bind", Operands: "SRC DEST", Help: "Bind SRC, read-only", Paths: true, do: doBind, makes: tree.Bind, with: uint8(tree.ReadOnly)},
	{Name: "--ro-bind-try", Operands: "SRC DEST", Help: "Bind SRC, read-only, if it exists", Paths: true, do: doBindTry, makes: tree.Bind, with: uint8(tree.ReadOnly)},
	// Flatpak needs these two from 1.14.10 on. A descriptor that was opened with O_PATH is enough.
	{Name: "--bind-fd", Operands: "FD DEST", Help: "Bind the open file or directory FD, writable", Paths: true, do: doOpenFile, makes: tree.BindFD, with: uint8(tree.ReadWrite)},
	{Name: "--ro-bind-fd", Operands: "FD DEST", Help: "Bind the open file or directory FD, read-only", Paths: true, do: doOpenFile, makes: tree.BindFD, with: uint8(tree.ReadOnly)},
	// Not recursive, as with bwrap.
	{Name: "--remount-ro", Operands: "DEST", Help: "Make the mount at DEST read-only", Paths: true, do: doAt, makes: tree.RemountRO, Trace: Trace{ByOp, uint32(plan.OpRemountRO)}},
	// From here to --protect-glob-try, options that bwrap does
	// not have. The -try forms differ by flat.Absent alone.
	{Name: "--mask", Operands: "PATH", Help: "Hide the contents of PATH from the command", Paths: true, Wants: wantsPath, do: doMask, makes: tree.Mask, Trace: Trace{ByOp, uint32(plan.OpMask)}},
	{Name: "--mask-try", Operands: "PATH", Help: "Like --mask, unless PATH is missing", Paths: true, Wants: wantsPath, do: doMaskTry, makes: tree.Mask},
	{Name: "--mask-glob", Operands: "PATTERN", Help: "Hide the contents of what matches PATTERN", Paths: true, Wants: wantsPattern, do: doMask, on: flat.Glob, makes: tree.Mask},
	{Name: "--mask-glob-try", Operands: "PATTERN", Help: "The same, unless nothing matches", Paths: true, Wants: wantsPattern, do: doMaskTry, on: flat.Glob, makes: tree.Mask},
	// It has a meaning for a missing PATH as well: it stays missing.
	{Name: "--protect", Operands: "PATH", Help: "Keep PATH as it is, or missing", Paths: true, Wants: wantsPath, do: doMask, makes: tree.Protect, Trace: Trace{ByOp, uint32(plan.OpProtect)}},
	{Name: "--protect-try", Operands: "PATH", Help: "Like --protect, unless PATH is missing", Paths: true, Wants: wantsPath, do: doMaskTry, makes: tree.Protect},
	{Name: "--protect-glob", Operands: "PATTERN", Help: "Keep what matches PATTERN as it is", Paths: true, Wants: wantsPattern, do: doMask, on: flat.Glob, makes: tree.Protect},
	{Name: "--protect-glob-try", Operands: "PATTERN", Help: "The same, unless nothing matches", Paths: true, Wants: wantsPattern, do: doMaskTry, on: flat.Glob, makes: tree.Protect},
	// Nothing but another one, or an overlay, may follow.
	{Name: "--overlay-src", Operands: "SRC", Help: "Add a layer to the overlay that follows", Paths: true, Layer: true, do: doLayer},
	// RWSRC and WORKDIR are the upper and the work directory of overlayfs, on one file system.
	{Name: "--overlay", Operands: "RWSRC WORKDIR DEST", Help: "Mount an overlay; changes go to RWSRC", Paths: true, Layer: true, do: doOverlay, makes: tree.Overlay, with: uint8(tree.Kept), Trace: Trace{ByOverlay, plan.OverlayRW}},
	{Name: "--tmp-overlay", Operands: "DEST", Help: "Mount an overlay; changes are thrown away", Paths: true, Layer: true, do: doOverlay, makes: tree.Overlay, with: uint8(tree.Forgotten), Trace: Trace{ByOverlay, plan.OverlayTmp}},
	// It needs two layers.
	{Name: "--ro-overlay", Operands: "DEST", Help: "Mount an overlay, read-only", Paths: true, Layer: true, do: doOverlay, makes: tree.Overlay, with: uint8(tree.Refused), Trace: Trace{ByOverlay, plan.OverlayRO}},
	// Labels are SELinux's; elsewhere they are refused (compile.LabelsNeedSELinux).
	{Name: "--exec-label", Operands: "LABEL", Help: "Run the command with this SELinux label", Scalar: true, do: doText, on: flat.ExecLabel, Trace: Trace{ByLabel, plan.LabelExec}},
	{Name: "--file-label", Operands: "LABEL", Help: "SELinux label of files that the set-up creates", Scalar: true, do: doText, on: flat.FileLabel, Trace: Trace{ByLabel, plan.LabelNew}},
	{Name: "--proc", Operands: "DEST", Help: "Mount proc", Paths: true, do: doAt, makes: tree.Proc, Trace: Trace{ByOp, uint32(plan.OpProc)}},
	// Most containers refuse a new proc. What is to be lost then is for the caller to say.
	{Name: "--fallback-proc", Value: "none|bind", Choices: "none|bind", Wants: "none or bind", Help: "What --proc does if the kernel refuses it", Scalar: true, do: doChoice, on: flat.Fallback, with: uint8(tree.Empty), Trace: Trace{ByFallback, 0}},
	{Name: "--dev", Operands: "DEST", Help: "Make a minimal /dev", Paths: true, do: doAt, makes: tree.Dev, Trace: Trace{ByMount, plan.MountDevpts}},
	// The only one that takes --size.
	{Name: "--tmpfs", Operands: "DEST", Help: "Mount an empty tmpfs", Paths: true, Takes: TakesPerms | TakesSize, do: doAt, makes: tree.Tmpfs, Trace: Trace{ByMount, plan.MountTmpfs}},
	{Name: "--mqueue", Operands: "DEST", Help: "Mount the POSIX message queues", Paths: true, do: doAt, makes: tree.Mqueue, Trace: Trace{ByMount, plan.MountMqueue}},
	// What takes --perms is what bwrap lets it stand in front of.
	{Name: "--dir", Operands: "DEST", Help: "Create a directory", Paths: true, Takes: TakesPerms, do: doAt, makes: tree.Dir, Trace: Trace{ByOp, uint32(plan.OpDir)}},
	{Name: "--file", Operands: "FD DEST", Help: "Create a file with FD's data", Paths: true, Takes: TakesPerms, do: doOpenFile, makes: tree.File, Trace: Trace{ByOp, uint32(plan.OpFile)}},
	{Name: "--bind-data", Operands: "FD DEST", Help: "Bind a temporary file with FD's data", Paths: true, Takes: TakesPerms, do: doOpenFile, makes: tree.Data, with: uint8(tree.ReadWrite), Trace: Trace{ByOp, uint32(plan.OpData)}},
	{Name: "--ro-bind-data", Operands: "FD DEST", Help: "Bind a temporary, read-only file with FD's data", Paths: true, Takes: TakesPerms, do: doOpenFile, makes: tree.Data, with: uint8(tree.ReadOnly)},
	// SRC is the text of the link, and need not exist. An empty one the kernel refuses (symlink(2), ENOENT).
	{Name: "--symlink", Operands: "SRC DEST", Help: "Create the link DEST, which points to SRC", Paths: true, do: doLink, makes: tree.Symlink, Trace: Trace{ByOp, uint32(plan.OpSymlink)}},
	// The last one counts; with --add-seccomp-fd all do. The two exclude each other, as with bwrap.
	{Name: "--seccomp", Operands: "FD", Help: "Install the seccomp filter in FD", Scalar: true, do: doSeccomp, Trace: Trace{ByOp, uint32(plan.OpSeccomp)}},
	{Name: "--add-seccomp-fd", Operands: "FD", Help: "Install the seccomp filter in FD (repeatable)", do: doAddSeccomp},
	{Name: "--seccomp-profile", Operands: "PROFILE", Help: "Apply a profile: a file, or a built-in name", do: doSeccompProfile},
	// Landlock's: signals and abstract sockets since Linux 6.12, sockets since 7.1.
	{Name: "--scope", Operands: "SCOPE", Help: "Restrict signals or sockets to the sandbox", Wants: scopes, do: doScope, on: scopeNamed, Trace: Trace{ByScope, ^uint32(0)}},
	{Name: "--scope-try", Operands: "SCOPE", Help: "Like --scope, if the kernel can", Wants: scopes, do: doScope, on: scopeNamed, with: scopeTried},
	// It has neither scopeNamed nor scopeTried: one scope, which must be there.
	{Name: "--scope-abstract-unix-sockets", Help: "The same as --scope abstract-sockets", do: doScope, Trace: Trace{ByScope, plan.ScopeAbstractSockets}},
	{Name: "--allow-socket", Operands: "PATH", Help: "Except PATH from --scope sockets (repeatable)", Paths: true, do: doPath, makes: flat.Socket, Trace: Trace{ByOp, uint32(plan.OpSocket)}},
	// A byte or the end of the file lets set-up go on; both options close FD then.
	{Name: "--block-fd", Operands: "FD", Help: "Wait for FD before the command runs", Scalar: true, do: doNamedFD, on: flat.BlockFD, Trace: Trace{ByOp, uint32(plan.OpWaitFd)}},
	{Name: "--userns-block-fd", Operands: "FD", Help: "Wait for FD before the user namespace is used", Scalar: true, do: doNamedFD, on: flat.UserBlockFD},
	// Both must be open for writing. A reader that goes away does not end the command.
	{Name: "--info-fd", Operands: "FD", Help: "Write pid and namespaces to FD, as JSON", Scalar: true, do: doNamedFD, on: flat.InfoFD},
	{Name: "--json-status-fd", Operands: "FD", Help: "Write events to FD while they happen, as JSON", Scalar: true, do: doNamedFD, on: flat.StatusFD},
	// Without it a command may push input to the caller's terminal with TIOCSTI (CVE-2017-5226).
	{Name: "--new-session", Help: "Start a new terminal session", do: doNewSession, Trace: Trace{ByOp, uint32(plan.OpSetsid)}},
	// By the death signal, PR_SET_PDEATHSIG(2const).
	{Name: "--die-with-parent", Help: "Kill the command if gobwrap or its parent ends", do: doSwitch, turns: plan.FlagDieWithParent, Trace: Trace{ByEnd, 0}},
	// A PID 1 must reap orphans itself, and has no default action for signals (pid_namespaces(7)).
	{Name: "--as-pid-1", Help: "Run the command as PID 1, without an init", do: doSwitch, turns: flat.AsPID1},
	// From here to --usage, options that bwrap does not have.
	// This one is not Scalar: it counts for each NAME by itself.
	{Name: "--rlimit", Operands: "NAME=SOFT[:HARD]", Help: "Lower a resource limit (repeatable)", Wants: "NAME=SOFT[:HARD], with a NAME of " + limits + "; SOFT and HARD are numbers or unlimited, and SOFT is not the larger one", do: doSetting, on: uint8(setting.Rlimit)},
	{Name: "--nice", Operands: "N", Help: "Run with niceness N, from -20 to 19", Scalar: true, Wants: "a number from -20 to 19", do: doSetting, on: uint8(setting.Nice)},
	{Name: "--oom-score-adj", Operands: "N", Help: "Set oom_score_adj, from -1000 to 1000", Scalar: true, Wants: "a number from -1000 to 1000", do: doSetting, on: uint8(setting.Score)},
	{Name: "--cpu-affinity", Operands: "CPUS", Help: "Run on these CPUs, such as 0-3,5", Scalar: true, Wants: setting.WantsCPUs, do: doSetting, on: uint8(setting.CPUs)},
	{Name: "--foreground", Help: "Lend the terminal to the command", do: doSwitch, turns: plan.FlagForeground},
	{Name: "--forward-signals", Help: "Pass signals sent to gobwrap on to the command", do: doSwitch, turns: plan.FlagForward},
	{Name: "--close-fds", Help: "Pass only descriptors 0, 1 and 2 on", do: doSwitch, turns: flat.CloseFDs, Trace: Trace{ByOp, uint32(plan.OpClose)}},
	{Name: "--keep-fd", Operands: "FD", Help: "Like --close-fds, but pass FD on (repeatable)", do: doKeepFD},
	// 4294966 seconds with any fraction, rounded up to milliseconds, fit into 32 bits.
	{Name: "--timeout", Operands: "SECONDS[:GRACE]", Help: "End the command after SECONDS", Scalar: true, Wants: "SECONDS[:GRACE], numbers such as 1.5, at most 4294966, of which SECONDS is not 0", do: doTimeout, Trace: Trace{ByOp, uint32(plan.OpTimeout)}},
	// Since Linux 5.7 (CLONE_INTO_CGROUP).
	{Name: "--cgroup", Operands: "FD", Help: "Start in the cgroup directory open as FD", Scalar: true, do: doNamedFD, on: flat.CgroupFD, Trace: Trace{ByOp, uint32(plan.OpCgroup)}},
	{Name: "--usage", Help: "Report what the command used, as JSON", do: doSwitch, turns: plan.FlagUsage},
	// The two act in the order given, from root's own capabilities or from none.
	{Name: "--cap-add", Operands: "CAP", Help: "Give the command a capability, or ALL", do: doCapAdd, Trace: Trace{ByCaps, 0}},
	{Name: "--cap-drop", Operands: "CAP", Help: "Take a capability, or ALL, from the command", do: doCapDrop},
	// At most 07777. Both count for one operation, also for the first one of an --args file.
	{Name: "--perms", Operands: "OCTAL", Help: "Mode of what the next option creates", Modifies: true, do: doPerms},
	{Name: "--size", Operands: "BYTES", Help: "Size limit of the --tmpfs that follows", Modifies: true, do: doSize},
	{Name: "--chmod", Operands: "OCTAL PATH", Help: "Change the mode of PATH, which must exist", Paths: true, do: doMode, makes: tree.Chmod, Trace: Trace{ByOp, uint32(plan.OpChmod)}},
	// bubblewrap has it in versions after 0.11.
	{Name: "--not-a-security-boundary", Help: "If a mount cannot be restricted, only warn", do: doSwitch, turns: plan.FlagForgive},
}

// Variants of --scope differ by Option.on and Option.with.
const (
	// The scope is the operand.
	scopeNamed = 1
	// It may be missing: an older kernel goes on without it.
	scopeTried = 1
)

// Lookup finds the row of an option; -1 if there is none. -h is --help.
func Lookup(name []byte) int {
	// One pass over about 100 rows for each option: an index by name would have to be built at each start.
	for i := range Options {
		if flat.Equal(name, Options[i].Name) || Options[i].do == doHelp && flat.Equal(name, "-h") {
			return i
		}
	}
	return -1
}

// Arity returns the number of words that follow an option.
func (o *Option) Arity() int {
	// A table without a count of its own cannot disagree with its names.
	if o.Operands == "" {
		return 0
	}
	n := 1
	for i := range len(o.Operands) {
		if o.Operands[i] == ' ' {
			n++
		}
	}
	return n
}

// begins reports whether the operands begin with s.
func (o *Option) begins(s string) bool {
	return len(o.Operands) >= len(s) && o.Operands[:len(s)] == s
}
