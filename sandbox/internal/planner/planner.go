package planner

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Description is a description of a sandbox as the compiler reads it. It remembers which field each
// text came from, because the compiler knows an option only by the offset of its text.
type Description struct {
	// The parts of a description that the compiler takes.
	Spec  flat.Spec
	Items []flat.Item
	Text  flat.Text
	// One of the strings has a NUL byte in it: it would be cut there, so no plan can be made.
	NUL bool
	// What asks for a field, for messages.
	Origin func(field string) plan.Origin

	origins map[flat.Word]plan.Origin
}

// New returns an empty description. Offset 0 of its text is the empty string.
func New(origin func(field string) plan.Origin) Description {
	return Description{Text: make(flat.Text, 1, 1<<12), Origin: origin, origins: map[flat.Word]plan.Origin{}}
}

// Word puts a string into the text.
func (d *Description) Word(s string) flat.Word {
	if strings.IndexByte(s, 0) >= 0 {
		d.NUL = true
	}
	// Each use of a string gets a place of its own, since the place is also the origin's key.
	at := flat.Word(len(d.Text))
	d.Text = append(append(d.Text, s...), 0)
	return at
}

// From returns the place of the option, or the field, that asks for something.
func (d *Description) From(field string) flat.Word { return d.Source(d.Origin(field)) }

// Source puts the first word of an origin into the text, by whose place the compiler knows it.
func (d *Description) Source(o plan.Origin) flat.Word {
	at := d.Word(o.Words[0])
	d.origins[at] = o
	return at
}

// Item adds an entry of a list.
func (d *Description) Item(i flat.Item) { d.Items = append(d.Items, i) }

// Compiler returns the compiler of the description.
func (d *Description) Compiler(f *compile.Facts) *compile.Compiler {
	return &compile.Compiler{Spec: &d.Spec, Items: d.Items, Facts: f, Parts: emit.Parts{Text: d.Text}}
}

// Plan has the plan made, with larger buffers as long as they are too small.
func (d *Description) Plan(c *compile.Compiler, h *front.Facts) (*plan.Program, error) {
	for {
		switch c.Run() {
		case compile.Full:
			// The next run fits: it takes the same ways. Only AskPWD can still come between.
			c.Buffers = Buffers(c.Want())
		case compile.AskPWD:
			// Asked once; with an answer the compiler does not ask again.
			c.Facts.PWD = compile.No
			if h.SameFile != nil && h.SameFile(string(c.PWD()), h.Cwd) {
				c.Facts.PWD = compile.Yes
			}
		case compile.Done:
			return d.program(c)
		}
	}
}

// Buffers returns memory for a plan of so many steps, slots and bytes of strings.
func Buffers(steps, slots, arena int) emit.Buffers {
	return emit.Buffers{
		Steps: make([]plan.Step, steps), From: make([]flat.Word, steps), Slots: make([]uint64, slots), Arena: make([]byte, arena),
	}
}

// program returns the finished plan, with the options that asked for its steps.
func (d *Description) program(c *compile.Compiler) (*plan.Program, error) {
	size, ok := c.Size()
	if !ok {
		return nil, plan.ErrTooLarge
	}
	p := &plan.Program{Bytes: make([]byte, size)}
	c.Layout(p.Bytes)
	p.Flags = p.Header().Flags
	for _, w := range c.From[:p.Header().Steps] {
		// A step that no option asked for has an empty origin.
		p.Origins = append(p.Origins, d.origins[w])
	}
	return p, nil
}
