package sandbox

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/mounts"
)

// Spec says what a sandbox is: plain data, on any machine. The zero value is one with an
// empty root, a namespace of its own of every kind, a session of its own, and no
// capability: everything in it has been put there.
type Spec struct {
	Mode       Mode // how the sandbox is made
	Namespaces Namespaces
	Identity   Identity
	Files      []mounts.Op // carried out in this order
	// What mounts.Proc does where the kernel refuses a new proc, as in most containers.
	ProcFallback mounts.Fallback
	Env          []EnvOp // carried out in this order, on the environment of the Cmd
	Session      Session
	Report       Report
	Lockdown     Lockdown
	Limits       Limits
	Command      CommandLine
}

// Wish says whether a namespace shall be new.
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

// FD is a descriptor by the number that it has at the launcher: 0 to 2 are the standard
// streams, 3+i is ExtraFiles[i] of the Cmd. [Cmd.Pass] makes one of a file, [SetFD] of a
// number; the zero value is none. The command does not get the descriptor.
type FD = mounts.FD

// SetFD returns the descriptor n.
func SetFD(n int) FD { return mounts.SetFD(n) }

// Namespaces says which namespaces are new, shared, or joined. The mount namespace
// is always new.
type Namespaces struct {
	User, IPC, PID, Net, UTS, Cgroup Wish

	JoinUser  FD // entered before set-up; excludes a new user namespace
	FinalUser FD // entered after set-up
	JoinPID   FD // entered before set-up; with PID wanted, a child of it is made
	JoinNet   FD // entered before set-up
	// Only new namespaces below this one are refused (DisableUsers), or proven to be.
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
// namespace nothing of it but Caps can be set.
//
// By default one id is mapped: the caller's, to UID and GID, or to itself where these are
// not set. With maps, or MapAuto, there are more ("ranges"). The caller need not be one of
// them then: UID and GID choose which of them the payload gets. Without that it gets the
// id that the caller has inside or, if the maps leave the caller out, the id with the
// caller's number; an id that no map has is mapped to the caller. In a given user
// namespace (JoinUser) UID and GID choose among the ids that it maps; the caller's own
// number, if it is not mapped, changes nothing.
//
// A payload that is uid 0 of ranges has the capabilities to deal with these ids (see
// [idmap.RangeCaps]), and Caps edits that set.
type Identity struct {
	UID, GID       ID        // inside
	UIDMap, GIDMap idmap.Map // in any order; need a new user namespace
	// MapAuto maps what /etc/subuid and /etc/subgid grant to the caller; see [idmap.Auto].
	MapAuto bool
	// KeepGroups leaves the caller's supplementary groups to the payload, where ranges would
	// let it be without them. Their files stay open to it, though they have no name inside.
	KeepGroups bool
	KeepCaps   bool      // root's capabilities are what Caps begins with, not none, or those above
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
	DieWithParent bool // the end of the caller's process is the sandbox's
	AsPID1        bool // no init: the payload is PID 1
	// The payload leads a process group of its own. Where this process's is the terminal's
	// foreground group, the terminal is given to that one, and taken back at the end and while
	// the payload is stopped. New must be Share.
	Foreground bool
	Locks      []string // paths in the sandbox on which init holds a read lock
	SyncFDs    []FD     // open as long as the sandbox lives
	BlockFD    FD       // wait for a byte or the end before the payload starts
}

// Report says what is written to which descriptor.
type Report struct {
	InfoFD FD // one document about the sandbox, before it starts
	// JSONStatusFD gets the same, then "mode", "command-pid", "setup-complete" or "error",
	// and "exit-code", each in a document of its own, as it happens.
	JSONStatusFD FD
	UserBlockFD  FD    // wait until another process has written the id maps
	FailStatus   uint8 // the launcher's exit status where set-up fails; 0 stands for 1
	// Usage: Usage of the Cmd and of ExitError say what the command has used, and how it has
	// ended; JSONStatusFD, if there is one, gets the same before "exit-code" (see gobwrap(1)).
	Usage bool
}

// Lockdown holds restrictions that the payload cannot undo.
type Lockdown struct {
	Filters   []Filter // seccomp; installed in order, last thing before the command
	ExecLabel Text
	FileLabel Text
	Forgive   bool // some failures to tighten are warnings
	Scopes    Scopes
	// AllowSockets are paths inside: Unix sockets there, and below, are reached although
	// Scopes.Sockets is set. They must exist when the payload starts.
	AllowSockets []string
}

// Scopes say what the payload, and what it starts, reaches inside only, by Landlock (Linux
// 6.12, for Sockets 7.1). What is outside reaches in as before.
type Scopes struct {
	// Signals to processes. Without a namespace of its own the payload could signal what it
	// sees; with a new one, still its caller's process group. Default stands for Try with a
	// new PID namespace, which Share does not take back, and for Share without.
	Signals Wish
	// AbstractSockets are those without a file, which a new network namespace keeps apart,
	// too. Default stands for Share.
	AbstractSockets Wish
	// Sockets are those with a path. Nothing can be mounted inside then, so that no
	// sandbox can be made there. Default stands for Share.
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

// CommandLine is what runs, in words. A Cmd's Path, Args and Dir come first, where they
// are set.
type CommandLine struct {
	Args  []string // the program and its arguments; searched for in PATH
	Argv0 Text     // argv[0] instead of Args[0]
	Chdir Text
}

// settled returns s with what its zero values stand for.
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
