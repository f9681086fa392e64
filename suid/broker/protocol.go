// Package broker is the process of the setuid mode that mounts for the sandbox's first
// process: see package suid for why its requests gain nothing, one by one. Serve is the whole
// of it; Ask is what the first process asks with, without privilege.
package broker

import "golang.org/x/sys/unix"

// Op is what a request asks for.
type Op uint64

// The operations. fd and fd2 are descriptors, A to C the integers.
const (
	_        Op = iota
	Bind        // fd source, fd2 destination; A flags to add
	FS          // fd destination; A kind, B mode, C size in bytes, 0: the kernel's
	Restrict    // fd a mount's root; A flags to add
	Root        // the frame
	Pivot       // fd the new root
	Hostname    // A length of Name
	Stage       // fd source; A flags of the bind, B 1 for a directory
	Place       // fd destination; B as in Stage
	numOps
)

// Kinds of file systems (FS, A).
const (
	Tmpfs = iota
	Devpts
	Mqueue
	numKinds
)

// Flags are those that a request may add.
const Flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// MaxName is the longest host name.
const MaxName = 64

// Request is what the first process sends.
type Request struct {
	Op      Op
	A, B, C uint64
	Name    [MaxName]byte
}

// RequestSize is the size of a Request.
const RequestSize = 32 + MaxName

// FailedFlags in an answer says that what failed, with the errno in the lower bits, was to add
// flags; to a ROOT, that it was pivot_root(2).
const FailedFlags = 1 << 12

// Bounds of what one first process may ask for.
const (
	MaxRequests    = 1 << 17
	MaxFileSystems = 1000
	Breath         = 1   // seconds after which a keeper or broker that hears nothing looks whether the launcher is there
	Patience       = 600 // times
)

// Denied are the bits of what the administrator refuses.
const (
	DenyWritable = 1 << iota // BIND and STAGE without MS_RDONLY of what is neither on Base nor the new proc
	DenyTmpfs                // a kind of file system: this, shifted by it
	DenyDevpts
	DenyMqueue
	DenyHostname
)

// Names on the frame's first tmpfs, which is root's. OldRoot has the host's tree; Base and
// NewRoot are tmpfs of the user's, NewProc is the new proc.
const (
	OldRoot   = "/oldroot"
	Base      = "/base"
	NewRoot   = "/newroot"
	NewProc   = "/newproc"
	StageDir  = "/stagedir"
	StageFile = "/stagefile"
)
