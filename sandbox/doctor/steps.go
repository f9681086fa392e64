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

// stepRow is what a step is, and what is lost without it.
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
	setuid bool // can be asked of the setuid mode too
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
	{true, file(mounts.Op{Kind: mounts.Bind, Source: "/", Dest: "/host"}), []stage{{"", ReadOnly}}},
	{true, newProc, []stage{{"", Proc}}},
	{true, file(mounts.Op{Kind: mounts.Dev, Dest: "/dev"}), []stage{{"unshare", Nested}, {"", Devpts}}},
	{false, noFurtherUserNS, []stage{{"unshare", Nested}, {"", Limit}}},
	{false, file(mounts.Op{Kind: mounts.Overlay, Layers: []string{"/usr/bin"}, Writes: mounts.Forgotten, Dest: "/overlay"}), []stage{{"", Overlay}}},
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
	{PidNS, newPID},
	{NetNS, newNet},
	{IpcNS, func(s *sandbox.Spec) { s.Namespaces.IPC = sandbox.Want }},
	{UtsNS, func(s *sandbox.Spec) { s.Namespaces.UTS = sandbox.Want }},
	{CgroupNS, func(s *sandbox.Spec) { s.Namespaces.Cgroup = sandbox.Want }},
}

// minimal is the smallest sandbox: it changes as little as possible, so that an attempt
// fails for one reason.
func minimal(mode sandbox.Mode) sandbox.Spec {
	const share = sandbox.Share
	return sandbox.Spec{
		Mode:       mode,
		Namespaces: sandbox.Namespaces{User: share, IPC: share, PID: share, Net: share, UTS: share, Cgroup: share},
		Identity:   sandbox.Identity{KeepCaps: true},
		Session:    sandbox.Session{New: share},
	}
}

// spec is the minimal sandbox with something more, in the order given.
func spec(mode sandbox.Mode, with ...func(*sandbox.Spec)) sandbox.Spec {
	s := minimal(mode)
	for _, add := range with {
		add(&s)
	}
	return s
}

func nothing(*sandbox.Spec) {}

func newUser(s *sandbox.Spec) { s.Namespaces.User = sandbox.Want }
func newPID(s *sandbox.Spec)  { s.Namespaces.PID = sandbox.Want }
func newNet(s *sandbox.Spec)  { s.Namespaces.Net = sandbox.Want }

func noFurtherUserNS(s *sandbox.Spec) {
	newUser(s)
	s.Namespaces.DisableUsers = true
}

func ranges(s *sandbox.Spec) {
	newUser(s)
	s.Identity.MapAuto = true
}

// another is an id that is not root's.
func another(s *sandbox.Spec) {
	s.Identity.UID, s.Identity.GID = sandbox.SetID(1), sandbox.SetID(1)
}

// file adds an operation on files.
func file(op mounts.Op) func(*sandbox.Spec) {
	return func(s *sandbox.Spec) { s.Files = append(s.Files, op) }
}

func newProc(s *sandbox.Spec) {
	newPID(s)
	file(mounts.Op{Kind: mounts.Proc, Dest: "/proc"})(s)
}

// allowAll adds a seccomp filter that permits everything.
func allowAll(s *sandbox.Spec) {
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f} // SECCOMP_RET_ALLOW, little-endian
	s.Lockdown.Filters = []sandbox.Filter{{BPF: allow}}
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
