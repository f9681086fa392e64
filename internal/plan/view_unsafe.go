package plan

// No runtime. See sandbox/child/doc.go for the laws of this file.

import "unsafe"

// View is a plan in memory, for who carries it out, without a runtime. Verify has judged
// it, and nobody else can write there. Its accessors stay inside the plan whatever index they
// are given: one that is out of range gives the first step, slot or string.
type View struct {
	base unsafe.Pointer
	*Header
}

// ViewAt is the verified plan at base.
func ViewAt(base unsafe.Pointer) View { return View{base, (*Header)(base)} }

// Base is where the plan begins.
func (v View) Base() unsafe.Pointer { return v.base }

// Step is step i.
func (v View) Step(i uint32) *Step {
	if i >= v.Steps {
		i = 0
	}
	return StepAt(v.base, i)
}

// Slot is slot i.
func (v View) Slot(i uint32) *uint64 {
	if i >= v.Slots {
		i = 0
	}
	return SlotAt(v.base, v.Header, i)
}

// Str is the string at an offset into the arena, with its NUL. Offset 0 is the empty string.
func (v View) Str(off uint32) unsafe.Pointer {
	if off >= v.ArenaLen {
		off = 0
	}
	return unsafe.Add(v.base, uintptr(v.Arena)+uintptr(off))
}

// Has reports whether one of the flags is set.
func (v View) Has(flags uint32) bool { return v.Flags&flags != 0 }
