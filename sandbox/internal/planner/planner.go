package planner

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Description is a description of a sandbox as the compiler reads it. It remembers which field each
// text came from, because the compiler knows an option only by the offset of its text.
type Description struct {
	Spec   flat.Spec
	Items  []flat.Item
	Text   flat.Text
	NUL    bool                           // one of the strings has a NUL byte in it
	Origin func(field string) plan.Origin // what asks for a field

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

// Plan has the plan made, with larger buffers as long as they are too small.
func (d *Description) Plan(c *compile.Compiler, h *front.Facts) (*plan.Program, error) {
	for {
		switch c.Run() {
		case compile.Full:
			c.Buffers = Buffers(c.Want())
		case compile.AskPWD:
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
func Buffers(steps, slots, arena int) compile.Buffers {
	return compile.Buffers{
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
		p.Origins = append(p.Origins, d.origins[w])
	}
	return p, nil
}
