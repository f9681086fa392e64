package flat

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "github.com/gobwrap/gobwrap/internal/plan"

// Wish says whether the sandbox gets a new namespace, or session, of one kind.
type Wish uint8

// Wishes. A command line begins with Share for each.
const (
	Share Wish = iota // the caller's
	Try               // a new one if the kernel has the kind and permits it
	Want              // a new one, or the launch fails
)

// IsNew reports whether a new one is to be made.
func (w Wish) IsNew() bool { return w > Share }

// Indexes of Spec.Wishes: what a sandbox can have of its own.
const (
	User = iota
	IPC
	PID
	Net
	UTS
	Cgroup
	Session
	NumWishes
)

// Indexes of Spec.FDs: the descriptors that an option names once.
const (
	JoinUser = iota
	FinalUser
	JoinPID
	JoinNet
	BlockFD
	InfoFD
	StatusFD
	UserBlockFD
	CgroupFD
	NumFDs
)

// IsWritten reports whether a descriptor, by its index, is written to.
func IsWritten(fd int) bool { return fd == InfoFD || fd == StatusFD }

// IsEarly reports whether only the front end and the monitor need a descriptor, by its index.
func IsEarly(fd int) bool { return IsWritten(fd) || fd == CgroupFD }

// Indexes of Spec.Strs.
const (
	Hostname = iota
	Chdir
	Argv0
	ExecLabel
	FileLabel
	NumStrs
)

// Indexes of Spec.Numbers, of which 0 stands for none.
const (
	Mode       = iota // the way in which a sandbox is made
	Fallback          // what Proc does where the kernel refuses a new one: a tree.Fallback
	FailStatus        // the launcher's exit status where set-up fails
	NumNumbers
)

// Modes. Auto, the zero value, tries direct mode first.
const (
	Auto = iota
	Direct
	Setuid
)

// Indexes of Spec.IDs.
const (
	UID = iota
	GID
	NumIDs
)

// Bits of Spec.Switches. Below them are the header's flags (plan.AllFlags).
const (
	DisableUsers = 1 << (iota + 16)
	AssertUsersDisabled
	MapAuto
	KeepGroups
	AsPID1
	CapsGiven
	LevelPrefix
	DryRun
	Explain
	CloseFDs
)

// Each bit means one thing.
const _ = uint(DisableUsers - plan.AllFlags)

// Bits of Spec.Scopes and Spec.TryScopes: what the payload reaches in its sandbox only. They are
// package plan's.
const (
	ScopeAbstractSockets = 1 << iota
	ScopeSignals
	ScopeSockets
)

// FD is a file descriptor that an option names. The zero value means that there is none.
type FD struct {
	// Kept plus one, since 0 is a descriptor, and a Spec that is all zero must name none.
	above uint32 // the descriptor plus one
	From  Word   // the option
}

// NewFD is descriptor n, which is not negative, named by the option at from.
func NewFD(n int32, from Word) FD { return FD{uint32(n) + 1, from} }

// Given reports whether there is a descriptor.
func (f FD) Given() bool { return f.above != 0 }

// N returns the descriptor; -1 if there is none.
func (f FD) N() int32 { return int32(f.above) - 1 }

// Str is the operand of an option. The zero value means that there is none.
type Str struct {
	Word
	From Word // the option
}

// Given reports whether there is a string; it may be empty.
func (s Str) Given() bool { return s.Word != 0 }

// ID is a uid or gid. The zero value means that there is none.
type ID struct {
	N     uint32
	Given bool
}

// Timeout is how long the command may take, and how long after that until everything is
// killed, in milliseconds. The zero value means no timeout.
type Timeout struct {
	After, Grace uint32
	From         Word // the option
}

// Grace is the grace of a Timeout for which none is given.
const Grace = 2000

// Spec holds what can be given only once. Its zero value shares everything with the caller.
type Spec struct {
	Wishes   [NumWishes]Wish
	Numbers  [NumNumbers]uint32
	Switches uint32
	IDs      [NumIDs]ID
	FDs      [NumFDs]FD
	Strs     [NumStrs]Str

	// Scopes are those that the payload must have, TryScopes those where the
	// kernel can; ScopesFrom is an option for the former, the one that is most likely to fail.
	Scopes, TryScopes uint8
	ScopesFrom        Word

	// The payload's capabilities are those that it would have otherwise, less DropCaps,
	// with AddCaps.
	DropCaps, AddCaps uint64

	Timeout Timeout

	// Command is the first of Args words, the command's, that follow each other in the
	// text.
	// The words are not copied: they are those of argv, and the plan gets them from there.
	Command Word
	Args    uint32
}

// On reports whether a switch was given.
func (s *Spec) On(bit uint32) bool { return s.Switches&bit != 0 }

// Kind is what an Item is.
type Kind uint8

// Invalid is the kind of an item that does not count any more.
const Invalid Kind = 0

// Kinds of items, except for operations on the sandbox's files: their kinds are those of package tree, and lie
// between Invalid and Layer. In these A is the source, the target or the upper directory, B the destination,
// and C the work directory.
const (
	Layer    Kind = iota + 64 // A: a directory of the tree.Overlay that follows
	SetEnv                    // variable A is B
	UnsetEnv                  // variable A
	ClearEnv
	UIDMap  // A: INSIDE:OUTSIDE:COUNT as typed
	GIDMap  // the same
	Lock    // A: path inside
	Socket  // A: path inside, an exception to ScopeSockets
	KeepFD  // FD is the command's, with CloseFDs
	Setting // A as typed, N its setting.Kind
	SyncFD  // FD
	Filter  // BPF: N bytes of the text from A on
	Builtin // the built-in profile A
	Profile // the profile in the file A
	Used    // FD is not for the payload; with Early, nor for the acting side
	Warning // the scalar option From was given before
	NotOpen // FD, which From names, is not open: it is ignored, with a warning
)

// Item flags.
const (
	Absent   = 1 << iota // a source that does not exist is skipped
	HasMode              // Mode was given
	Early                // see Used
	Consumed             // what it holds has been read
	Added                // a Filter of --add-seccomp-fd
	Glob                 // B of a Mask or a Protect is a pattern
)

// Item is one thing in the order in which it was given.
// What a field means depends on the kind; see there. An item holds no pointer, so that a list of them
// can lie in static memory.
type Item struct {
	Kind    Kind
	Access  uint8 // tree.Access
	Writes  uint8 // tree.Writes
	Flags   uint8
	FD      int32
	From    Word // the option
	A, B, C Word
	N       uint32
	Mode    uint32
	Size    uint64
}

// IsFile reports whether the item is an operation on the sandbox's files.
func (i *Item) IsFile() bool { return i.Kind > Invalid && i.Kind < Layer }

// Has reports whether a flag is set.
func (i *Item) Has(flag uint8) bool { return i.Flags&flag != 0 }
