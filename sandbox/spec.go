package sandbox

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// Spec says what a sandbox is: plain data, on any machine. The zero value is a sandbox
// with a mount namespace of its own, an empty root and nothing to run.
type Spec struct {
	Mode       Mode // how the sandbox is made
	Namespaces Namespaces
	Identity   Identity
	Files      []mounts.Op // carried out in this order
	// What mounts.Proc does where the kernel refuses a new proc, as in most containers.
	ProcFallback mounts.Fallback
	Env          []EnvOp // carried out in this order, on the caller's environment
	Session      Session
	Report       Report
	Lockdown     Lockdown
	Command      Command
}

// Wish is how much a namespace is wanted.
type Wish int

// Wishes. The zero value shares the caller's namespace.
const (
	Share Wish = iota
	Try        // a new one if the kernel has the kind and permits it
	Want       // a new one, or the launch fails
)

// FD is a descriptor of the caller's that an option names. Valid tells 0 from none.
type FD struct {
	N     int
	Valid bool
	From  plan.Origin
}

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

// Text is a string that may not have been given.
type Text struct {
	S    string
	Set  bool
	From plan.Origin
}

// ID is a uid or gid that may not have been given.
type ID struct {
	N   uint32
	Set bool
}

// Identity is who the payload is, and who else there is inside. Without a user
// namespace nothing of it but Caps can be set.
//
// By default one id is mapped: the caller's, to UID and GID, or to itself where these are
// not set. With maps, or MapAuto, there are more ("ranges"). The caller need not be one of
// them then: UID and GID choose whom of them the payload is. Without that it is who the
// caller is inside or, if the maps leave him out, the id of his number; an id that no map
// has becomes his.
//
// A payload that is uid 0 of ranges has the capabilities to deal with these ids (see
// [idmap.RangeCaps]), and Caps edits that set.
type Identity struct {
	UID, GID       ID        // inside
	UIDMap, GIDMap []MapLine // in any order; need a new user namespace
	// MapAuto maps what /etc/subuid and /etc/subgid grant to the caller; see [idmap.Auto].
	MapAuto bool
	// KeepGroups leaves the caller's supplementary groups to the payload, where ranges would
	// let it be without them. Their files stay open to it, though they have no name inside.
	KeepGroups bool
	Caps       []CapEdit // in order, on the caller's capabilities (root) or on none
}

// MapLine is a line of a uid_map or gid_map, and which option asked for it.
type MapLine struct {
	idmap.Range
	From plan.Origin
}

// UsesHelpers tells whether a launch may have programs run for it, newuidmap and newgidmap,
// which inherit what is not close-on-exec.
func (i *Identity) UsesHelpers() bool { return i.ranges() }

// ranges tells whether there is more than the caller's own id inside.
func (i *Identity) ranges() bool { return i.MapAuto || len(i.UIDMap)+len(i.GIDMap) > 0 }

// CapEdit adds capabilities to, or drops them from, those that the payload has.
type CapEdit struct {
	Drop bool
	Caps idmap.Caps
}

// EnvOp is one change of the environment. An empty Name clears it, PWD excepted.
type EnvOp struct {
	Name, Value string
	Unset       bool
}

// Session is how the payload hangs together with its caller.
type Session struct {
	New           bool // setsid
	DieWithParent bool
	AsPID1        bool // no init: the payload is PID 1
	Locks         []LockFile
	SyncFDs       []FD // open as long as the sandbox lives
	BlockFD       FD   // wait for a byte or the end before the payload starts
}

// LockFile is a path in the sandbox on which init holds a read lock.
type LockFile struct {
	Path string
	From plan.Origin
}

// Report says who is told what.
type Report struct {
	InfoFD FD // one document about the sandbox, before it starts
	// JSONStatusFD gets the same, then "mode", "command-pid", "setup-complete" or "error",
	// and "exit-code", each in a document of its own, as it happens.
	JSONStatusFD FD
	UserBlockFD  FD    // wait until somebody else has written the id maps
	FailStatus   uint8 // the launcher's exit status where set-up fails; 0 stands for 1
}

// Lockdown is what the payload can never undo.
type Lockdown struct {
	Filters   []Filter // seccomp; installed in order, last thing before the command
	ExecLabel Text
	FileLabel Text
	Forgive   bool // --not-a-security-boundary: some failures to tighten are warnings
}

// Filter is a seccomp filter: classic BPF, 8 bytes an instruction, as
// struct sock_filter lies in memory. It can be given as the path of a profile, which has
// to be compiled into BPF before [Prepare].
type Filter struct {
	BPF     []byte
	Profile string
	From    plan.Origin
}

// Command is what runs.
type Command struct {
	Args  []string // the program and its arguments; searched for in PATH
	Argv0 Text     // argv[0] instead of Args[0]
	Chdir Text
	Used  []int // descriptors that options used up: not passed on
	Read  []int // those of them that nobody needs once the plan is made
}
