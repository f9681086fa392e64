package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Buffers is the memory that a plan is made in. What does not fit is left out, and Run
// says Full: larger buffers are handed in then, and Run begins anew.
type Buffers struct {
	// The three parts of a plan, each of its own length.
	Steps []plan.Step
	// The option that asked for each step, for messages and listings; as long as Steps. It is not part of the plan's bytes.
	From  []flat.Word
	Slots []uint64
	Arena []byte
}

// used is how much of the buffers is in use; what was wanted, where it did not fit.
type used struct {
	steps, slots, arena int
}

// step appends a step and returns its index.
func (c *Compiler) step(s plan.Step) uint32 {
	n := c.used.steps
	// What does not fit is counted all the same: Want then returns the sizes for the next run.
	if n < len(c.Steps) && n < len(c.From) {
		c.Steps[n] = s
		c.From[n] = c.from // for messages and listings
	}
	c.used.steps = n + 1
	// The index is right also where the step was left out, so that a run into buffers that are too small takes the same ways.
	return uint32(n)
}

// slot appends a slot; what it holds depends on the range that it belongs to (plan.Header).
func (c *Compiler) slot(v uint64) {
	if n := c.used.slots; n < len(c.Slots) {
		c.Slots[n] = v
	}
	c.used.slots++
}

// byte appends one byte to the arena.
func (c *Compiler) byte(b byte) {
	if n := c.used.arena; n < len(c.Arena) {
		c.Arena[n] = b
	}
	c.used.arena++
}

// short is how many bytes are copied one by one: memmove lies among the Go runtime's code, in a page
// that nothing else of a launch is in.
const short = 128

// bytes appends bytes to the arena.
func (c *Compiler) bytes(b []byte) {
	// Half of a string would be of no use: the run is repeated in any case.
	if n := c.used.arena; n+len(b) <= len(c.Arena) {
		to := c.Arena[n : n+len(b)]
		if len(b) > short {
			copy(to, b)
		} else {
			for i := range to {
				to[i] = b[i]
			}
		}
	}
	c.used.arena += len(b)
}

// text appends the bytes of s, a constant, to the arena.
func (c *Compiler) text(s string) {
	// By hand: a conversion to a byte slice would allocate.
	for i := range len(s) {
		c.byte(s[i])
	}
}

// here returns the offset of the string that is appended next.
func (c *Compiler) here() uint32 { return uint32(c.used.arena) }

// word puts a string of the text into the arena; an empty one is at offset 0.
func (c *Compiler) word(w flat.Word) uint32 {
	b := c.Text.At(w)
	// An empty string and none are the same here: the parser has checked what must not be empty.
	if len(b) == 0 {
		return 0
	}
	at := c.here()
	c.bytes(b)
	c.byte(0)
	return at
}

// constant puts s into the arena.
func (c *Compiler) constant(s string) uint32 {
	at := c.here()
	c.text(s)
	c.byte(0)
	return at
}

// number appends digits to the arena.
func (c *Compiler) number(n uint32) {
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
	c.bytes(digits[i:])
}

// native appends a number of 8 bytes, as the machine has it: all for which this is built are little-endian.
func (c *Compiler) native(n uint64) {
	for range 8 {
		c.byte(byte(n))
		n >>= 8
	}
}

// box puts the absolute form of a path in the sandbox into the arena, followed by more:
// without empty and "." components. ".." stays: what it means depends on links.
func (c *Compiler) box(path []byte, more string) uint32 {
	at := c.used.arena
	for len(path) > 0 {
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		// "//" and "/./" are ordinary input (bwrap's callers write them).
		if part := path[:end]; end > 0 && (end > 1 || part[0] != '.') {
			c.byte('/')
			c.bytes(part)
		}
		path = path[min(end+1, len(path)):]
	}
	c.text(more)
	// Nothing is left of "/", "." or "": the root.
	if c.used.arena == at {
		c.byte('/')
	}
	c.byte(0)
	return uint32(at)
}

// align makes the arena's next offset a multiple of 8.
func (c *Compiler) align() {
	// The arena itself begins at a multiple of 8 in the plan, since the sizes of header, steps and slots are such.
	for c.used.arena%8 != 0 {
		c.byte(0)
	}
}
