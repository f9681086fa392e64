// Package broker is the process of setuid mode that changes mounts on request of the sandbox's first
// process. Serve is that process; Ask is the other side, without privilege. Package suid explains for
// each request why a hostile caller gains nothing by it.
package broker

import "golang.org/x/sys/unix"

// Op is the operation of a request.
type Op uint64

// The operations, with their integers. Each request has two descriptors, fd and fd2. An operation ignores
// those that it does not name.
const (
	_        Op = iota
	Bind        // bind fd (or what covers it), with all mounts below it, on fd2; A: flags to add, B: Directory, TopOnly
	FS          // mount a new file system on fd; A: kind, B: size in bytes, or 0 for the kernel's default, C: mode
	Restrict    // add the flags A to the mount whose root is fd
	Root        // build the frame
	Pivot       // make fd the root, and detach the old one
	Hostname    // set the host name to the first A bytes of Name
	numOps
)

// B of a Bind.
const (
	Directory = 1 << iota // fd is a directory
	TopOnly               // without mount_setattr(2), add the flags to the mount on fd2 only, not to those below it
)

// Kinds of file systems: A of FS. Only a tmpfs, which belongs to the user, has a size and a mode. The mode is
// the decimal number that has the digits of the octal one: 1777 for 01777. The kernel refuses other digits.
const (
	Tmpfs = iota
	Devpts
	Mqueue
	numKinds
)

// Flags are the mount flags that a request may add. No request can remove one.
const Flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// MaxName is the maximum length of a host name (uname(2), __NEW_UTS_LEN).
const MaxName = 64

// Request is one message of the first process. Its size is fixed.
type Request struct {
	Op      Op
	A, B, C uint64
	Name    [MaxName]byte
}

// RequestSize is the size of a Request.
const RequestSize = 32 + MaxName

// FailedFlags is added to an errno if what failed was adding flags to a bind, or, for ROOT, pivot_root(2).
const FailedFlags = 1 << 12

// Limits for one broker.
const (
	MaxRequests    = 1 << 17
	MaxFileSystems = 1000
	CheckSeconds   = 1   // how long the keeper and the broker wait before they check that the launcher still exists
	MaxIdleChecks  = 600 // checks without a message, after which they end
)

// Bits of Job.Deny: what setuid.conf refuses.
const (
	DenyWritable = 1 << iota // BIND without MS_RDONLY, except from Base and the new proc
	DenyTmpfs                // DenyTmpfs<<kind refuses FS with that kind
	DenyDevpts
	DenyMqueue
	DenyHostname
)

// FreshProc is where the new proc is mounted until ROOT, in the host's tree: a directory of every proc on which
// hosts mount nothing.
const FreshProc = "/proc/driver"

// Names on the first tmpfs of the frame, which belongs to root. OldRoot is the host's tree, Base and
// NewRoot are tmpfs file systems of the user's, NewProc is the new proc. On Stage
// a bind waits for its flags. Package suid has a picture.
const (
	OldRoot = "/oldroot"
	Base    = "/base"
	NewRoot = "/newroot"
	NewProc = "/newproc"
	Stage   = "/stage"
)
