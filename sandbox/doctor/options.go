package doctor

import "strings"

// The attempts are Specs, and the report is for people who type options. What an option is
// called stands here, and in the notes of fixes.

// options are those that do not work without a step. Without the steps that are not listed
// nothing works, or no option needs them.
//
//nolint:gochecknoglobals // read-only table
var options = map[Step]string{
	UserNS:     "--unshare-user, --uid, --gid",
	IDMaps:     "--unshare-user, --uid, --gid",
	PIDNS:      "--unshare-pid, --unshare-all",
	NetNS:      "--unshare-net, --unshare-all without --share-net",
	IPCNS:      "--unshare-ipc, --unshare-all, --mqueue",
	UTSNS:      "--unshare-uts, --unshare-all, --hostname",
	CgroupNS:   "--unshare-cgroup",
	ReadOnly:   "--ro-bind / /",
	Proc:       "--proc with --unshare-pid (see --fallback-proc)",
	Devpts:     "--dev",
	Overlay:    "--overlay, --tmp-overlay, --ro-overlay",
	Loopback:   "--unshare-net, --unshare-all without --share-net",
	Seccomp:    "--seccomp, --add-seccomp-fd",
	Nested:     "--disable-userns, and --dev where the user is not root inside",
	Limit:      "--disable-userns",
	Ranges:     "--map-auto",
	SetuidUser: "--unshare-user, --uid, --gid",
}

// inOptions returns a message about a Spec of the attempts for users of the command line: it
// names the option, and not the field.
func inOptions(message string) string {
	return strings.Replace(message, "Identity.MapAuto", options[Ranges], 1)
}
