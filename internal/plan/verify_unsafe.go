package plan

// No runtime. See sandbox/child/doc.go for the laws of this file.

import "unsafe"

// In Verify every load is checked against the length first.

// Verdict is the result of Verify; Good is zero.
type Verdict uint32

// Verdicts. A plan made by package compile is always Good; the rest are bugs or attacks.
const (
	Good Verdict = iota
	// Too short, or of another version.
	BadHeader
	// Parts that do not fill the plan, or unknown flags.
	BadLayout
	// No operation has this number.
	BadStep
	BadOperand // not as its kind demands
	BadString  // outside of the arena, or not as its kind demands
	// Ranges of slots that overlap or pass the end, or a count that may not be 0.
	BadSlot
	// A length or a place that a filter, or the values of a
	// setting, cannot have. The kernel checks what they hold.
	BadFilter
	// A step where its operation may not stand, or with a flag that it does not take.
	BadOrder
)

// Verify checks the n bytes at base: that executing them cannot read outside of them or name a
// string that does not end, and asks only for what the tables contain. It is the only check of
// a plan. A process that executes one calls it first, on a copy that nobody else can write.
func Verify(base unsafe.Pointer, n uint32) Verdict {
	if n < HeaderSize {
		return BadHeader
	}
	h := (*Header)(base)
	if v := verifyLayout(base, h, n); v != Good {
		return v
	}
	// First, since where a step may stand depends on where these two do.
	root, pivot, v := frame(base, h)
	if v != Good {
		return v
	}
	for i := uint32(0); i < h.Steps; i++ {
		s := StepAt(base, i)
		// Before the table is indexed with it.
		if s.Op == opNone || s.Op >= NumOps {
			return BadStep
		}
		if s.Flags&^ops[s.Op].flags != 0 || !inPlace(h, s.Op, i, root, pivot) {
			return BadOrder
		}
		if v := verifyStep(base, h, s, i); v != Good {
			return v
		}
	}
	// The last step is the one that does not return: no process runs on behind the steps.
	if StepAt(base, h.Steps-1).Op != OpExec {
		return BadOrder
	}
	return verifySlots(base, h)
}

// StepAt returns step i of a plan. The caller has checked i against the header.
func StepAt(base unsafe.Pointer, i uint32) *Step {
	return (*Step)(unsafe.Add(base, HeaderSize+uintptr(i)*StepSize))
}

// SlotAt returns slot i of a plan. The caller has checked i against the header.
func SlotAt(base unsafe.Pointer, h *Header, i uint32) *uint64 {
	return (*uint64)(unsafe.Add(base, HeaderSize+uintptr(h.Steps)*StepSize+uintptr(i)*SlotSize))
}

func byteAt(base unsafe.Pointer, off uint32) byte {
	return *(*byte)(unsafe.Add(base, uintptr(off)))
}

func verifyLayout(base unsafe.Pointer, h *Header, n uint32) Verdict {
	// Perhaps of another version: the magic number changes with the layout.
	if h.Magic != Magic || h.Size != n || n > MaxSize {
		return BadHeader
	}
	if h.Steps > MaxSteps || h.Slots > MaxSlots || h.Join > h.Setup || h.Setup > h.Steps || h.Steps == 0 {
		return BadLayout
	}
	// At most 112 + 2^20*32 + 2^24*8: no overflow.
	arena := HeaderSize + h.Steps*StepSize + h.Slots*SlotSize
	if h.Arena != arena || arena >= n || h.ArenaLen != n-arena {
		return BadLayout
	}
	// Byte 0 makes offset 0 the empty string, the last one ends every other.
	if byteAt(base, arena) != 0 || byteAt(base, n-1) != 0 {
		return BadLayout
	}
	if h.Flags&^uint32(AllFlags) != 0 || h.Clone&^uint32(cloneMask) != 0 || h.JSONFd < -1 || h.Failed == 0 || h.Failed > 255 {
		return BadLayout
	}
	// A plan without a mount namespace of its own would mount on the host.
	if h.Clone&newNS == 0 {
		return BadLayout
	}
	// The flag decides whether there is a process for these steps.
	if (h.Flags&FlagJoin != 0) != (h.Join > 0) {
		return BadOrder
	}
	return Good
}

func verifyStep(base unsafe.Pointer, h *Header, s *Step, i uint32) Verdict {
	// Known already; repeated for the compiler, which then leaves out a bounds check that could panic.
	if s.Op >= NumOps {
		return BadStep
	}
	// An array of the operands would be indexed with a check
	// that can panic, and there is no runtime to do that.
	info := &ops[s.Op]
	// Each is told the next operand too, since a filter's length stands there. The verdicts
	// are joined by bits: which one it is does not matter then, only that it is not Good.
	v := verifyOperand(base, h, i, info.operands[0], s.A, s.B)
	v |= verifyOperand(base, h, i, info.operands[1], s.B, s.C)
	v |= verifyOperand(base, h, i, info.operands[2], s.C, s.D)
	v |= verifyOperand(base, h, i, info.operands[3], s.D, s.E)
	v |= verifyOperand(base, h, i, info.operands[4], s.E, s.F)
	v |= verifyOperand(base, h, i, info.operands[5], s.F, s.G)
	v |= verifyOperand(base, h, i, info.operands[6], s.G, 0)
	if v != Good {
		return v
	}
	if s.Op == OpOverlay {
		return verifyOverlay(base, s, i)
	}
	if s.Op == OpProc && (s.Flags&FlagOrBind != 0) && (s.A == 0 || s.Flags&FlagOrNone != 0) {
		// Nothing to bind, or two ways at once.
		return BadOperand
	}
	return Good
}

// frame finds the one OpRoot and the one OpPivot, between which the new root is built.
func frame(base unsafe.Pointer, h *Header) (root, pivot uint32, v Verdict) {
	root, pivot = h.Steps, h.Steps
	slave := h.Steps
	for i := uint32(0); i < h.Steps; i++ {
		switch StepAt(base, i).Op {
		case OpSlave:
			slave = min(slave, i)
		case OpRoot:
			// There is one frame, and OpSlave comes before it: what
			// is mounted for the frame must not reach the host.
			if root != h.Steps || slave >= i {
				return 0, 0, BadOrder
			}
			root = i
		case OpPivot:
			// After a second change of root the first one would
			// no longer be the last word on what is reachable.
			if pivot != h.Steps {
				return 0, 0, BadOrder
			}
			pivot = i
		}
	}
	// Both are the work of the first process, and the payload starts in the new root.
	if root < h.Join || root >= pivot || pivot >= h.Setup {
		return 0, 0, BadOrder
	}
	return root, pivot, Good
}

// inPlace reports whether an operation may stand at index i.
func inPlace(h *Header, op Op, i, root, pivot uint32) bool {
	switch ops[op].phase {
	case beforeClone:
		// The payload's process never enters a namespace.
		return i < h.Setup
	case beforeRoot:
		return i >= h.Join && i < root
	case inRoot:
		return i > root && i < pivot
	case inPayload:
		return i >= h.Setup && i != h.Steps-1
	case atEnd:
		return i == h.Steps-1 && i >= h.Setup
	default:
		return i >= h.Join && i < h.Setup
	}
}

func verifyOperand(base unsafe.Pointer, h *Header, i uint32, k kind, v, next uint32) Verdict {
	switch k {
	case unused, slot:
		if v != 0 {
			return BadOperand
		}
	case str, host:
		if v >= h.ArenaLen {
			return BadString
		}
	// From the top of the new root. A relative path would depend
	// on the directory that the process happens to be in.
	case path:
		if v >= h.ArenaLen || byteAt(base, h.Arena+v) != '/' {
			return BadString
		}
	// Of type int. Whether it is open is asked where it is used.
	case fd:
		if v > 1<<31-1 {
			return BadOperand
		}
	case octal:
		// Permissions, set-id bits and the sticky bit (inode(7)).
		if v > 0o7777 {
			return BadOperand
		}
	case msflags: // MS_* that a bind may add
		// A flag that does not restrict would be a way to undo a restriction of the host's.
		if v&^uint32(msMask) != 0 {
			return BadOperand
		}
	case nsflags:
		if v&^uint32(cloneMask) != 0 {
			return BadOperand
		}
	// Only an earlier step can have opened it, in the same process.
	case maybeSource:
		if v != 0 && (v >= i || v < h.Join || StepAt(base, v).Op != OpSource) {
			return BadOperand
		}
	case source, overlay:
		if v >= i || v < h.Join || StepAt(base, v).Op != OpSource {
			return BadOperand
		}
	case filter:
		return verifyWords(h, v, next, MaxFilter)
	case values:
		return verifyWords(h, v, next, MaxValues)
	case mountKind:
		// The acting side indexes its own table with it.
		if v >= numMounts {
			return BadOperand
		}
	case labelKind:
		if v >= numLabels {
			return BadOperand
		}
	case label:
		return verifyLabel(base, h, v)
	}
	return Good
}

// verifyWords checks a list of 1 to most words of 8 bytes, aligned as struct sock_filter needs.
func verifyWords(h *Header, off, n, most uint32) Verdict {
	// The subtraction does not overflow, since off is smaller.
	if n == 0 || n > most || off&7 != 0 || h.Arena&7 != 0 || off >= h.ArenaLen || n*8 > h.ArenaLen-off {
		return BadFilter
	}
	return Good
}

// verifyLabel checks that a label can be put between the quotes of a mount option.
func verifyLabel(base unsafe.Pointer, h *Header, off uint32) Verdict {
	if off >= h.ArenaLen {
		return BadString
	}
	// It stops in time: the arena's last byte is NUL.
	for i := uint32(0); i < MaxLabel; i++ {
		switch byteAt(base, h.Arena+off+i) {
		case 0:
			return Good
		// The label stands in quotes in a list of mount options
		// (context="..."): these would end it, and add options.
		case '"', '\\', '\n':
			return BadString
		}
	}
	return BadString
}

func verifyOverlay(base unsafe.Pointer, s *Step, i uint32) Verdict {
	n := s.C
	if n == 0 || n > MaxLayers || s.D > OverlayRO {
		return BadOperand
	}
	if s.D == OverlayRW {
		// Upper and work directory.
		n += 2
	}
	for k := uint32(0); k < n; k++ {
		// No layer may be missing: without one the overlay would show other files than were asked for.
		if s.A+k >= i || StepAt(base, s.A+k).Op != OpSource || StepAt(base, s.A+k).Flags != 0 {
			return BadOperand
		}
	}
	return Good
}

// verifySlots checks that the ranges lie one behind the other, as the compiler lays them out:
// the payload's process turns offsets into addresses in place
// (package payload), so that no range may share a slot.
func verifySlots(base unsafe.Pointer, h *Header) Verdict {
	// All are below 2^24, so that the sums below do not overflow.
	if h.Argc == 0 || h.Pathc == 0 || h.Argc > h.Slots || h.Envc > h.Slots || h.Pathc > h.Slots ||
		h.Closec > h.Slots || h.Earlyc > h.Slots || h.Syncc > h.Slots { // all below 2^24: sums do not overflow
		return BadSlot
	}
	// No gaps, no overlaps, and nothing behind the last: the order is that of package compile.
	if h.Argv != 0 || h.Env != h.Argc+1 || h.Paths != h.Env+h.Envc+1 || h.Close != h.Paths+h.Pathc ||
		h.Early != h.Close+h.Closec || h.Sync != h.Early+h.Earlyc || h.Script != h.Sync+h.Syncc ||
		h.Slots != h.Script+h.Argc+2 {
		return BadSlot
	}
	// The lists end with a null pointer for execve(2), and PWD is one of the environment's strings.
	if *SlotAt(base, h, h.Argc) != 0 || *SlotAt(base, h, h.Env+h.Envc) != 0 || h.Pwd < h.Env || h.Pwd >= h.Env+h.Envc {
		return BadSlot
	}
	if !stringSlots(base, h, h.Argv, h.Argc) || !stringSlots(base, h, h.Env, h.Envc) || !stringSlots(base, h, h.Paths, h.Pathc) {
		return BadSlot
	}
	if !numberSlots(base, h, h.Close, h.Closec) || !numberSlots(base, h, h.Early, h.Earlyc) || !numberSlots(base, h, h.Sync, h.Syncc) {
		return BadSlot
	}
	return Good
}

func stringSlots(base unsafe.Pointer, h *Header, first, n uint32) bool {
	for i := uint32(0); i < n; i++ {
		// A string that begins in the arena also ends in it: the last byte is NUL.
		if *SlotAt(base, h, first+i) >= uint64(h.ArenaLen) {
			return false
		}
	}
	return true
}

func numberSlots(base unsafe.Pointer, h *Header, first, n uint32) bool {
	for i := uint32(0); i < n; i++ {
		// A number that is not a descriptor.
		if *SlotAt(base, h, first+i) > 1<<31-1 {
			return false
		}
	}
	return true
}
