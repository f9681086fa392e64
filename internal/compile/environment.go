package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
)

// While the environment is under change, a slot of it holds the word of an entry, or,
// marked, the index of the item that sets one.
const setBy = uint64(1) << 63

// environment applies the changes to the caller's environment. Order, duplicates and
// malformed entries pass through; a set variable keeps its place. PWD outlives a
// clearing, since it says where the command starts; it then comes last.
func (c *Compiler) environment() Status {
	c.env, c.envc = c.Used.Slots, 0
	// Each entry as it is: one without "=", and a second one of the same name, are the caller's to pass on.
	for w := c.Facts.Env; w < c.Facts.EnvEnd; w = c.Text.Next(w) {
		c.entry(uint64(w))
	}
	kept := uint64(0)
	for i := range c.Items {
		it := &c.Items[i]
		switch it.Kind {
		// PWD is kept aside: it is not the caller's word about the command, but where that starts.
		case flat.ClearEnv:
			if at := c.find(pwd); at >= 0 {
				// A second --clearenv finds none in the list, and leaves what is kept.
				kept = c.at(at)
			}
			c.Used.Slots, c.envc = c.env, 0 // all others are gone
		case flat.UnsetEnv:
			c.unset(c.Text.At(it.A))
		// In place, so that the order stays, as with bwrap.
		case flat.SetEnv:
			if at := c.findBytes(c.Text.At(it.A)); at >= 0 {
				c.put(at, setBy|uint64(i))
			} else {
				c.entry(setBy | uint64(i))
			}
		}
	}
	// Unless another option has set it since.
	if kept != 0 && c.find(pwd) < 0 {
		c.entry(kept)
	}
	if at := c.find(pwd); at < 0 {
		// 0 is not a Word: settleEnv makes "PWD=/" of it. PWD must be
		// there, since the OpChdir that succeeds sets it by its slot.
		c.entry(0)
		// Whether two paths lead to one directory takes system calls, which are not made here.
	} else if c.Facts.PWD == Unknown && !c.Spec.Strs[flat.Chdir].Given() && len(c.Facts.Cwd) > 0 && !same(c.value(at), c.Facts.Cwd) {
		return AskPWD
	}
	return Done
}

// pwd is the variable that says where the command starts.
// Shells trust it if it names the directory that they are in.
const pwd = "PWD"

// PWD returns the value that AskPWD is about.
func (c *Compiler) PWD() []byte {
	if at := c.find(pwd); at >= 0 {
		return c.value(at)
	}
	return nil
}

// entry appends an entry to the environment.
func (c *Compiler) entry(v uint64) {
	c.Slot(v)
	c.envc++
}

// at and put are an entry by its index; 0 where the buffer ends.
func (c *Compiler) at(i int) uint64 {
	// Beyond the buffer nothing is known, and the run is repeated.
	if i += c.env; i < len(c.Slots) {
		return c.Slots[i]
	}
	return 0
}

// put changes an entry, if the buffer has it.
func (c *Compiler) put(i int, v uint64) {
	if i += c.env; i < len(c.Slots) {
		c.Slots[i] = v
	}
}

// nameOf returns the variable's name of entry i, nil for one that has no "=".
func (c *Compiler) nameOf(i int) []byte {
	// The name of what an option sets is a word of its own.
	v := c.at(i)
	if v&setBy != 0 {
		return c.Text.At(c.Items[v&^setBy].A)
	}
	b := c.Text.At(flat.Word(v))
	for i, x := range b {
		if x == '=' {
			return b[:i]
		}
	}
	return nil
}

// value returns what entry i sets its variable to.
func (c *Compiler) value(i int) []byte {
	v := c.at(i)
	if v&setBy != 0 {
		return c.Text.At(c.Items[v&^setBy].B)
	}
	b := c.Text.At(flat.Word(v))
	for i, x := range b {
		if x == '=' {
			return b[i+1:]
		}
	}
	return nil
}

// find and findBytes find the first entry of a variable, or -1.
func (c *Compiler) find(name string) int {
	for i := range c.envc {
		if flat.Equal(c.nameOf(i), name) {
			return i
		}
	}
	return -1
}

// An entry without "=" has no name, and is never found.
func (c *Compiler) findBytes(name []byte) int {
	for i := range c.envc {
		if have := c.nameOf(i); have != nil && same(have, name) {
			return i
		}
	}
	return -1
}

// same reports whether two byte strings are equal. The compiler compares such conversions without making them.
func same(a, b []byte) bool { return string(a) == string(b) }

// unset takes every entry of a variable out.
func (c *Compiler) unset(name []byte) {
	kept := 0
	for i := range c.envc {
		if have := c.nameOf(i); have != nil && same(have, name) {
			continue
		}
		c.put(kept, c.at(i))
		kept++
	}
	c.Used.Slots, c.envc = c.env+kept, kept
}

// Environment makes the payload's environment alone: the first slots, as many as it returns,
// are the places of its entries in the arena.
func (c *Compiler) Environment() int {
	c.Used = emit.Used{}
	c.Byte(0)
	c.environment()
	n := c.envc
	if c.find(pwd) < 0 {
		// The one that a launch adds: it is not part of what the caller's changes make.
		n--
	}
	c.settleEnv()
	return n
}

// settleEnv puts the environment into the arena, and returns the slot of PWD.
func (c *Compiler) settleEnv() {
	at := c.find(pwd)
	if at < 0 {
		// It was appended as 0, and so has no name to be found by.
		at = c.envc - 1
	}
	c.header.Env, c.header.Envc = uint32(c.env), uint32(c.envc)
	c.header.Pwd = uint32(c.env + at)
	for i := range c.envc {
		v := c.at(i)
		var off uint32
		switch {
		// What environment has appended.
		case v == 0:
			off = c.Constant("PWD=/")
		// An entry of the caller's, copied whole.
		case v&setBy == 0:
			off = c.Word(flat.Word(v))
		default:
			// "NAME=VALUE" is put together only here, of an entry that has not been changed again.
			it := &c.Items[v&^setBy]
			off = c.Here()
			c.Bytes(c.Text.At(it.A))
			c.Byte('=')
			c.Bytes(c.Text.At(it.B))
			c.Byte(0)
		}
		c.put(i, uint64(off))
	}
}
