package sandbox

import (
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// compileFor turns what is wanted (s) on this machine (h) into a plan.
func compileFor(s *wanted, h facts) (*plan.Program, error) {
	if err := validate(s); err != nil {
		return nil, err
	}
	uids, gids, err := who(s, &h)
	f, facts := flatten(s, &h, &uids, &gids)
	c := compile.Compiler{Spec: &f.spec, Items: f.items, Text: f.text, Facts: &facts, Buffers: buffers(64, 256, 1<<14)}
	if r := c.Check(); r != compile.Fine {
		return nil, s.broken(r)
	}
	if err != nil {
		return nil, err
	}
	if f.nul {
		return nil, plan.ErrNUL
	}
	return f.run(&c, &h)
}

// run has the plan made, with larger buffers as long as they are too small.
func (f *flattener) run(c *compile.Compiler, h *facts) (*plan.Program, error) {
	for {
		switch c.Run() {
		case compile.Full:
			c.Buffers = buffers(c.Want())
		case compile.AskPWD:
			c.Facts.PWD = compile.No
			if h.SameFile != nil && h.SameFile(string(c.PWD()), h.Cwd) {
				c.Facts.PWD = compile.Yes
			}
		case compile.Done:
			return f.program(c)
		}
	}
}

func buffers(steps, slots, arena int) compile.Buffers {
	return compile.Buffers{
		Steps: make([]plan.Step, steps), From: make([]flat.Word, steps), Slots: make([]uint64, slots), Arena: make([]byte, arena),
	}
}

// program returns the finished plan, with the options that asked for its steps.
func (f *flattener) program(c *compile.Compiler) (*plan.Program, error) {
	size, ok := c.Size()
	if !ok {
		return nil, plan.ErrTooLarge
	}
	p := &plan.Program{Bytes: make([]byte, size)}
	c.Layout(p.Bytes)
	p.Flags = p.Header().Flags
	for _, w := range c.From[:p.Header().Steps] {
		p.Origins = append(p.Origins, f.origins[w])
	}
	return p, nil
}

// wantsUser reports whether there will be a user namespace of the sandbox's own.
func wantsUser(s *wanted, h *facts) bool {
	f, facts := flatten(&wanted{Spec: Spec{Namespaces: s.Namespaces, Identity: Identity{UID: s.Identity.UID, GID: s.Identity.GID}}}, h, nil, nil)
	c := compile.Compiler{Spec: &f.spec, Facts: &facts}
	return c.WantsUser()
}
