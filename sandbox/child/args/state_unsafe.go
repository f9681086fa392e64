package args

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, while there is no first process, and as the caller.

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/plan"
	bpf "github.com/gobwrap/gobwrap/seccomp"
)

const (
	// maxKnown is how many descriptors the parser may ask about here.
	maxKnown = 64
	// maxRuns is more than the compiler ever takes: one to measure, one for PWD, one to write,
	// and as many again where the pool is too small for the environment.
	maxRuns = 8
)

// state is what is known of the command line. It holds no pointer.
//
// It is one struct with what every launch writes first, and everything that a launch makes of
// the command line lies in one pool without gaps: each page that is written costs a fault, and
// another one in each process that is forked and writes to it too.
//
//nolint:gochecknoglobals // the memory of this package
var state struct {
	stack            uintptr // where the kernel has put argc
	nknown           uintptr // descriptors that the parser has asked about
	itemsAt, nitems  uintptr // where there are more items than pool holds: address, and how many
	taken            uintptr // of pool
	textAt, textLen  uintptr // the words, the environment, and what was read
	textCap          uintptr // 0: it is the stack's
	first, end       uint32  // offsets: of the first word behind argv[0], and of what follows the last
	env, envEnd      uint32
	planAt, planSize uintptr
	originsAt        uintptr // an offset into the text for each step of the plan

	// The same of a tentative plan that the kernel has refused; 0: there was none.
	refusedPlanAt, refusedPlanSize, refusedOriginsAt uintptr
	refusedMessage                                   [plan.MessageSize / 4]uint32

	parser cmdline.Parser
	pool   [1 << 14]byte // the items, then the working directory and the plan: see allocate
	known  [maxKnown]cmdline.Known
	cells  bpf.Cells
}
