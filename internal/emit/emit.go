// Package emit has what a plan is made of: steps, slots and strings, which are appended to buffers that
// the caller hands in. Packages compile and tree make plans with it.
package emit

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Buffers is the memory that a plan is made in. What does not fit is left out, and counted in Used: the
// plan is then made anew, in larger buffers.
type Buffers struct {
	// The three parts of a plan, each of its own length.
	Steps []plan.Step
	// The option that asked for each step, for messages and listings;
	// as long as Steps. It is not part of the plan's bytes.
	From  []flat.Word
	Slots []uint64
	Arena []byte
}

// Used is how much of the buffers is in use; what was wanted, where it did not fit.
type Used struct {
	Steps, Slots, Arena int
}

// Parts are a plan that is being made.
type Parts struct {
	Buffers
	Used Used
	// The strings that words name.
	Text flat.Text
	// The option that asks for the steps at work; 0: none, a step that every plan has.
	Origin flat.Word
}

// Step appends a step and returns its index.
func (p *Parts) Step(s plan.Step) uint32 {
	n := p.Used.Steps
	// What does not fit is counted all the same: Used then has the sizes for the next run.
	if n < len(p.Steps) && n < len(p.From) {
		p.Steps[n] = s
		p.From[n] = p.Origin // for messages and listings
	}
	p.Used.Steps = n + 1
	// The index is right also where the step was left out, so that
	// a run into buffers that are too small takes the same ways.
	return uint32(n)
}

// Slot appends a slot; what it holds depends on the range that it belongs to (plan.Header).
func (p *Parts) Slot(v uint64) {
	if n := p.Used.Slots; n < len(p.Slots) {
		p.Slots[n] = v
	}
	p.Used.Slots++
}

// Byte appends one byte to the arena.
func (p *Parts) Byte(b byte) {
	if n := p.Used.Arena; n < len(p.Arena) {
		p.Arena[n] = b
	}
	p.Used.Arena++
}

// short is how many bytes are copied one by one: memmove lies among the Go runtime's code, in a page
// that nothing else of a launch is in.
const short = 128

// Bytes appends bytes to the arena.
func (p *Parts) Bytes(b []byte) {
	// Half of a string would be of no use: the run is repeated in any case.
	if n := p.Used.Arena; n+len(b) <= len(p.Arena) {
		to := p.Arena[n : n+len(b)]
		if len(b) > short {
			copy(to, b)
		} else {
			for i := range to {
				to[i] = b[i]
			}
		}
	}
	p.Used.Arena += len(b)
}

// Literal appends the bytes of s, a constant, to the arena.
func (p *Parts) Literal(s string) {
	// By hand: a conversion to a byte slice would allocate.
	for i := range len(s) {
		p.Byte(s[i])
	}
}

// Here returns the offset of the string that is appended next.
func (p *Parts) Here() uint32 { return uint32(p.Used.Arena) }

// Word puts a string of the text into the arena; an empty one is at offset 0.
func (p *Parts) Word(w flat.Word) uint32 {
	b := p.Text.At(w)
	// An empty string and none are the same here: the parser has checked what must not be empty.
	if len(b) == 0 {
		return 0
	}
	at := p.Here()
	p.Bytes(b)
	p.Byte(0)
	return at
}

// Constant puts s into the arena.
func (p *Parts) Constant(s string) uint32 {
	at := p.Here()
	p.Literal(s)
	p.Byte(0)
	return at
}

// Number appends digits to the arena.
func (p *Parts) Number(n uint32) {
	// 10 digits are enough for 2^32-1.
	var digits [10]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	p.Bytes(digits[i:])
}

// Native appends a number of 8 bytes, as the machine has it: all for which this is built are little-endian.
func (p *Parts) Native(n uint64) {
	for range 8 {
		p.Byte(byte(n))
		n >>= 8
	}
}

// Box puts the absolute form of a path in the sandbox into the arena, followed by more:
// without empty and "." components. ".." stays: what it means depends on links.
func (p *Parts) Box(path []byte, more string) uint32 {
	at := p.Used.Arena
	for len(path) > 0 {
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		// "//" and "/./" are ordinary input (bwrap's callers write them).
		if part := path[:end]; end > 0 && (end > 1 || part[0] != '.') {
			p.Byte('/')
			p.Bytes(part)
		}
		path = path[min(end+1, len(path)):]
	}
	p.Literal(more)
	// Nothing is left of "/", "." or "": the root.
	if p.Used.Arena == at {
		p.Byte('/')
	}
	p.Byte(0)
	return uint32(at)
}

// Align makes the arena's next offset a multiple of 8.
func (p *Parts) Align() {
	// The arena itself begins at a multiple of 8 in the plan,
	// since the sizes of header, steps and slots are such.
	for p.Used.Arena%8 != 0 {
		p.Byte(0)
	}
}
