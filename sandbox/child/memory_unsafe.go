package child

// No runtime. See doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts/build"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// The state of the processes of a launch. All of it is static memory, of which a process that
// is cloned has a copy, and holds no pointer, so the runtime's collector never looks at it.
// Descriptors of ours lie above 2, so 0 stands for one that is not open.

// acting is the state of a process that carries out a plan, and the root that it builds. The
// monitor also reports faults through it.
//
//nolint:gochecknoglobals // see above
var acting build.Root

// started is what the program was started with. It is written once.
//
//nolint:gochecknoglobals // see above
var started struct {
	as      uint32           // asLauncher or asHost; 0: like any other Go program
	stdio   uint32           // bit n: fd n was open
	parent  uintptr          // the caller's pid
	install suid.InstallKind // what privilege the binary brought
	mask    uint64           // the signal mask; see self_unsafe.go
	ignored uint64           // the signals that were ignored, bit n-1 for signal n; there too
}

// How a program was started (started.as).
const (
	asLauncher = iota + 1 // through entry
	asHost                // through hostEntry
)

// feed is the pair of sockets between the monitor and the first process.
//
//nolint:gochecknoglobals // see above
var feed struct {
	monitor uintptr // the monitor's end
	child   uintptr // the first process's, later init's
}

// monitor is the state of the monitor.
//
//nolint:gochecknoglobals // see above
var monitor struct {
	direct bool    // there is no front end; see direct_unsafe.go
	free   bool    // no policy.conf binds the caller; see policy_unsafe.go
	ear    uintptr // where it hears messages then
	first  uintptr // the pid of the sandbox's first process; 0: none
	cgroup uintptr // the directory of the cgroup in which that was made; 0: none

	holders uint32 // how many placeholders there are; see placeholders_unsafe.go

	// Setuid mode; see package suid.
	keeper    uintptr // the keeper's pid; 0: none
	keeperEnd uintptr // our end of its socket
	leaving   uintptr // the pid of a keeper that ends
	viaKeeper bool    // the plan is for the keeper

	keeperEnded uint32 // the keeper's wait status

	follows bool // it stops with the payload; see follow
}

// host is the state of the monitor in plan mode; see hosted_unsafe.go.
//
//nolint:gochecknoglobals // see above
var host struct {
	there bool    // the front end is a Go program that goes on, the host
	line  uintptr // our end of the line to it
	said  byte    // the first byte that it has said there
}

// front is the state of a process that has become a Go program.
//
//nolint:gochecknoglobals // see above
var front struct {
	stderr  uintptr // the way to standard error; see muffle
	senders uint32  // it wants to know from which process each message is
}

// payload is the state of the payload's process.
//
//nolint:gochecknoglobals // see above
var payload struct {
	umask   uintptr
	moved   bool     // an OpChdir has been done
	bounded bool     // boundCaps is done
	scoped  bool     // scopeSelf is done
	fenced  bool     // it has made a domain
	settled bool     // see settleForExec
	missing plan.Sub // what diagnose has found
}

// blamed is a file that diagnose looks at.
//
//nolint:gochecknoglobals // see above
var blamed struct {
	path [2 * unix.PathMax]byte
	head [2 * headSize]byte // its beginning
}

// smallPlan is memory for a plan that is not large.
//
//nolint:gochecknoglobals // see above
var smallPlan [1 << 13]uint64

// dummy is the g of compiled code without a runtime: all zero, the stack guard too.
//
//lint:ignore U1000 used by entry, in assembly
//nolint:gochecknoglobals // read by entry
var dummy [16]uint64

// entered is what entry stores: where amd64's compiled code finds dummy, which entry points FS
// behind the first word of, and the stack pointer that the kernel gave, for the runtime's start.
//
//nolint:gochecknoglobals // written by entry
var entered struct {
	_     [2]uintptr
	stack uintptr
}
