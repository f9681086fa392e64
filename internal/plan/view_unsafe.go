package plan

// No runtime. See sandbox/child/doc.go for the laws of this file.

import "unsafe"

// View is a plan in memory, for the processes that execute it without a runtime. Verify has
// checked it, and no other process can write to it. Its accessors stay inside the plan
// whatever index they are given: one that is out of range gives the last step or slot, or the
// empty string. Every plan has a step and a slot.
type View struct {
	base unsafe.Pointer
	*Header
}

// ViewAt returns the verified plan at base.
func ViewAt(base unsafe.Pointer) View { return View{base, (*Header)(base)} }

// Base returns where the plan begins.
func (v View) Base() unsafe.Pointer { return v.base }

// Step is step i.
func (v View) Step(i uint32) *Step { return StepAt(v.base, min(i, v.Steps-1)) }

// Slot is slot i.
func (v View) Slot(i uint32) *uint64 { return SlotAt(v.base, v.Header, min(i, v.Slots-1)) }

// Str returns the string at an offset into the arena, with its NUL. Offset 0 is the empty
// string.
func (v View) Str(off uint32) unsafe.Pointer {
	if off >= v.ArenaLen {
		off = 0
	}
	return unsafe.Add(v.base, uintptr(v.Arena)+uintptr(off))
}

// Has reports whether one of the flags is set.
func (v View) Has(flags uint32) bool { return v.Flags&flags != 0 }

// HasCaps reports whether the payload is to have one of these capabilities, of the first 32.
func (v View) HasCaps(caps uint32) bool {
	for i := v.Setup; i < v.Steps; i++ {
		if s := v.Step(i); s.Op == OpCaps && s.C&caps != 0 {
			return true
		}
	}
	return false
}

// InUserns reports whether the payload will be in a user namespace: only there is the bounding
// set cut, since a process of root's may hand capabilities to others.
func (v View) InUserns() bool {
	for i := v.Setup; i < v.Steps; i++ {
		if s := v.Step(i); s.Op == OpCaps && s.Flags&FlagBounding != 0 {
			return true
		}
	}
	return false
}
