package plan

import (
	"encoding/binary"
	"strings"
)

// Magic opens every plan. It changes whenever the layout or the messages do.
const Magic = 0x38776267 // "gbw8", little endian

// Limits of a plan. They bound the work of the processes that execute it and keep every
// offset far from overflow; none is reached by real command lines.
const (
	// Bytes in a whole plan. It also keeps offsets within 32 bits when a few of them are added.
	MaxSize = 1 << 28
	// MaxSteps*StepSize and MaxSlots*SlotSize together stay below 2^32.
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
	// Of the whole plan, this header included, in bytes.
	Size uint32
	// Flag* of the whole plan; see flags.go.
	Flags uint32
	// CLONE_NEW* bits for the sandbox's first process. CLONE_NEWNS is always among them.
	Clone uint32

	// Steps is the number of all steps; Join and Setup divide
	// them (see the package comment), and Join <= Setup <= Steps.
	Steps, Join, Setup uint32

	Slots uint32 // how many slots follow the steps
	// Offset of the arena, which reaches to the end of the plan.
	Arena    uint32
	ArenaLen uint32

	// Slot ranges: first index and count. A slot of Argv, Env and Paths holds an
	// arena offset, a slot of Close and Sync a file descriptor.
	// Argc+1 slots; the last stays 0, as execve(2) demands. Argc is at least 1:
	// since Linux 5.18 the kernel would add an empty argument to an empty list.
	Argv, Argc uint32
	// Envc+1 slots; the last stays 0.
	Env, Envc uint32
	// The files that exec tries, in order: those of PATH, or the command as typed where it has a slash.
	Paths, Pathc uint32
	Script       uint32 // Argc+2 slots: argv of /bin/sh for a text file without "#!"
	// Descriptors that options used up: closed before exec, so that the payload does not inherit them.
	Close, Closec uint32
	// Those of them that the front end alone needs: closed at
	// once, since a pipe's writer waits for its readers to go.
	Early, Earlyc uint32
	// Descriptors that live as long as the sandbox: in init, or in the monitor with FlagKeepSync.
	Sync, Syncc uint32
	// Slot of PWD in the environment. The OpChdir that succeeds puts its own string there.
	Pwd uint32
	// Where the monitor writes the exit status; -1: nowhere.
	JSONFd int32
	// What the keeper maps the caller to. Other processes do not read them: their maps are texts, in OpIDMap.
	UID, GID uint32
	// The launcher's exit status where set-up fails, 1 to 255. It
	// is not 0, which would say that the command has succeeded.
	Failed uint32
}

// Step is one thing to do. What A to F mean depends on Op; see the table in op.go.
type Step struct {
	// Two halves of one word: a step has 32 bytes.
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
	Kind uint32
	// Index of the step, or NoStep.
	Step uint32
	// Which part of the step.
	Sub Sub
	// 0 where no system call failed.
	Errno uint32
	// A number; see the kinds.
	Extra uint32
	// Numbers, or a text that may be cut and ends with NUL. A text
	// has been read inside the sandbox: it is not to be trusted.
	Raw []byte
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
	// On a stream socket messages follow each other without marks, so all of them have this size.
	MessageSize = 256
	// Offset of Raw.
	MessageText = 20
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
