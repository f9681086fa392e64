package main

import (
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// option is one row: the parser, --help and the check of the manual read it.
type option struct {
	name     string
	operands string // their names, for help; their number is that of its words
	value    string // what follows "=" in the same word, for help
	optional bool   // the "=" may be missing
	help     string
	set      func(*parser) error
	takes    modifiers // which of --perms and --size may stand in front
	modifies bool      // --perms and --size themselves: only an operation may follow
	scalar   bool      // given again, the last one wins, with a warning
	layer    bool      // --overlay-src, and what may follow it
	paths    bool      // operands are paths (data options: the last one is): not empty
}

type modifiers int

const (
	takesPerms modifiers = 1 << iota
	takesSize
)

// table is every option, in the order of --help.
//
//nolint:gochecknoglobals // read-only table
var table []option

//nolint:gochecknoinits // the table's functions refer to it; no work beyond the literal
func init() {
	table = []option{
		{name: "--help", help: "Print this help", set: (*parser).help},
		{name: "--version", help: "Print version", set: (*parser).version},
		{name: "--args", operands: "FD", help: "Parse NUL-separated args from FD", set: (*parser).argsFD},
		{name: "--argv0", operands: "VALUE", help: "Set argv[0] to the value VALUE before running the program", set: (*parser).argv0},
		{name: "--level-prefix", help: "Prepend <3> to errors and <4> to warnings, as journald reads them", set: flag(func(o *options) *bool { return &o.levelPrefix })},
		{name: "--dry-run", help: "Print the plan, a step a line with the option that asked for it, and run nothing", set: flag(func(o *options) *bool { return &o.dryRun })},
		{name: "--explain", help: "Say on standard error, in words, what the sandbox will contain and which risks stay, then run the command", set: flag(func(o *options) *bool { return &o.explain })},
		{name: "--features", help: "Print as JSON what this launcher and this kernel can do, and run nothing", set: (*parser).features},
		{name: "--doctor", value: "json|apparmor", optional: true, help: "Try what sandboxes need here, step by step, and say what mends it; status 0: direct mode works, 3: only setuid mode, 4: nothing. As JSON; or print an AppArmor profile for this binary", set: (*parser).doctor},
		{name: "--setup-exit-status", operands: "STATUS", help: "Exit status for a sandbox that could not be set up (default 1)", scalar: true, set: (*parser).setupStatus},
		{name: "--mode", operands: "MODE", help: "auto: with user namespaces, and where the kernel refuses them through a setuid-root installation, if this is one (default); direct, setuid: only so", scalar: true, set: (*parser).mode},

		{name: "--unshare-all", help: "Unshare every namespace we support by default", set: (*parser).unshareAll},
		{name: "--share-net", help: "Retain the network namespace (can only combine with --unshare-all)", set: wish(func(n *namespaces) *sandbox.Wish { return &n.Net }, sandbox.Share)},
		{name: "--unshare-user", help: "Create new user namespace (implied without root)", set: wish(func(n *namespaces) *sandbox.Wish { return &n.User }, sandbox.Want)},
		{name: "--unshare-user-try", help: "Create new user namespace if possible else continue by skipping it", set: wish(func(n *namespaces) *sandbox.Wish { return &n.User }, sandbox.Try)},
		{name: "--unshare-ipc", help: "Create new ipc namespace", set: wish(func(n *namespaces) *sandbox.Wish { return &n.IPC }, sandbox.Want)},
		{name: "--unshare-pid", help: "Create new pid namespace", set: wish(func(n *namespaces) *sandbox.Wish { return &n.PID }, sandbox.Want)},
		{name: "--unshare-net", help: "Create new network namespace", set: wish(func(n *namespaces) *sandbox.Wish { return &n.Net }, sandbox.Want)},
		{name: "--unshare-uts", help: "Create new uts namespace", set: wish(func(n *namespaces) *sandbox.Wish { return &n.UTS }, sandbox.Want)},
		{name: "--unshare-cgroup", help: "Create new cgroup namespace", set: wish(func(n *namespaces) *sandbox.Wish { return &n.Cgroup }, sandbox.Want)},
		{name: "--unshare-cgroup-try", help: "Create new cgroup namespace if possible else continue by skipping it", set: wish(func(n *namespaces) *sandbox.Wish { return &n.Cgroup }, sandbox.Try)},
		{name: "--userns", operands: "FD", help: "Use this user namespace (cannot combine with --unshare-user)", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Namespaces.JoinUser })},
		{name: "--userns2", operands: "FD", help: "After setup switch to this user namespace, only useful with --userns", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Namespaces.FinalUser })},
		{name: "--disable-userns", help: "Disable further use of user namespaces inside sandbox", set: flag(func(o *options) *bool { return &o.spec.Namespaces.DisableUsers })},
		{name: "--assert-userns-disabled", help: "Fail unless further use of user namespace inside sandbox is disabled", set: flag(func(o *options) *bool { return &o.spec.Namespaces.AssertUsersDisabled })},
		{name: "--pidns", operands: "FD", help: "Use this pid namespace (as parent namespace if using --unshare-pid)", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Namespaces.JoinPID })},
		{name: "--netns", operands: "FD", help: "Use this network namespace (needs rights over it: root, or its owner through --userns)", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Namespaces.JoinNet })},
		{name: "--uid", operands: "UID", help: "Custom uid in the sandbox (requires --unshare-user or --userns)", scalar: true, set: id("uid", func(i *sandbox.Identity) *sandbox.ID { return &i.UID })},
		{name: "--gid", operands: "GID", help: "Custom gid in the sandbox (requires --unshare-user or --userns)", scalar: true, set: id("gid", func(i *sandbox.Identity) *sandbox.ID { return &i.GID })},
		{name: "--map-root-user", help: "Be root inside: --uid 0 --gid 0, in a new user namespace", set: (*parser).mapRootUser},
		{name: "--uid-map", operands: "INSIDE:OUTSIDE:COUNT", help: "Map COUNT uids from INSIDE on to those from OUTSIDE on, in a new user namespace (repeatable; takes newuidmap, or root)", set: mapLine(func(i *sandbox.Identity) *[]sandbox.MapLine { return &i.UIDMap })},
		{name: "--gid-map", operands: "INSIDE:OUTSIDE:COUNT", help: "The same for gids", set: mapLine(func(i *sandbox.Identity) *[]sandbox.MapLine { return &i.GIDMap })},
		{name: "--map-auto", help: "Map what /etc/subuid and /etc/subgid grant to the caller to the ids from 1 on, and the caller to --uid and --gid", set: (*parser).mapAuto},
		{name: "--keep-groups", help: "With several ids: leave the caller's supplementary groups to the command", set: flag(func(o *options) *bool { return &o.spec.Identity.KeepGroups })},
		{name: "--hostname", operands: "NAME", help: "Custom hostname in the sandbox (requires --unshare-uts)", scalar: true, set: text(func(s *spec) *sandbox.Text { return &s.Namespaces.Hostname })},

		{name: "--chdir", operands: "DIR", help: "Change directory to DIR", scalar: true, paths: true, set: text(func(s *spec) *sandbox.Text { return &s.Command.Chdir })},
		{name: "--clearenv", help: "Unset all environment variables", set: (*parser).clearenv},
		{name: "--setenv", operands: "VAR VALUE", help: "Set an environment variable", set: (*parser).setenv},
		{name: "--unsetenv", operands: "VAR", help: "Unset an environment variable", set: (*parser).unsetenv},

		{name: "--lock-file", operands: "DEST", help: "Take a lock on DEST while sandbox is running", paths: true, set: (*parser).lockFile},
		{name: "--sync-fd", operands: "FD", help: "Keep this fd open while sandbox is running (repeatable)", set: (*parser).syncFD},
		{name: "--bind", operands: "SRC DEST", help: "Bind mount the host path SRC on DEST", paths: true, set: bind(mounts.ReadWrite, false)},
		{name: "--bind-try", operands: "SRC DEST", help: "Equal to --bind but ignores non-existent SRC", paths: true, set: bind(mounts.ReadWrite, true)},
		{name: "--dev-bind", operands: "SRC DEST", help: "Bind mount the host path SRC on DEST, allowing device access", paths: true, set: bind(mounts.WithDevice, false)},
		{name: "--dev-bind-try", operands: "SRC DEST", help: "Equal to --dev-bind but ignores non-existent SRC", paths: true, set: bind(mounts.WithDevice, true)},
		{name: "--ro-bind", operands: "SRC DEST", help: "Bind mount the host path SRC readonly on DEST", paths: true, set: bind(mounts.ReadOnly, false)},
		{name: "--ro-bind-try", operands: "SRC DEST", help: "Equal to --ro-bind but ignores non-existent SRC", paths: true, set: bind(mounts.ReadOnly, true)},
		{name: "--bind-fd", operands: "FD DEST", help: "Bind open directory or path fd on DEST", paths: true, set: bindFD(mounts.ReadWrite)},
		{name: "--ro-bind-fd", operands: "FD DEST", help: "Bind open directory or path fd read-only on DEST", paths: true, set: bindFD(mounts.ReadOnly)},
		{name: "--remount-ro", operands: "DEST", help: "Remount DEST as readonly; does not recursively remount", paths: true, set: at(mounts.RemountRO)},
		{name: "--overlay-src", operands: "SRC", help: "Read files from SRC in the following overlay", paths: true, layer: true, set: (*parser).overlaySrc},
		{name: "--overlay", operands: "RWSRC WORKDIR DEST", help: "Mount overlayfs on DEST, with RWSRC as the host path for writes and WORKDIR an empty directory on the same filesystem as RWSRC", paths: true, layer: true, set: overlay(mounts.Kept)},
		{name: "--tmp-overlay", operands: "DEST", help: "Mount overlayfs on DEST, with writes going to an invisible tmpfs", paths: true, layer: true, set: overlay(mounts.Forgotten)},
		{name: "--ro-overlay", operands: "DEST", help: "Mount overlayfs read-only on DEST", paths: true, layer: true, set: overlay(mounts.Refused)},
		{name: "--exec-label", operands: "LABEL", help: "Exec label for the sandbox", scalar: true, set: text(func(s *spec) *sandbox.Text { return &s.Lockdown.ExecLabel })},
		{name: "--file-label", operands: "LABEL", help: "File label for temporary sandbox content", scalar: true, set: text(func(s *spec) *sandbox.Text { return &s.Lockdown.FileLabel })},
		{name: "--proc", operands: "DEST", help: "Mount new procfs on DEST", paths: true, set: at(mounts.Proc)},
		{name: "--fallback-proc", value: "none|bind", help: "Where the kernel refuses a new proc: leave an empty directory in place of --proc, or bind the outer one, with a warning", scalar: true, set: (*parser).fallbackProc},
		{name: "--dev", operands: "DEST", help: "Mount new dev on DEST", paths: true, set: at(mounts.Dev)},
		{name: "--tmpfs", operands: "DEST", help: "Mount new tmpfs on DEST", paths: true, takes: takesPerms | takesSize, set: at(mounts.Tmpfs)},
		{name: "--mqueue", operands: "DEST", help: "Mount new mqueue on DEST", paths: true, set: at(mounts.Mqueue)},
		{name: "--dir", operands: "DEST", help: "Create dir at DEST", paths: true, takes: takesPerms, set: at(mounts.Dir)},
		{name: "--file", operands: "FD DEST", help: "Copy from FD to destination DEST", paths: true, takes: takesPerms, set: dataFD(mounts.File, 0)},
		{name: "--bind-data", operands: "FD DEST", help: "Copy from FD to file which is bind-mounted on DEST", paths: true, takes: takesPerms, set: dataFD(mounts.Data, mounts.ReadWrite)},
		{name: "--ro-bind-data", operands: "FD DEST", help: "Copy from FD to file which is readonly bind-mounted on DEST", paths: true, takes: takesPerms, set: dataFD(mounts.Data, mounts.ReadOnly)},
		{name: "--symlink", operands: "SRC DEST", help: "Create symlink at DEST with target SRC", paths: true, set: (*parser).symlink},
		{name: "--seccomp", operands: "FD", help: "Load and use seccomp rules from FD (not repeatable)", scalar: true, set: (*parser).seccomp},
		{name: "--add-seccomp-fd", operands: "FD", help: "Load and use seccomp rules from FD (repeatable)", set: (*parser).addSeccomp},
		{name: "--seccomp-profile", operands: "PROFILE", help: "Load and use the rules of an OCI profile: a file (with a slash), or default, no-tty-injection, no-userns, strict (repeatable)", set: (*parser).seccompProfile},
		{name: "--block-fd", operands: "FD", help: "Block on FD until some data to read is available", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Session.BlockFD })},
		{name: "--userns-block-fd", operands: "FD", help: "Block on FD until the user namespace is ready", scalar: true, set: fdOption(func(s *spec) *sandbox.FD { return &s.Report.UserBlockFD })},
		{name: "--info-fd", operands: "FD", help: "Write information about the running container to FD", scalar: true, set: tell(func(s *spec) *sandbox.FD { return &s.Report.InfoFD })},
		{name: "--json-status-fd", operands: "FD", help: "Write container status to FD as multiple JSON documents", scalar: true, set: tell(func(s *spec) *sandbox.FD { return &s.Report.JSONStatusFD })},
		{name: "--new-session", help: "Create a new terminal session", set: (*parser).newSession},
		{name: "--die-with-parent", help: "Kills with SIGKILL child process (COMMAND) when the launcher or its parent dies", set: flag(func(o *options) *bool { return &o.spec.Session.DieWithParent })},
		{name: "--as-pid-1", help: "Do not install a reaper process with PID=1", set: flag(func(o *options) *bool { return &o.spec.Session.AsPID1 })},
		{name: "--cap-add", operands: "CAP", help: "Add cap CAP; for an ordinary user it counts inside the sandbox only", set: capEdit(false)},
		{name: "--cap-drop", operands: "CAP", help: "Drop cap CAP", set: capEdit(true)},
		{name: "--perms", operands: "OCTAL", help: "Set permissions of next argument (--bind-data, --file, etc.)", modifies: true, set: (*parser).permsOption},
		{name: "--size", operands: "BYTES", help: "Set size of next argument (only for --tmpfs)", modifies: true, set: (*parser).sizeOption},
		{name: "--chmod", operands: "OCTAL PATH", help: "Change permissions of PATH (must already exist)", paths: true, set: (*parser).chmod},
		{name: "--not-a-security-boundary", help: "Turn some failures to tighten the sandbox (flags of a submount) into warnings", set: flag(func(o *options) *bool { return &o.spec.Lockdown.Forgive })},
	}
}

// lookup finds the row of an option.
func lookup(name string) *option {
	for i := range table {
		if table[i].name == name {
			return &table[i]
		}
	}
	return nil
}
