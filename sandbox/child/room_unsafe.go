package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Sizes of the room's buffers, in bytes.
const (
	pathBuf  = 1 << 14 // more than two PATH_MAX
	dataBuf  = 1 << 16
	maxDepth = 256 // directories that a walk keeps open, a power of two
)

// How a program came in (room.entered).
const (
	enteredLauncher = iota + 1 // through entry
	enteredHost                // through hostEntry
)

// room is all the memory that this package writes besides the plan and the stack.
// It holds no pointer, so the runtime's collector never looks at it.
//
//nolint:gochecknoglobals // the room's one variable
var room struct {
	tls [2]uintptr // [0] is where amd64's compiled code finds g; entry points FS at [1]

	// The process's beginnings, read by the front end.
	sock     uintptr       // the front end's, later the monitor's end of the socket
	stdio    uint32        // bit n: fd n was open at the start
	standing suid.Standing // what privilege the binary brought
	entered  uint32        // how the program came in; 0: like any other
	parent   uintptr       // the caller's pid
	stderr   uintptr       // the front end's way to standard error; see muffle
	senders  uint32        // the front end wants to know whose each message is
	high     uintptr       // where our descriptors begin
	direct   uint32        // there is no front end; see direct_unsafe.go
	ear      uintptr       // the monitor's end of the socket, then
	expect   uintptr       // the pid that getppid must answer; see dieWithParent

	// Plan mode; see hosted_unsafe.go.
	hosted uint32  // the front end is a Go program that goes on
	line   uintptr // our end of the line to it
	runs   uint32  // the first word of the host's on it
	mask   uint64  // the signal mask that we were started with; see self_unsafe.go
	// The signals that were ignored then, bit n-1 for signal n.
	ignored uint64

	// The setuid mode; see package suid.
	keeper    uintptr // the keeper's pid, 0: none
	keeperEnd uintptr // our end of its socket
	leaving   uintptr // the pid of a keeper that ends
	kept      uint64  // what this process may raise, 0: nothing, as in direct mode
	guarded   uint32  // this process descends from the keeper
	mapped    uint32  // and is in a user namespace that the keeper made
	masked    uint32  // parts of the host's proc are covered
	alone     uint32  // the front end was asked to end
	viaKeeper uint32  // the plan is for the keeper
	conf      suid.Conf

	// The launch. Descriptors of ours; 0 stands for none, since all lie above 2.
	proc       uintptr // the host's /proc
	inProc     uint32  // not 0: it is the working directory
	base       uintptr // the frame's tmpfs
	old        uintptr // the old root
	status     uint32  // of the last wait
	childEnd   uintptr // the first process's end of the feed: where init says the payload's status
	monitorEnd uintptr // the monitor's end of it
	early      uintptr // pid of the early process; see headstart_unsafe.go
	guess      uint32  // its namespaces
	handed     uint32  // not 0: the front end gave it the plan
	slave      uint32  // what the early process has done: OpSlave
	framed     uint32  // and the first part of OpRoot
	broken     uint32  // what went wrong meanwhile and could not be taken back, an errno
	apart      uint32  // not 0: the old root is not this process's; see frame_unsafe.go
	first      uintptr // pid of the sandbox's first process
	engine     uint32  // engineNew, engineClassic
	serial     uint32  // serial number of files on the frame's tmpfs
	umask      uintptr
	cwdDone    uint32
	bounded    uint32   // boundCaps is done
	settled    uint32   // see settleForExec
	filtered   uint32   // the payload has filters of its own
	missing    plan.Sub // see diagnose
	step       uint32   // the step that runs
	sub        plan.Sub // the part of it, set by helpers
	made       uint32   // what dest has made; see closeDest
	absent     uint32   // the kernel says that nothing is at the end of the path that walk follows
	part       uint32   // how much of a destination leads to what is at fault, in bytes; 0: unknown
	failed     uint32   // the plan's status for failures, 0: there is no plan yet

	idle     idle
	nofile   unix.Rlimit // as it was, where the sources needed more
	raised   uint32
	limit    uintptr // on descriptors, in force
	stat     unix.Stat_t
	statfs   unix.Statfs_t
	attr     unix.MountAttr
	how      unix.OpenHow
	message  [plan.MessageSize / 4]uint32
	pair     [2]int32
	stack    [maxDepth]int32    // descriptors of the directories that a walk has come through: a ring
	depth    uintptr            // how many there are
	open     uintptr            // how many of them, the last, are open
	covered  [maxCovered]uint32 // ids of mounts that others hide
	ncovered uint32
	cover    [pathBuf]byte // a mount point; see covered
	path     [pathBuf]byte // the rest of the path that walk follows
	link     [pathBuf]byte
	small    [256]byte
	names    [2][1024]byte
	data     [dataBuf]byte
	plan     [maxHanded / 8]uint64 // one that is not large
}

// dummy is the g of compiled code in the room: all zero, the stack guard too.
//
//lint:ignore U1000 used by entry, in assembly
//nolint:gochecknoglobals // read by entry
var dummy [64]uint64

// stack is the stack pointer that the kernel gave, for the runtime's start.
//
//nolint:gochecknoglobals // written by entry
var stack uintptr

// text points at a constant that ends with NUL, for the kernel to read.
func text(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }
