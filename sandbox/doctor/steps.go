package doctor

import (
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// Step is one thing that a sandbox may need of the kernel.
type Step string

// The steps, in the order in which they are tried.
const (
	UserNS   Step = "user-namespace"
	IDMaps   Step = "id-maps"
	MountNS  Step = "mount-namespace"
	PIDNS    Step = "pid-namespace"
	NetNS    Step = "net-namespace"
	IPCNS    Step = "ipc-namespace"
	UTSNS    Step = "uts-namespace"
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

// stepRow is what a step is.
type stepRow struct {
	step  Step
	title string
	clone uintptr // the flag of clone(2) that is tried; 0: a launch is
}

// stepRows is in the order of the report.
//
//nolint:gochecknoglobals // read-only table
var stepRows = [...]stepRow{
	{UserNS, "clone into a user namespace", unix.CLONE_NEWUSER},
	{IDMaps, "write its id maps", 0},
	{MountNS, "a mount namespace", unix.CLONE_NEWNS},
	{PIDNS, "a PID namespace", unix.CLONE_NEWPID},
	{NetNS, "a network namespace", unix.CLONE_NEWNET},
	{IPCNS, "an IPC namespace", unix.CLONE_NEWIPC},
	{UTSNS, "a UTS namespace", unix.CLONE_NEWUTS},
	{CgroupNS, "a cgroup namespace", unix.CLONE_NEWCGROUP},
	{Slave, "make / a slave mount", 0},
	{Tmpfs, "mount a tmpfs", 0},
	{Bind, "bind a file", 0},
	{Command, "run a command inside", 0},
	{ReadOnly, "bind / read-only, with all mounts below", 0},
	{Proc, "mount a new proc", 0},
	{Devpts, "mount a new devpts", 0},
	{Overlay, "mount an overlay", 0},
	{Loopback, "bring loopback up", 0},
	{Seccomp, "install a seccomp filter", 0},
	{Nested, "a nested user namespace", 0},
	{Limit, "prevent further user namespaces", 0},
	{Ranges, "several ids", 0},
	{Landlock, "Landlock", 0},
	{Setuid, "setuid mode", 0},
	{SetuidUser, "a user namespace in setuid mode", 0},
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
// needs has failed, or that is not needed here.
const (
	Untried State = iota
	OK
	Failed
)

func (s State) String() string { return [...]string{"untried", "ok", "failed"}[s] }

// attempt is one launch: what its Spec has that the smallest one has not, and which stage of
// the launch answers for which step (see SetupError.Stage). A stage that is not named
// answers for the last step.
type attempt struct {
	setuid bool // can be asked of setuid mode too
	with   func(*sandbox.Spec)
	stages []stage
}

type stage struct {
	name string
	step Step
}

// attempts are the launches. The first one is the minimum: without it nothing else works.
//
//nolint:gochecknoglobals // read-only table
var attempts = [...]attempt{
	{true, nothing, []stage{{"idmap", IDMaps}, {"slave", Slave}, {"root", Tmpfs}, {"source", Bind}, {"bind", Bind}, {"", Command}}},
	{true, file(mounts.ReadOnly("/").At("/host")), []stage{{"", ReadOnly}}},
	{true, newProc, []stage{{"", Proc}}},
	{true, file(mounts.Dev("/dev")), []stage{{"unshare", Nested}, {"", Devpts}}},
	{false, noFurtherUserNS, []stage{{"unshare", Nested}, {"", Limit}}},
	{false, file(mounts.TmpOverlay("/overlay", "/usr/bin")), []stage{{"", Overlay}}},
	{true, newNet, []stage{{"", Loopback}}},
	{true, allowAll, []stage{{"", Seccomp}}},
}

// setuidNamespaces are the launches that try in setuid mode what clones try for direct mode.
//
//nolint:gochecknoglobals // read-only table
var setuidNamespaces = [...]struct {
	step Step
	with func(*sandbox.Spec)
}{
	{PIDNS, newPID},
	{NetNS, newNet},
	{IPCNS, func(s *sandbox.Spec) { s.Namespaces.IPC = sandbox.Want }},
	{UTSNS, func(s *sandbox.Spec) { s.Namespaces.UTS = sandbox.Want }},
	{CgroupNS, func(s *sandbox.Spec) { s.Namespaces.Cgroup = sandbox.Want }},
}

// needs are the steps without which another one is not tried: its failure would say
// nothing new. Every step after Command needs that one.
//
//nolint:gochecknoglobals // read-only table
var needs = [...]struct{ step, on Step }{{Proc, PIDNS}, {Loopback, NetNS}, {Limit, UserNS}, {Limit, Nested}}

// byStage finds the step for which a stage answers.
func (a *attempt) byStage(name string) Step {
	for _, s := range a.stages {
		if s.name == name {
			return s.step
		}
	}
	return a.stages[len(a.stages)-1].step
}
