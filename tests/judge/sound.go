// Package judge says, by other means than plan.Verify and suid.Gate, what is wrong with a
// plan. Tests compare.
package judge

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// Sound says, independently of plan.Verify, what makes a plan unfit to be walked: it goes
// where the child would go.
func Sound(p *plan.Program) error {
	h := p.Header()
	if uint64(h.Arena)+uint64(h.ArenaLen) != uint64(len(p.Bytes)) {
		return fmt.Errorf("the arena ends at %d of %d", uint64(h.Arena)+uint64(h.ArenaLen), len(p.Bytes))
	}
	arena := p.Bytes[h.Arena:]
	text := func(what string, off uint64) error {
		if off >= uint64(len(arena)) || !slices.Contains(arena[off:], 0) {
			return fmt.Errorf("%s at %d is no string of the arena", what, off)
		}
		return nil
	}
	if h.Steps == 0 || p.Step(h.Steps-1).Op != plan.OpExec || h.Setup >= h.Steps || h.Join > h.Setup {
		return fmt.Errorf("the payload does not end with exec")
	}
	for i := range h.Steps {
		if err := soundStep(p, i, text); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return soundSlots(p, h, text)
}

// texts are the operands of each operation that are strings; b is a destination in B.
var texts = map[plan.Op]string{
	plan.OpIDMap: "AB", plan.OpSource: "A", plan.OpBind: "b", plan.OpMount: "bC", plan.OpOverlay: "b", plan.OpDir: "b",
	plan.OpFile: "b", plan.OpData: "b", plan.OpSymlink: "Ab", plan.OpChmod: "b", plan.OpRemountRO: "b", plan.OpProc: "b",
	plan.OpHostname: "A", plan.OpChdir: "AB", plan.OpLabel: "B", plan.OpLock: "A",
}

func soundStep(p *plan.Program, i uint32, text func(string, uint64) error) error {
	s := p.Step(i)
	if s.Op == 0 || s.Op >= plan.NumOps {
		return fmt.Errorf("operation %d", s.Op)
	}
	for _, operand := range texts[s.Op] {
		v := map[rune]uint32{'A': s.A, 'B': s.B, 'b': s.B, 'C': s.C}[operand]
		if err := text(s.Op.String(), uint64(v)); err != nil {
			return err
		}
		if operand == 'b' && (p.Str(v) == "" || p.Str(v)[0] != '/') {
			return fmt.Errorf("destination %q", p.Str(v))
		}
	}
	source := func(k uint32) error {
		if k >= i || p.Step(k).Op != plan.OpSource {
			return fmt.Errorf("step %d is no source", k)
		}
		return nil
	}
	switch s.Op {
	case plan.OpBind:
		return source(s.A)
	case plan.OpOverlay:
		n := s.C
		if s.D == plan.OverlayRW {
			n += 2
		}
		for k := range min(n, 1000) {
			if err := source(s.A + k); err != nil {
				return err
			}
		}
	case plan.OpSeccomp:
		h := p.Header()
		if end := uint64(s.A) + 8*uint64(s.B); s.B == 0 || end > uint64(h.ArenaLen) || (h.Arena+s.A)%8 != 0 {
			return fmt.Errorf("a filter from %d to %d", s.A, end)
		}
	}
	return nil
}

func soundSlots(p *plan.Program, h plan.Header, text func(string, uint64) error) error {
	taken := map[uint32]string{}
	for _, r := range []struct {
		name     string
		first, n uint32
		strings  uint32 // how many of the n are strings; the rest must be 0
		numbers  bool
	}{
		{"argv", h.Argv, h.Argc + 1, h.Argc, false},
		{"env", h.Env, h.Envc + 1, h.Envc, false},
		{"paths", h.Paths, h.Pathc, h.Pathc, false},
		{"close", h.Close, h.Closec, 0, true},
		{"early", h.Early, h.Earlyc, 0, true},
		{"sync", h.Sync, h.Syncc, 0, true},
		{"script", h.Script, h.Argc + 2, 0, true},
	} {
		for k := range r.n {
			i := r.first + k
			if i >= h.Slots {
				return fmt.Errorf("%s: slot %d of %d", r.name, i, h.Slots)
			}
			if other := taken[i]; other != "" {
				return fmt.Errorf("slot %d is %s and %s", i, r.name, other)
			}
			taken[i] = r.name
			v := slot(p, h, i)
			if k < r.strings {
				if err := text(r.name, v); err != nil {
					return err
				}
			} else if !r.numbers && v != 0 {
				return fmt.Errorf("%s does not end with 0 but %#x", r.name, v)
			} else if r.numbers && r.name != "script" && v > 1<<31-1 {
				return fmt.Errorf("%s holds %d", r.name, v)
			}
		}
	}
	if h.Argc == 0 || h.Pathc == 0 || taken[h.Pwd] != "env" || h.Pwd == h.Env+h.Envc {
		return fmt.Errorf("nothing to run, or PWD at slot %d", h.Pwd)
	}
	return nil
}

// slot reads a slot, which the caller knows to be there.
func slot(p *plan.Program, h plan.Header, i uint32) uint64 {
	return binary.NativeEndian.Uint64(p.Bytes[plan.HeaderSize+plan.StepSize*h.Steps+plan.SlotSize*i:])
}
