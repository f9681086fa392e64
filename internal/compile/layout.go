package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"encoding/binary"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// Size returns the length of the plan in bytes; false where it is beyond a plan's limits.
func (c *Compiler) Size() (n int, ok bool) {
	u := &c.Used
	n = plan.HeaderSize + u.Steps*plan.StepSize + u.Slots*plan.SlotSize + u.Arena
	// n does not overflow: each count is that of things that lie in memory, or would have to.
	return n, u.Steps <= plan.MaxSteps && u.Slots <= plan.MaxSlots && n <= plan.MaxSize
}

// Exact reports whether the buffers are as long as the plan's parts, no longer.
func (c *Compiler) Exact() bool {
	u := &c.Used
	return u.Steps == len(c.Steps) && u.Slots == len(c.Slots) && u.Arena == len(c.Arena)
}

// Head writes the plan's header to out. Where the buffers are Exact, and lie behind out and
// behind each other, this completes the plan.
func (c *Compiler) Head(out []byte) {
	h, u := &c.header, &c.Used
	h.Magic = plan.Magic
	// Known only now: the steps, slots and strings follow each other as Verify demands.
	h.Steps, h.Slots = uint32(u.Steps), uint32(u.Slots)
	h.Arena = uint32(plan.HeaderSize + u.Steps*plan.StepSize + u.Slots*plan.SlotSize)
	h.ArenaLen = uint32(u.Arena)
	h.Size = h.Arena + h.ArenaLen
	at := 0
	// In the order of the fields of plan.Header. A copy of the struct would take an unsafe pointer.
	for _, v := range [...]uint32{
		h.Magic, h.Size, h.Flags, h.Clone, h.Steps, h.Join, h.Setup, h.Slots, h.Arena, h.ArenaLen,
		h.Argv, h.Argc, h.Env, h.Envc, h.Paths, h.Pathc, h.Script, h.Close, h.Closec, h.Early, h.Earlyc, h.Sync, h.Syncc,
		h.Pwd, uint32(h.JSONFd), h.UID, h.GID, h.Failed,
	} {
		// In the order of the machine: a plan never leaves it.
		binary.NativeEndian.PutUint32(out[at:], v)
		at += 4
	}
}

// Layout writes the plan to out, which has its Size.
func (c *Compiler) Layout(out []byte) {
	u := &c.Used
	c.Head(out)
	at := plan.HeaderSize
	for i := range c.Steps[:u.Steps] {
		putStep(out[at:at+plan.StepSize], &c.Steps[i])
		at += plan.StepSize
	}
	for _, v := range c.Slots[:u.Slots] {
		binary.NativeEndian.PutUint64(out[at:], v)
		at += plan.SlotSize
	}
	copy(out[at:], c.Arena[:u.Arena])
}

// putStep writes a step as plan.Step lies in memory.
func putStep(out []byte, s *plan.Step) {
	binary.NativeEndian.PutUint16(out, uint16(s.Op))
	binary.NativeEndian.PutUint16(out[2:], s.Flags)
	for i, v := range [...]uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G} {
		binary.NativeEndian.PutUint32(out[4+4*i:], v)
	}
}
