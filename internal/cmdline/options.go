package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// Option is one row of the table.
type Option struct {
	Name     string
	Operands string // their names, separated by blanks; each is a word of its own
	Value    string // what follows "=" in the same word
	Optional bool   // the "=" may be missing
	Help     string
	Takes    Modifiers // which of --perms and --size may stand in front
	Modifies bool      // --perms and --size themselves: only an operation may follow
	Scalar   bool      // given again, the last one wins, with a warning
	Layer    bool      // --overlay-src, and what may follow it
	Paths    bool      // operands are paths (of data options: the last one is): not empty
	Wants    string    // what its value has to be, for messages

	do   action
	on   uint8 // which wish, switch, descriptor or string it sets
	with uint8 // what to
}

// Modifiers are the options that may stand in front of another one.
type Modifiers uint8

// The modifiers.
const (
	TakesPerms Modifiers = 1 << iota
	TakesSize
)

// action is what an option does.
type action uint8

const (
	doHelp action = iota
	doVersion
	doFeatures
	doDoctor
	doSwitch
	doWish
	doUnshareAll
	doNewSession
	doNamedFD
	doSyncFD
	doText
	doArgv0
	doID
	doMapRoot
	doMapAuto
	doMapLine
	doCapAdd
	doCapDrop
	doChooseMode
	doFailStatus
	doFallbackProc
	doEnv
	doLock
	doArgs
	doAt
	doBind
	doBindTry
	doBindFD
	doFile
	doData
	doSymlink
	doChmod
	doPerms
	doSize
	doLayer
	doOverlay
	doSeccomp
	doAddSeccomp
	doSeccompProfile
	doSetting
	doTimeout
	doKeepFD
	doScope
	doSocket
)

const limits = "as, core, cpu, data, fsize, memlock, msgqueue, nice, nofile, nproc, rtprio, rttime, sigpending, stack"

// What --scope takes.
const (
	scopes     = "signals, abstract-sockets (both take Linux 6.12), sockets (those with a path, 7.1)"
	scopeWants = "signals, abstract-sockets, sockets or all"
)

// Options is every option, in the order of --help.
//
//nolint:gochecknoglobals // read-only table
var Options = [...]Option{
	{Name: "--help", Help: "Print this help", do: doHelp},
	{Name: "--version", Help: "Print version", do: doVersion},
	{Name: "--args", Operands: "FD", Help: "Parse NUL-separated args from FD", do: doArgs},
	{Name: "--argv0", Operands: "VALUE", Help: "Set argv[0] to the value VALUE before running the program", do: doArgv0},
	{Name: "--level-prefix", Help: "Prepend <3> to errors and <4> to warnings, as journald reads them", do: doSwitch, on: flat.LevelPrefix},
	{Name: "--dry-run", Help: "Print the plan, a step a line with the option that asked for it, and run nothing", do: doSwitch, on: flat.DryRun},
	{Name: "--explain", Help: "Say on standard error, in words, what the sandbox will contain and which risks stay, then run the command", do: doSwitch, on: flat.Explain},
	{Name: "--features", Help: "Print as JSON what this launcher and this kernel can do, and run nothing", do: doFeatures},
	{Name: "--doctor", Value: "json|apparmor", Optional: true, Help: "Try what sandboxes need here, step by step, and say what fixes it; status 0: direct mode works, 3: only setuid mode, 4: nothing. As JSON; or print an AppArmor profile for this binary", do: doDoctor},
	{Name: "--setup-exit-status", Operands: "STATUS", Help: "Exit status for a sandbox that could not be set up (default 1)", Scalar: true, Wants: "a number from 1 to 255", do: doFailStatus},
	{Name: "--mode", Operands: "MODE", Wants: "auto, direct or setuid", Help: "auto: with user namespaces, and where the kernel refuses them through a setuid-root installation, if this is one (default); direct, setuid: only so", Scalar: true, do: doChooseMode},

	{Name: "--unshare-all", Help: "Unshare every namespace we support by default", do: doUnshareAll},
	{Name: "--share-net", Help: "Retain the network namespace (can only combine with --unshare-all)", do: doWish, on: flat.Net, with: uint8(flat.Share)},
	{Name: "--unshare-user", Help: "Create new user namespace (implied without root)", do: doWish, on: flat.User, with: uint8(flat.Want)},
	{Name: "--unshare-user-try", Help: "Create new user namespace if possible else continue by skipping it", do: doWish, on: flat.User, with: uint8(flat.Try)},
	{Name: "--unshare-ipc", Help: "Create new ipc namespace", do: doWish, on: flat.IPC, with: uint8(flat.Want)},
	{Name: "--unshare-pid", Help: "Create new pid namespace", do: doWish, on: flat.PID, with: uint8(flat.Want)},
	{Name: "--unshare-net", Help: "Create new network namespace", do: doWish, on: flat.Net, with: uint8(flat.Want)},
	{Name: "--unshare-uts", Help: "Create new uts namespace", do: doWish, on: flat.UTS, with: uint8(flat.Want)},
	{Name: "--unshare-cgroup", Help: "Create new cgroup namespace", do: doWish, on: flat.Cgroup, with: uint8(flat.Want)},
	{Name: "--unshare-cgroup-try", Help: "Create new cgroup namespace if possible else continue by skipping it", do: doWish, on: flat.Cgroup, with: uint8(flat.Try)},
	{Name: "--userns", Operands: "FD", Help: "Use this user namespace (cannot combine with --unshare-user)", Scalar: true, do: doNamedFD, on: flat.JoinUser},
	{Name: "--userns2", Operands: "FD", Help: "After setup switch to this user namespace, only useful with --userns", Scalar: true, do: doNamedFD, on: flat.FinalUser},
	{Name: "--disable-userns", Help: "Disable further use of user namespaces inside sandbox", do: doSwitch, on: flat.DisableUsers},
	{Name: "--assert-userns-disabled", Help: "Fail unless further use of user namespace inside sandbox is disabled", do: doSwitch, on: flat.AssertUsersDisabled},
	{Name: "--pidns", Operands: "FD", Help: "Use this pid namespace (as parent namespace if using --unshare-pid)", Scalar: true, do: doNamedFD, on: flat.JoinPID},
	{Name: "--netns", Operands: "FD", Help: "Use this network namespace (needs rights over it: root, or its owner through --userns)", Scalar: true, do: doNamedFD, on: flat.JoinNet},
	{Name: "--uid", Operands: "UID", Help: "Custom uid in the sandbox (requires --unshare-user or --userns)", Scalar: true, do: doID, on: flat.UID},
	{Name: "--gid", Operands: "GID", Help: "Custom gid in the sandbox (requires --unshare-user or --userns)", Scalar: true, do: doID, on: flat.GID},
	{Name: "--map-root-user", Help: "Be root inside: --uid 0 --gid 0, in a new user namespace", do: doMapRoot},
	{Name: "--uid-map", Operands: "INSIDE:OUTSIDE:COUNT", Help: "Map COUNT uids from INSIDE on to those from OUTSIDE on, in a new user namespace (repeatable; takes newuidmap, or root)", do: doMapLine, with: uint8(flat.UIDMap)},
	{Name: "--gid-map", Operands: "INSIDE:OUTSIDE:COUNT", Help: "The same for gids", do: doMapLine, with: uint8(flat.GIDMap)},
	{Name: "--map-auto", Help: "Map what /etc/subuid and /etc/subgid grant to the caller to the ids from 1 on, and the caller to --uid and --gid", do: doMapAuto},
	{Name: "--keep-groups", Help: "With several ids: leave the caller's supplementary groups to the command", do: doSwitch, on: flat.KeepGroups},
	{Name: "--hostname", Operands: "NAME", Help: "Custom hostname in the sandbox (requires --unshare-uts)", Scalar: true, do: doText, on: flat.Hostname},

	{Name: "--chdir", Operands: "DIR", Help: "Change directory to DIR", Scalar: true, Paths: true, do: doText, on: flat.Chdir},
	{Name: "--clearenv", Help: "Unset all environment variables", do: doEnv, with: uint8(flat.ClearEnv)},
	{Name: "--setenv", Operands: "VAR VALUE", Help: "Set an environment variable", do: doEnv, with: uint8(flat.SetEnv)},
	{Name: "--unsetenv", Operands: "VAR", Help: "Unset an environment variable", do: doEnv, with: uint8(flat.UnsetEnv)},

	{Name: "--lock-file", Operands: "DEST", Help: "Take a lock on DEST while sandbox is running", Paths: true, do: doLock},
	{Name: "--sync-fd", Operands: "FD", Help: "Keep this fd open while sandbox is running (repeatable)", do: doSyncFD},
	{Name: "--bind", Operands: "SRC DEST", Help: "Bind mount the host path SRC on DEST", Paths: true, do: doBind, with: uint8(tree.ReadWrite)},
	{Name: "--bind-try", Operands: "SRC DEST", Help: "Equal to --bind but ignores non-existent SRC", Paths: true, do: doBindTry, with: uint8(tree.ReadWrite)},
	{Name: "--dev-bind", Operands: "SRC DEST", Help: "Bind mount the host path SRC on DEST, allowing device access", Paths: true, do: doBind, with: uint8(tree.WithDevice)},
	{Name: "--dev-bind-try", Operands: "SRC DEST", Help: "Equal to --dev-bind but ignores non-existent SRC", Paths: true, do: doBindTry, with: uint8(tree.WithDevice)},
	{Name: "--ro-bind", Operands: "SRC DEST", Help: "Bind mount the host path SRC readonly on DEST", Paths: true, do: doBind, with: uint8(tree.ReadOnly)},
	{Name: "--ro-bind-try", Operands: "SRC DEST", Help: "Equal to --ro-bind but ignores non-existent SRC", Paths: true, do: doBindTry, with: uint8(tree.ReadOnly)},
	{Name: "--bind-fd", Operands: "FD DEST", Help: "Bind open directory or path fd on DEST", Paths: true, do: doBindFD, with: uint8(tree.ReadWrite)},
	{Name: "--ro-bind-fd", Operands: "FD DEST", Help: "Bind open directory or path fd read-only on DEST", Paths: true, do: doBindFD, with: uint8(tree.ReadOnly)},
	{Name: "--remount-ro", Operands: "DEST", Help: "Remount DEST as readonly; does not recursively remount", Paths: true, do: doAt, with: uint8(flat.RemountRO)},
	{Name: "--overlay-src", Operands: "SRC", Help: "Read files from SRC in the following overlay", Paths: true, Layer: true, do: doLayer},
	{Name: "--overlay", Operands: "RWSRC WORKDIR DEST", Help: "Mount overlayfs on DEST, with RWSRC as the host path for writes and WORKDIR an empty directory on the same filesystem as RWSRC", Paths: true, Layer: true, do: doOverlay, with: uint8(tree.Kept)},
	{Name: "--tmp-overlay", Operands: "DEST", Help: "Mount overlayfs on DEST, with writes going to an invisible tmpfs", Paths: true, Layer: true, do: doOverlay, with: uint8(tree.Forgotten)},
	{Name: "--ro-overlay", Operands: "DEST", Help: "Mount overlayfs read-only on DEST", Paths: true, Layer: true, do: doOverlay, with: uint8(tree.Refused)},
	{Name: "--exec-label", Operands: "LABEL", Help: "Exec label for the sandbox", Scalar: true, do: doText, on: flat.ExecLabel},
	{Name: "--file-label", Operands: "LABEL", Help: "File label for temporary sandbox content", Scalar: true, do: doText, on: flat.FileLabel},
	{Name: "--proc", Operands: "DEST", Help: "Mount new procfs on DEST", Paths: true, do: doAt, with: uint8(flat.Proc)},
	{Name: "--fallback-proc", Value: "none|bind", Wants: "none or bind", Help: "Where the kernel refuses a new proc: leave an empty directory in place of --proc, or bind the outer one, with a warning", Scalar: true, do: doFallbackProc},
	{Name: "--dev", Operands: "DEST", Help: "Mount new dev on DEST", Paths: true, do: doAt, with: uint8(flat.Dev)},
	{Name: "--tmpfs", Operands: "DEST", Help: "Mount new tmpfs on DEST", Paths: true, Takes: TakesPerms | TakesSize, do: doAt, with: uint8(flat.Tmpfs)},
	{Name: "--mqueue", Operands: "DEST", Help: "Mount new mqueue on DEST", Paths: true, do: doAt, with: uint8(flat.Mqueue)},
	{Name: "--dir", Operands: "DEST", Help: "Create dir at DEST", Paths: true, Takes: TakesPerms, do: doAt, with: uint8(flat.Dir)},
	{Name: "--file", Operands: "FD DEST", Help: "Copy from FD to destination DEST", Paths: true, Takes: TakesPerms, do: doFile},
	{Name: "--bind-data", Operands: "FD DEST", Help: "Copy from FD to file which is bind-mounted on DEST", Paths: true, Takes: TakesPerms, do: doData, with: uint8(tree.ReadWrite)},
	{Name: "--ro-bind-data", Operands: "FD DEST", Help: "Copy from FD to file which is readonly bind-mounted on DEST", Paths: true, Takes: TakesPerms, do: doData, with: uint8(tree.ReadOnly)},
	{Name: "--symlink", Operands: "SRC DEST", Help: "Create symlink at DEST with target SRC", Paths: true, do: doSymlink},
	{Name: "--seccomp", Operands: "FD", Help: "Load and use seccomp rules from FD (not repeatable)", Scalar: true, do: doSeccomp},
	{Name: "--add-seccomp-fd", Operands: "FD", Help: "Load and use seccomp rules from FD (repeatable)", do: doAddSeccomp},
	{Name: "--seccomp-profile", Operands: "PROFILE", Help: "Load and use the rules of an OCI profile: a file (with a slash), or default, no-tty-injection, no-unix-sockets, no-userns, strict (repeatable)", do: doSeccompProfile},
	{Name: "--scope", Operands: "SCOPE", Help: "What the command reaches in its sandbox only: " + scopes + "; or all (repeatable). With a new pid namespace signals are so by default, if the kernel can", Wants: scopeWants, do: doScope, on: scopeNamed},
	{Name: "--scope-try", Operands: "SCOPE", Help: "Equal to --scope but does without if the kernel cannot", Wants: scopeWants, do: doScope, on: scopeNamed, with: scopeTried},
	{Name: "--scope-abstract-unix-sockets", Help: "Equal to --scope abstract-sockets", do: doScope},
	{Name: "--allow-socket", Operands: "PATH", Help: "Leave the sockets at PATH in the sandbox, and below it, out of --scope sockets (repeatable)", Paths: true, do: doSocket},
	{Name: "--block-fd", Operands: "FD", Help: "Block on FD until some data to read is available", Scalar: true, do: doNamedFD, on: flat.BlockFD},
	{Name: "--userns-block-fd", Operands: "FD", Help: "Block on FD until the user namespace is ready", Scalar: true, do: doNamedFD, on: flat.UserBlockFD},
	{Name: "--info-fd", Operands: "FD", Help: "Write information about the running container to FD", Scalar: true, do: doNamedFD, on: flat.InfoFD},
	{Name: "--json-status-fd", Operands: "FD", Help: "Write container status to FD as multiple JSON documents", Scalar: true, do: doNamedFD, on: flat.StatusFD},
	{Name: "--new-session", Help: "Create a new terminal session", do: doNewSession},
	{Name: "--die-with-parent", Help: "Kills with SIGKILL child process (COMMAND) when the launcher or its parent dies", do: doSwitch, on: flat.DieWithParent},
	{Name: "--as-pid-1", Help: "Do not install a reaper process with PID=1", do: doSwitch, on: flat.AsPID1},
	{Name: "--rlimit", Operands: "NAME=SOFT[:HARD]", Help: "Lower a limit of the command's (repeatable): " + limits + "; to a number or unlimited", Wants: "NAME=SOFT[:HARD], with a NAME of " + limits + "; SOFT and HARD are numbers or unlimited, and SOFT is not the larger one", do: doSetting, on: uint8(setting.Rlimit)},
	{Name: "--nice", Operands: "N", Help: "Run the command with the niceness N, from -20 to 19", Scalar: true, Wants: "a number from -20 to 19", do: doSetting, on: uint8(setting.Nice)},
	{Name: "--oom-score-adj", Operands: "N", Help: "Have the kernel kill the sandbox rather (up to 1000) or not so soon (down to -1000) where memory is short", Scalar: true, Wants: "a number from -1000 to 1000", do: doSetting, on: uint8(setting.Score)},
	{Name: "--close-fds", Help: "Pass the standard streams on to the command, and no other descriptor", do: doSwitch, on: flat.CloseFDs},
	{Name: "--keep-fd", Operands: "FD", Help: "The same, except for FD (repeatable)", do: doKeepFD},
	{Name: "--timeout", Operands: "SECONDS[:GRACE]", Help: "After SECONDS send the command SIGTERM, GRACE (default 2) seconds later SIGKILL to everything in the sandbox", Scalar: true, Wants: "SECONDS[:GRACE], numbers such as 1.5, at most 4294966, of which SECONDS is not 0", do: doTimeout},
	{Name: "--usage", Help: "Write to --json-status-fd at the end what the command has used, and how it has ended", do: doSwitch, on: flat.Usage},
	{Name: "--cap-add", Operands: "CAP", Help: "Add cap CAP; for an ordinary user it counts inside the sandbox only", do: doCapAdd},
	{Name: "--cap-drop", Operands: "CAP", Help: "Drop cap CAP", do: doCapDrop},
	{Name: "--perms", Operands: "OCTAL", Help: "Set permissions of next argument (--bind-data, --file, etc.)", Modifies: true, do: doPerms},
	{Name: "--size", Operands: "BYTES", Help: "Set size of next argument (only for --tmpfs)", Modifies: true, do: doSize},
	{Name: "--chmod", Operands: "OCTAL PATH", Help: "Change permissions of PATH (must already exist)", Paths: true, do: doChmod},
	{Name: "--not-a-security-boundary", Help: "Turn some failures to tighten the sandbox (flags of a submount) into warnings", do: doSwitch, on: flat.Forgive},
}

// How --scope's kin differ: by Option.on and Option.with.
const (
	scopeNamed = 1 // the scope is the operand
	scopeTried = 1 // it may be missing
)

// Lookup finds the row of an option; -1 if there is none. -h is --help.
func Lookup(name []byte) int {
	for i := range Options {
		if flat.Equal(name, Options[i].Name) || Options[i].do == doHelp && flat.Equal(name, "-h") {
			return i
		}
	}
	return -1
}

// Arity is the number of words that follow an option.
func (o *Option) Arity() int {
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
