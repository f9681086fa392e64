package mounts

import "github.com/gobwrap/gobwrap/internal/plan"

// Kind is what an Op does.
type Kind int

// The kinds. Invalid is the zero value, so that a forgotten kind is an error.
const (
	Invalid   Kind = iota
	Bind           // Source on Dest
	BindFD         // what FD has open, on Dest
	Tmpfs          // an empty tmpfs
	Proc           // a proc for the sandbox's pid namespace
	Dev            // a small /dev: see dev.go
	Mqueue         // a POSIX message queue file system
	Overlay        // Layers, lowest first; writes go to Upper
	Dir            // a directory
	File           // a file with the contents of FD
	Data           // the contents of FD, bound, without any other name
	Symlink        // a link that says Target
	Chmod          // other permissions on what is there
	RemountRO      // one mount made read-only
)

// Access is how much a bind lets through.
type Access int

// Kinds of access. The zero value is the tightest.
const (
	ReadOnly   Access = iota // recursively read-only, nosuid, nodev
	ReadWrite                // nosuid, nodev
	WithDevice               // nosuid; device files work
)

// Writes says where an overlay's changes go.
type Writes int

// Kinds of overlay. The zero value is the tightest.
const (
	Refused   Writes = iota // read-only: at least two layers
	Forgotten               // to a tmpfs that nobody sees
	Kept                    // to Upper, with Work beside it on the same file system
)

// Fallback is what to do where the kernel refuses a new proc.
type Fallback int

// Fallbacks. The zero value fails.
const (
	Fail      Fallback = iota
	Empty              // an empty directory is there instead
	BindOuter          // the outer proc, which shows the processes outside
)

// Perms are permissions that may not have been given. The zero value is "not given":
// each kind of operation then has a default of its own. [Mode] makes one.
type Perms struct {
	bits  uint32
	given bool
}

// Mode is permissions that have been given: permission bits, at most 07777.
func Mode(bits uint32) Perms { return Perms{bits, true} }

// Given reports whether p was made by [Mode].
func (p Perms) Given() bool { return p.given }

// Bits are the permission bits, 0 where none were given.
func (p Perms) Bits() uint32 { return p.bits }

// FD is the number of a descriptor that may not have been given, as the launcher has it:
// 0 to 2 are the standard streams. The zero value is "not given"; [SetFD] makes one.
type FD struct {
	n     int
	given bool
	From  plan.Origin
}

// SetFD is the descriptor n.
func SetFD(n int) FD { return FD{n: n, given: true} }

// Given reports whether f was made by [SetFD].
func (f FD) Given() bool { return f.given }

// N is the number, -1 where none was given.
func (f FD) N() int {
	if !f.given {
		return -1
	}
	return f.n
}

// Valid reports whether k is a kind that there is.
func (k Kind) Valid() bool { return k > Invalid && k <= RemountRO }

// Op is one file-system operation. Operations happen in the order given.
type Op struct {
	Kind Kind
	Dest string // in the sandbox; relative paths count from its root
	From plan.Origin

	Source string // host path
	FD     FD     // caller's descriptor; used up
	Access Access
	Try    bool // a Source that does not exist is skipped
	Target string
	Perms  Perms
	Size   uint64 // bytes of a tmpfs; 0: the kernel's default

	Layers      []string
	Writes      Writes
	Upper, Work string
}
