package plan

import (
	"encoding/binary"
	"strings"
)

// Magic opens every plan. It changes whenever the layout or the messages do.
const Magic = 0x35776267 // "gbw5", little endian

// Limits of a plan. They bound the work of the processes that execute it and keep every
// offset far from overflow; none is reached by real command lines.
const (
	MaxSize  = 1 << 28 // bytes in a whole plan
	MaxSteps = 1 << 20
	MaxSlots = 1 << 24
)

// Sizes that both sides compute with; a test compares them with unsafe.Sizeof.
const (
	HeaderSize = 112
	StepSize   = 32
	SlotSize   = 8
)

// Header is the fixed front of a plan. All offsets count from the plan's first byte.
type Header struct {
	Magic uint32
	Size  uint32 // of the whole plan, this header included
	Flags uint32
	Clone uint32 // CLONE_NEW* bits for the sandbox's first process

	Steps, Join, Setup uint32 // counts: all steps; see the package comment

	Slots    uint32 // how many slots follow the steps
	Arena    uint32 // offset of the arena
	ArenaLen uint32

	// Slot ranges: first index and count. A slot of Argv, Env and Paths holds an
	// arena offset, a slot of Close and Sync a file descriptor.
	Argv, Argc    uint32 // Argc+1 slots; the last stays 0
	Env, Envc     uint32 // Envc+1 slots; the last stays 0
	Paths, Pathc  uint32 // the files that exec tries, in order
	Script        uint32 // Argc+2 slots: argv of /bin/sh for a text file without "#!"
	Close, Closec uint32 // fds that options used up: closed before exec
	Early, Earlyc uint32 // those that the front end alone needed: closed at once
	Sync, Syncc   uint32 // fds that live as long as the sandbox
	Pwd           uint32 // slot of PWD in the environment
	JSONFd        int32  // -1: none. The monitor writes the exit status there
	UID, GID      uint32 // what the keeper maps the caller to
	Failed        uint32 // the launcher's exit status where set-up fails, 1 to 255
}

// Step is one thing to do. What A to F mean depends on Op; see the table in op.go.
type Step struct {
	Op    Op
	Flags uint16
	A     uint32
	B     uint32
	C     uint32
	D     uint32
	E     uint32
	F     uint32
	G     uint32
}

// Message is what a process that executes a plan reports. It has a fixed size and only numbers,
// so that it can be written without a runtime. The kinds say what Extra and Raw mean in them.
type Message struct {
	Kind  uint32
	Step  uint32 // index of the step, or NoStep
	Sub   Sub    // which part of the step
	Errno uint32 // 0 where no system call failed
	Extra uint32 // a number, see the kinds
	Raw   []byte // numbers, or a text that may be cut and ends with NUL
}

// Text returns what was found where something else was wanted.
func (m *Message) Text() string {
	text, _, _ := strings.Cut(string(m.Raw), "\x00")
	return text
}

// Namespace returns the inode of a namespace in a MsgReady, by its place in NamespaceFiles; 0:
// none.
func (m *Message) Namespace(i int) uint64 {
	if at := 4 + 8*i; at+8 <= len(m.Raw) { // 4: so that they are aligned
		return binary.NativeEndian.Uint64(m.Raw[at:])
	}
	return 0
}

// Sizes of a message on the wire: five words, then the raw bytes.
const (
	MessageSize = 256
	MessageText = 20 // offset of the text
)

// NoStep is Message.Step where no step is concerned.
const NoStep = ^uint32(0)

// Kinds of messages.
const (
	// MsgStarted: the sandbox's first process exists; Extra is its pid. From the monitor.
	MsgStarted = iota + 1
	// MsgReady: the first process has come to OpGo. Raw holds, from byte 4 on, NumNamespaces
	// numbers of 8 bytes, the inodes of its namespaces, in the order of NamespaceFiles.
	MsgReady
	// MsgExec: the payload is about to become the command. The payload's process sends it.
	MsgExec
	// MsgFault: a step failed; nothing after it was done. Extra is what the comment of its Sub
	// says; if a destination is at fault, the number of bytes of its path up to the component at
	// fault, or 0 if that is not known. Raw is the text that the Sub names, such as a link's target.
	MsgFault
	// MsgWarn: a step failed in a way that FlagForgive permits. Extra and Raw are as in MsgFault.
	MsgWarn
	// MsgLeave: the front end is asked to end, because its threads stand in the way
	// (RLIMIT_NPROC). What goes wrong afterwards is said in the few messages of code without a runtime.
	MsgLeave
	// MsgMaps: an OpIDMap with FlagOutside, which is Step, waits for its maps.
	MsgMaps
	// MsgOver: an attempt with FlagTentative has ended before OpGo, and all its processes
	// with it; another plan may follow. From the monitor, after any MsgFault of the attempt.
	// Extra is the wait status of the first process (wait(2)); 0 where there was none.
	MsgOver
)
