package doctor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Step is one thing that a sandbox may need of the kernel.
type Step string

// The steps, in the order in which they are tried.
const (
	UserNS   Step = "user-namespace"
	IDMaps   Step = "id-maps"
	MountNS  Step = "mount-namespace"
	PidNS    Step = "pid-namespace"
	NetNS    Step = "net-namespace"
	IpcNS    Step = "ipc-namespace"
	UtsNS    Step = "uts-namespace"
	CgroupNS Step = "cgroup-namespace"
	Slave    Step = "slave"
	Tmpfs    Step = "tmpfs"
	Bind     Step = "bind"
	Command  Step = "command"
	ReadOnly Step = "read-only"
	Proc     Step = "proc"
	Devpts   Step = "devpts"
	Overlay  Step = "overlay"
	Loopback Step = "loopback"
	Seccomp  Step = "seccomp"
	Nested   Step = "nested-user-namespace"
	Limit    Step = "user-namespace-limit"
	Ranges   Step = "id-ranges"
	Landlock Step = "landlock"
	Setuid   Step = "setuid-mode"

	SetuidUser Step = "setuid-user-namespace" // tried where direct mode does not work
)

// stepRow says what a step is and what is lost without it.
type stepRow struct {
	step    Step
	title   string
	options string // what does not work without it; "": nothing does, or nothing needs it
	clone   uintptr
}

// stepRows is in the order of the report.
//
//nolint:gochecknoglobals // read-only table
var stepRows = [...]stepRow{
	{UserNS, "clone into a user namespace", "--unshare-user, --uid, --gid", unix.CLONE_NEWUSER},
	{IDMaps, "write its id maps", "--unshare-user, --uid, --gid", 0},
	{MountNS, "a mount namespace", "", unix.CLONE_NEWNS},
	{PidNS, "a PID namespace", "--unshare-pid, --unshare-all", unix.CLONE_NEWPID},
	{NetNS, "a network namespace", "--unshare-net, --unshare-all without --share-net", unix.CLONE_NEWNET},
	{IpcNS, "an IPC namespace", "--unshare-ipc, --unshare-all, --mqueue", unix.CLONE_NEWIPC},
	{UtsNS, "a UTS namespace", "--unshare-uts, --unshare-all, --hostname", unix.CLONE_NEWUTS},
	{CgroupNS, "a cgroup namespace", "--unshare-cgroup", unix.CLONE_NEWCGROUP},
	{Slave, "make / slave", "", 0},
	{Tmpfs, "mount a tmpfs", "", 0},
	{Bind, "bind a file", "", 0},
	{Command, "run a command inside", "", 0},
	{ReadOnly, "bind / read-only, with all below", "--ro-bind / /", 0},
	{Proc, "mount a new proc", "--proc with --unshare-pid (see --fallback-proc)", 0},
	{Devpts, "mount a new devpts", "--dev", 0},
	{Overlay, "mount an overlay", "--overlay, --tmp-overlay, --ro-overlay", 0},
	{Loopback, "bring loopback up", "--unshare-net, --unshare-all without --share-net", 0},
	{Seccomp, "install a seccomp filter", "--seccomp, --add-seccomp-fd", 0},
	{Nested, "a nested user namespace", "--disable-userns, and --dev where the user is not root inside", 0},
	{Limit, "permit no further user namespace", "--disable-userns", 0},
	{Ranges, "several ids", "--map-auto", 0},
	{Landlock, "Landlock", "", 0},
	{Setuid, "the setuid mode", "", 0},
	{SetuidUser, "a user namespace in setuid mode", "--unshare-user, --uid, --gid", 0},
}

func row(s Step) stepRow {
	for _, r := range stepRows {
		if r.step == s {
			return r
		}
	}
	return stepRow{step: s, title: string(s)}
}

// State is what came of a step.
type State int

// States. The zero value stands for a step that could not be tried, since one that it
// needs has failed, or that nobody needs.
const (
	Untried State = iota
	OK
	Failed
)

func (s State) String() string { return [...]string{"untried", "ok", "failed"}[s] }

// Result is what came of one step.
type Result struct {
	Step    Step
	State   State
	Errno   syscall.Errno // 0 where it was not the kernel that refused
	Message string        // in the launcher's words
	Killed  bool          // the process that tried it was killed
	Setuid  bool          // it was tried in setuid mode
	Detail  string        // what else there is to say, for a step that worked or was not tried
}

// attempt is one launch of this binary: its options, and which stage of the launch
// answers for which step (see SetupError.Stage). A stage that is not named answers for
// the last step.
type attempt struct {
	setuid  bool // can be asked of the setuid mode too
	options []string
	stages  []stage
}

type stage struct {
	name string
	step Step
}

// attempts are the launches. The first one is the minimum: without it nothing else works.
//
//nolint:gochecknoglobals // read-only table
var attempts = [...]attempt{
	{true, nil, []stage{{"idmap", IDMaps}, {"slave", Slave}, {"root", Tmpfs}, {"source", Bind}, {"bind", Bind}, {"", Command}}},
	{true, []string{"--ro-bind", "/", "/host"}, []stage{{"", ReadOnly}}},
	{true, []string{"--unshare-pid", "--proc", "/proc"}, []stage{{"", Proc}}},
	{true, []string{"--dev", "/dev"}, []stage{{"unshare", Nested}, {"", Devpts}}},
	{false, []string{"--unshare-user", "--disable-userns"}, []stage{{"unshare", Nested}, {"", Limit}}},
	{false, []string{"--overlay-src", "/usr/bin", "--tmp-overlay", "/overlay"}, []stage{{"", Overlay}}},
	{true, []string{"--unshare-net"}, []stage{{"", Loopback}}},
	{true, []string{"--seccomp", "4"}, []stage{{"", Seccomp}}},
}

// setuidNamespaces are the launches that try in setuid mode what clones try for direct mode.
//
//nolint:gochecknoglobals // read-only table
var setuidNamespaces = [...]struct {
	step   Step
	option string
}{
	{PidNS, "--unshare-pid"},
	{NetNS, "--unshare-net"},
	{IpcNS, "--unshare-ipc"},
	{UtsNS, "--unshare-uts"},
	{CgroupNS, "--unshare-cgroup"},
}

// needs are the steps without which another one is not tried: its failure would say
// nothing new. Every step after Command needs that one.
//
//nolint:gochecknoglobals // read-only table
var needs = [...]struct{ step, on Step }{{Proc, PidNS}, {Loopback, NetNS}, {Limit, UserNS}, {Limit, Nested}}

// byStage finds the step for which a stage answers.
func (a *attempt) byStage(name string) Step {
	for _, s := range a.stages {
		if s.name == name {
			return s.step
		}
	}
	return a.stages[len(a.stages)-1].step
}
