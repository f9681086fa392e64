package plan

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Header flags. Those that an option switches on are bits of flat.Spec.Switches too, and reach the
// plan without code of their own. Verify refuses bits beyond AllFlags.
const (
	// FlagInit: the first process stays as a reaper, the payload is its child.
	FlagInit = 1 << iota
	// FlagDieWithParent: SIGKILL follows from the caller down to the payload.
	FlagDieWithParent
	// FlagHandshake: the front end is told the first process's pid; OpGo reports what it
	// has and waits for a byte.
	FlagHandshake
	// FlagJoin: steps [0, Join) run in a process of their own, which then clones.
	FlagJoin
	// FlagKeepSync: the monitor keeps the sync fds open, since there is no init.
	FlagKeepSync
	// FlagForgive: --not-a-security-boundary: some failures to restrict mounts are warnings.
	FlagForgive
	// FlagTentative: the kernel may refuse this plan, and the launcher then tries another one: up to OpGo
	// a fault ends the attempt, not the launch.
	FlagTentative
	// FlagTryUser: for the keeper: CLONE_NEWUSER is optional.
	FlagTryUser
	// FlagLifeline: in plan mode (package child), the sandbox ends with the embedding program, also after
	// set-up.
	FlagLifeline
	// FlagUsage: the report of the end includes the resources that the command has used.
	FlagUsage
	// FlagForward: the monitor passes signals on to the command.
	FlagForward
	// FlagForeground: the command leads a process group, to which the monitor gives the terminal.
	FlagForeground

	// AllFlags are all of these.
	AllFlags = 1<<iota - 1
)

const newNS = unix.CLONE_NEWNS

// cloneMask is every namespace that a plan may ask for.
const cloneMask = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// msMask is every mount flag that a plan may ask for; all of them restrict a mount.
const msMask = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

type flagName struct {
	bit  uint32
	name string
}

//nolint:gochecknoglobals // read-only tables
var (
	mountFlagNames = []flagName{
		// The names are those of mount(8), so that a listing can be compared with /proc/self/mountinfo.
		{unix.MS_RDONLY, "ro"},
		{unix.MS_NOSUID, "nosuid"},
		{unix.MS_NODEV, "nodev"},
		{unix.MS_NOEXEC, "noexec"},
	}
	namespaceNames = []flagName{
		// The names are those of /proc/PID/ns (namespaces(7)).
		{unix.CLONE_NEWUSER, "user"},
		{unix.CLONE_NEWNS, "mnt"},
		{unix.CLONE_NEWPID, "pid"},
		{unix.CLONE_NEWNET, "net"},
		{unix.CLONE_NEWIPC, "ipc"},
		{unix.CLONE_NEWUTS, "uts"},
		{unix.CLONE_NEWCGROUP, "cgroup"},
	}
	stepFlagNames = []flagName{ // what the other flags change can be seen otherwise
		{FlagTry, "try"},
		{FlagCover, "cover"},
		{FlagOrBind, "or-bind"},
		{FlagOrNone, "or-none"},
		{FlagOutside, "outside"},
		{FlagGlob, "glob"},
	}
	headerFlagNames = []flagName{
		{FlagInit, "init"},
		{FlagDieWithParent, "die-with-parent"},
		{FlagHandshake, "handshake"},
		{FlagJoin, "join"},
		{FlagKeepSync, "keep-sync"},
		{FlagForgive, "forgive"},
		{FlagTentative, "tentative"},
		{FlagTryUser, "try-user"},
		{FlagLifeline, "lifeline"},
		{FlagUsage, "usage"},
		{FlagForward, "forward"},
		{FlagForeground, "foreground"},
	}
)

// NamespaceFiles are the names below /proc/PID/ns of the namespaces that MsgReady tells,
// and the flags with which they are new.
//
//nolint:gochecknoglobals // read-only table
var NamespaceFiles = [NumNamespaces]struct {
	Flag uint32
	Name string
}{
	{unix.CLONE_NEWCGROUP, "cgroup"},
	{unix.CLONE_NEWIPC, "ipc"},
	{unix.CLONE_NEWNS, "mnt"},
	{unix.CLONE_NEWNET, "net"},
	{unix.CLONE_NEWPID, "pid"},
	{unix.CLONE_NEWUTS, "uts"},
}

// NumNamespaces is how many of them there are.
const NumNamespaces = 6

// MountFlags formats MS_* flags: "ro,nosuid".
func MountFlags(v uint32) string { return words(v, mountFlagNames) }

// Namespaces formats CLONE_NEW* flags: "user,mnt".
func Namespaces(v uint32) string { return words(v, namespaceNames) }

func words(v uint32, table []flagName) string {
	var out []string
	for _, f := range table {
		if v&f.bit != 0 {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ",")
}
