package launch

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: every process of a launch.

import (
	"github.com/gobwrap/gobwrap/mounts/build"
	"github.com/gobwrap/gobwrap/suid"
)

// All of this is static memory, of which a process that is cloned has a copy, and holds no
// pointer, so the runtime's collector never looks at it. Descriptors of ours lie above 2, so 0
// stands for one that is not open.

// Acting is the state of a process that carries out a plan, and the root that it builds. The
// monitor reports faults through it, and keeps its descriptors away from the caller's with it:
// what it has found out about those holds in the processes that it clones, too.
//
//nolint:gochecknoglobals // see above
var Acting build.Root

// Facts is what all processes of a launch know. The launcher writes it before the first clone,
// and the first process of the setuid mode from what the monitor has sent.
//
//nolint:gochecknoglobals // see above
var Facts struct {
	Embedded   bool             // plan mode: an embedding program has made the plan, and goes on
	NoFrontEnd bool             // the launcher has made the plan, and no front end listens for faults
	Filtered   uint32           // a seccomp filter is in force, which may kill set-up
	Install    suid.InstallKind // what privilege the binary brought
	Caller     uintptr          // the pid of the launcher's caller
}

// Feed is the pair of sockets between the monitor and the first process. Each process closes
// the end that is not its own when it sees to its parent's end (closeMonitorEnd).
//
//nolint:gochecknoglobals // see above
var Feed struct {
	Monitor uintptr // the monitor's end
	Child   uintptr // the first process's, later init's
}

// smallPlan is memory for a plan that is not large: mapping memory would cost a system call.
//
//nolint:gochecknoglobals // see above
var smallPlan [1 << 13]uint64

// Nowhere is above every descriptor (RLIMIT_NOFILE is an int to the kernel).
const Nowhere = uintptr(1<<31 - 1)
