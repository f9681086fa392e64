// Package tree is what package mounts makes and the compiler reads: the operations that
// build a sandbox's file tree, as plain data, what may stand in each of their fields, and the steps that they
// become.
package tree

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
	Kept                    // to Upper, with Work on the same file system
)

// Fallback is what to do where the kernel refuses a new proc.
type Fallback int

// Fallbacks. The zero value fails.
const (
	Fail      Fallback = iota
	Empty              // an empty directory is there instead
	BindOuter          // the outer proc, which shows the processes outside
)

// Op is one file-system operation. Operations happen in the order given.
type Op struct {
	Kind Kind
	Dest string // in the sandbox; relative paths count from its root

	Source  string // host path
	FD      FD     // the launcher's descriptor; used up
	Content []byte // what FD will hold: the process that starts the launcher makes a file of it
	Access  Access
	Try     bool // a Source, or a Dest of Mask or Protect, that does not exist is skipped
	Glob    bool // the Dest of Mask or Protect is a pattern
	Target  string
	Perms   Perms
	Size    Size // of a tmpfs

	Layers      []string
	Writes      Writes
	Upper, Work string
}

// Perms are permission bits that may not have been given. Each kind of operation then has
// a default of its own.
type Perms struct {
	Bits  uint32
	Given bool
}

// FD is the number of a descriptor that may not have been given, as the launcher has it.
type FD struct {
	N     int
	Given bool
}

// Size is a number of bytes that may not have been given; the kernel then has a default.
type Size struct {
	Bytes uint64
	Given bool
}
