package plan

import (
	"bytes"
	"unsafe"
)

// This file reads a finished program, for messages and listings.

// Header returns the program's header.
func (p *Program) Header() Header { return *(*Header)(unsafe.Pointer(unsafe.SliceData(p.Bytes))) }

// Step returns step i, or the zero Step.
func (p *Program) Step(i uint32) Step {
	if h := p.Header(); i >= h.Steps {
		return Step{}
	}
	return *StepAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)), i)
}

// Str returns the string at an arena offset, or "".
func (p *Program) Str(off uint32) string {
	h := p.Header()
	if off >= h.ArenaLen {
		return ""
	}
	rest := p.Bytes[h.Arena+off:]
	return string(rest[:max(bytes.IndexByte(rest, 0), 0)])
}

// Path returns what a step works on: its destination, or its source where it has none.
func (p *Program) Path(s Step) string {
	if s.Op == 0 || s.Op >= NumOps {
		return ""
	}
	for k, v := range [7]uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G} {
		switch ops[s.Op].operands[k] {
		case path, host:
			if v != 0 {
				return p.Str(v)
			}
		}
	}
	if s.Op == OpChdir || s.Op == OpLock || s.Op == OpSocket {
		return p.Str(s.A)
	}
	return ""
}

// Verify checks the program as the acting side will.
func (p *Program) Verify() Verdict {
	if len(p.Bytes) < HeaderSize {
		return BadHeader
	}
	return Verify(unsafe.Pointer(unsafe.SliceData(p.Bytes)), uint32(len(p.Bytes)))
}

// Slots returns n slots from the first on.
func (p *Program) slots(first, n uint32) []uint64 {
	h := p.Header()
	out := make([]uint64, n)
	for i := range out {
		out[i] = *SlotAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)), &h, first+uint32(i))
	}
	return out
}

// String returns the name that listings use.
func (o Op) String() string {
	if o >= NumOps {
		return "invalid"
	}
	return ops[o].name
}
