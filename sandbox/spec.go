package sandbox

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
)

// Spec describes a sandbox. It is plain data and does not depend on the machine. The zero value is a
// sandbox with an empty root, new namespaces of all kinds, a session of its own, and no capability.
type Spec struct {
	Mode       Mode // how the sandbox is made
	Namespaces Namespaces
	Identity   Identity
	Files      []mounts.Op // carried out in this order
	// What mounts.Proc does if the kernel refuses a new proc, as it does in most containers.
	ProcFallback mounts.Fallback
	Env          []EnvOp // carried out in this order, on the environment of the Cmd
	Session      Session
	Report       Report
	Lockdown     Lockdown
	Limits       Limits
	Command      CommandLine
}

// Wish says whether a namespace is to be new.
type Wish int

// Wishes. The zero value stands for a new one: Try for user and cgroup namespaces, Want
// for the others.
const (
	Default Wish = iota
	Share        // the caller's
	Try          // a new one if the kernel has the kind and permits it
	Want         // a new one, or the launch fails
)

// isNew reports whether there is to be a new one.
func (w Wish) isNew() bool { return w > Share }

// or returns w, or d if w is the zero value.
func (w Wish) or(d Wish) Wish {
	if w == Default {
		return d
	}
	return w
}

// FD names a descriptor by its number in the launcher: 0 to 2 are the standard streams, 3+i is
// ExtraFiles[i] of the Cmd. [Cmd.Pass] returns one for a file, [SetFD] for a number; the zero value
// stands for no descriptor. The command does not get the descriptor.
type FD = mounts.FD

// SetFD returns the descriptor n.
func SetFD(n int) FD { return mounts.SetFD(n) }

// Namespaces says which namespaces are new, shared, or joined. The mount namespace
// is always new.
type Namespaces struct {
	User, IPC, PID, Net, UTS, Cgroup Wish

	JoinUser  FD // entered before set-up; excludes a new user namespace
	FinalUser FD // entered after set-up
	JoinPID   FD // entered before set-up; if PID is new too, the new one is a child of it
	JoinNet   FD // entered before set-up
	// DisableUsers prevents the command from making user namespaces. AssertUsersDisabled makes
	// the launch fail if it could make one.
	DisableUsers, AssertUsersDisabled bool
	Hostname                          Text // needs a new UTS namespace
}

// Text is a string that may not have been given. The zero value is "not given", which
// differs from [SetText] of an empty string.
type Text struct {
	s     string
	given bool
}

// SetText returns the string s.
func SetText(s string) Text { return Text{s: s, given: true} }

// Given reports whether t was made by [SetText].
func (t Text) Given() bool { return t.given }

// String returns the string, empty where none was given.
func (t Text) String() string { return t.s }

// ID is a uid or gid that may not have been given. The zero value is "not given"; root is
// [SetID] of 0.
type ID struct {
	n     uint32
	given bool
}

// SetID returns the uid or gid n.
func SetID(n uint32) ID { return ID{n, true} }

// Given reports whether id was made by [SetID].
func (id ID) Given() bool { return id.given }

// N returns the number, 0 where none was given.
func (id ID) N() uint32 { return id.n }

// Identity sets the payload's ids and the other ids that exist inside. Without a user
// namespace only Caps can be set.
//
// By default one id is mapped: the caller's, to UID and GID, or to itself if these are not set.
// With UIDMap, GIDMap or MapAuto several ids are mapped ("ranges"). The payload's id inside is then
// the first of these that applies: UID or GID; the id to which the ranges map the caller; the
// caller's own number. If no range contains that id, it is mapped to the caller.
//
// In a given user namespace (JoinUser), UID and GID must be ids that it maps. The caller's own id
// is accepted even if it is not mapped, and then changes nothing.
//
// With ranges, a payload that is uid 0 has the capabilities that package managers need (see
// [idmap.RangeCaps]); Caps edits that set.
type Identity struct {
	UID, GID       ID        // inside
	UIDMap, GIDMap idmap.Map // in any order; need a new user namespace
	// MapAuto maps what /etc/subuid and /etc/subgid grant to the caller; see [idmap.Auto].
	MapAuto bool
	// KeepGroups lets the payload keep the caller's supplementary groups, which are dropped if
	// several gids are mapped. (With one gid they always stay.) They have no name inside, but
	// the payload can use them to open files.
	KeepGroups bool
	KeepCaps   bool      // Caps starts from root's capabilities, not from none or from those above
	Caps       []CapEdit // in order
}

// ranges reports whether there is more than the caller's own id inside.
func (i *Identity) ranges() bool { return i.MapAuto || len(i.UIDMap)+len(i.GIDMap) > 0 }

// CapEdit adds capabilities to, or drops them from, those that the payload has.
type CapEdit struct {
	Drop bool
	Caps idmap.Caps
}

// EnvOp is one change of the environment: Name gets Value, or is unset.
type EnvOp struct {
	Name, Value string
	Unset       bool // Name is removed, Value is not used
	Clear       bool // all variables are removed, PWD excepted; Name and Value are not used
}

// Session says how the payload depends on its caller.
type Session struct {
	New           Wish // a terminal session of its own (setsid): no typing into the caller's
	DieWithParent bool // the sandbox is killed when the caller's process ends
	AsPID1        bool // no init: the payload is PID 1
	// The payload leads a process group of its own. If this process's group is the terminal's
	// foreground group, the payload's group takes its place until the payload ends, and except
	// while it is stopped. New must be Share.
	Foreground bool
	Locks      []string // paths in the sandbox on which init holds a read lock
	SyncFDs    []FD     // open as long as the sandbox lives
	BlockFD    FD       // wait for a byte or the end before the payload starts
}

// Report says which reports are written to which descriptors.
type Report struct {
	InfoFD FD // one document about the sandbox, before it starts
	// JSONStatusFD gets the same, then "mode", "command-pid", "setup-complete" or "error",
	// and "exit-code", each in a document of its own, as it happens.
	JSONStatusFD FD
	UserBlockFD  FD    // wait until another process has written the id maps
	FailStatus   uint8 // the launcher's exit status if set-up fails; 0 stands for 1
	// Usage fills in Usage of the Cmd and of ExitError: what the command has used, and how it has
	// ended. JSONStatusFD, if there is one, gets the same before "exit-code" (see gobwrap(1)).
	Usage bool
}

// Lockdown holds restrictions that the payload cannot undo.
type Lockdown struct {
	Filters   []Filter // seccomp filters, installed in this order, after everything else
	ExecLabel Text
	FileLabel Text
	Forgive   bool // if a mount below a bind cannot be restricted, only warn
	Scopes    Scopes
	// AllowSockets are paths inside: the payload can reach Unix sockets there, and below, although
	// Scopes.Sockets is set. The paths must exist when the payload starts.
	AllowSockets []string
}

// Scopes restrict what the payload, and every process that it starts, can reach outside, by Landlock
// (Linux 6.12; Sockets needs 7.1). Processes outside can still reach in.
type Scopes struct {
	// Signals to processes. Without this, the payload can signal processes that it sees, and the
	// caller's process group even from a new PID namespace. Default stands for Try with a new
	// PID namespace, where Share has no effect, and for Share otherwise.
	Signals Wish
	// AbstractSockets are Unix sockets without a file. A new network namespace separates them
	// too. Default stands for Share.
	AbstractSockets Wish
	// Sockets are Unix sockets with a path. With this scope nothing can be mounted inside, so
	// sandboxes do not work there. Default stands for Share.
	Sockets Wish
}

// Filter is a seccomp filter: classic BPF, 8 bytes an instruction, as
// struct sock_filter lies in memory. It can be given as an OCI profile instead: the name
// of a built-in one, or the path, with a slash in it, of a file. The file is compiled by
// gobwrap-seccomp, or by this program itself if it imports package seccomp/profile.
type Filter struct {
	BPF     []byte
	Profile string
}

// CommandLine says what runs. Path, Args and Dir of a Cmd, if they are set, take precedence.
type CommandLine struct {
	Args  []string // the program and its arguments; searched for in PATH
	Argv0 Text     // argv[0] instead of Args[0]
	Chdir Text
}

// once is a field that an option gives once, and the name of the field.
type once[T any] struct {
	name  string
	field *T
}

// The fields that are given once are in these tables, by their indexes in flat.Spec. By them alone the fields
// are checked, and copied in both directions (flatten.go): a new one needs its line here, and nothing else in
// this package.

func (s *Spec) wishes() [flat.NumWishes]once[Wish] {
	n := &s.Namespaces
	return [...]once[Wish]{
		flat.User: {"Namespaces.User", &n.User}, flat.IPC: {"Namespaces.IPC", &n.IPC}, flat.PID: {"Namespaces.PID", &n.PID},
		flat.Net: {"Namespaces.Net", &n.Net}, flat.UTS: {"Namespaces.UTS", &n.UTS}, flat.Cgroup: {"Namespaces.Cgroup", &n.Cgroup},
		flat.Session: {"Session.New", &s.Session.New},
	}
}

func (s *Spec) descriptors() [flat.NumFDs]once[FD] {
	return [...]once[FD]{
		flat.JoinUser:    {"Namespaces.JoinUser", &s.Namespaces.JoinUser},
		flat.FinalUser:   {"Namespaces.FinalUser", &s.Namespaces.FinalUser},
		flat.JoinPID:     {"Namespaces.JoinPID", &s.Namespaces.JoinPID},
		flat.JoinNet:     {"Namespaces.JoinNet", &s.Namespaces.JoinNet},
		flat.BlockFD:     {"Session.BlockFD", &s.Session.BlockFD},
		flat.InfoFD:      {"Report.InfoFD", &s.Report.InfoFD},
		flat.StatusFD:    {"Report.JSONStatusFD", &s.Report.JSONStatusFD},
		flat.UserBlockFD: {"Report.UserBlockFD", &s.Report.UserBlockFD},
		flat.CgroupFD:    {"Limits.Cgroup", &s.Limits.Cgroup},
	}
}

// text is a string that is given once. check, unless it is nil, returns what is wrong with one, or "".
type text struct {
	once[Text]
	check func(string) string
}

func (s *Spec) texts() [flat.NumStrs]text {
	return [...]text{
		flat.Hostname:  {once[Text]{"Namespaces.Hostname", &s.Namespaces.Hostname}, nil},
		flat.Chdir:     {once[Text]{"Command.Chdir", &s.Command.Chdir}, rules.Path},
		flat.Argv0:     {once[Text]{"Command.Argv0", &s.Command.Argv0}, nil},
		flat.ExecLabel: {once[Text]{"Lockdown.ExecLabel", &s.Lockdown.ExecLabel}, rules.Label},
		flat.FileLabel: {once[Text]{"Lockdown.FileLabel", &s.Lockdown.FileLabel}, rules.Label},
	}
}

func (s *Spec) ids() [flat.NumIDs]once[ID] {
	return [...]once[ID]{flat.UID: {"Identity.UID", &s.Identity.UID}, flat.GID: {"Identity.GID", &s.Identity.GID}}
}

func (s *Spec) numbers() [flat.NumNumbers]rules.Number {
	return [...]rules.Number{
		flat.Mode:       rules.NumberOf("Mode", &s.Mode, "Auto", "Direct", "Setuid"),
		flat.Fallback:   rules.NumberOf("ProcFallback", &s.ProcFallback, "mounts.Fail", "mounts.Empty", "mounts.BindOuter"),
		flat.FailStatus: rules.NumberOf("Report.FailStatus", &s.Report.FailStatus),
	}
}

// scope is a wish with its bit of flat.Spec.Scopes.
type scope struct {
	once[Wish]
	bit uint8
}

// scopes are in the order of their bits' age: the last one is the youngest.
func (s *Spec) scopes() [3]scope {
	c := &s.Lockdown.Scopes
	return [...]scope{
		{once[Wish]{"Lockdown.Scopes.Signals", &c.Signals}, flat.ScopeSignals},
		{once[Wish]{"Lockdown.Scopes.AbstractSockets", &c.AbstractSockets}, flat.ScopeAbstractSockets},
		{once[Wish]{"Lockdown.Scopes.Sockets", &c.Sockets}, flat.ScopeSockets},
	}
}

// list is a list of paths, and what its entries are to the compiler.
type list struct {
	once[[]string]
	kind flat.Kind
}

func (s *Spec) lists() [2]list {
	return [...]list{
		{once[[]string]{"Session.Locks", &s.Session.Locks}, flat.Lock},
		{once[[]string]{"Lockdown.AllowSockets", &s.Lockdown.AllowSockets}, flat.Socket},
	}
}

// switches are by the bits of flat.Spec.Switches.
func (s *Spec) switches() map[uint32]*bool {
	return map[uint32]*bool{
		flat.DisableUsers:        &s.Namespaces.DisableUsers,
		flat.AssertUsersDisabled: &s.Namespaces.AssertUsersDisabled,
		flat.MapAuto:             &s.Identity.MapAuto,
		flat.KeepGroups:          &s.Identity.KeepGroups,
		flat.AsPID1:              &s.Session.AsPID1,
		plan.FlagDieWithParent:   &s.Session.DieWithParent,
		plan.FlagForeground:      &s.Session.Foreground,
		plan.FlagUsage:           &s.Report.Usage,
		plan.FlagForgive:         &s.Lockdown.Forgive,
	}
}

// settled returns s with the values that its zero values stand for.
func (s *Spec) settled() *Spec {
	out := *s
	n := &out.Namespaces
	n.IPC, n.PID, n.Net, n.UTS = n.IPC.or(Want), n.PID.or(Want), n.Net.or(Want), n.UTS.or(Want)
	n.Cgroup = n.Cgroup.or(Try)
	switch {
	case n.JoinUser.Given():
		n.User = n.User.or(Share)
	case n.DisableUsers || s.Report.UserBlockFD.Given() || s.Identity.ranges():
		n.User = n.User.or(Want)
	default:
		n.User = n.User.or(Try)
	}
	out.Session.New = out.Session.New.or(Want)
	return &out
}
