package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// MaxLayers bounds the lower layers of one overlay: their names must fit into the page of
// mount options that mount(2) takes.
const MaxLayers = 128

// source carries out the options with a host path.
func (p *Parser) source(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	// Refused here, where the option is known; mount(2) could only refuse the overlay as a whole.
	if o.do == doLayer && p.layers >= MaxLayers {
		return p.fail(TooManyLayers, 0)
	}
	if o.do == doOverlay {
		return p.overlay(o, text, known, items)
	}
	// Paths are not looked up here, only read: which file it is, the first process finds out.
	s := p.passed(p.args, text, known)
	switch {
	// A source that must not be there counts as one that is not there.
	case s == Failed && o.do == doBindTry:
		p.Fault = Fault{}
		return Done
	case s != Done:
		return s
	// The order is kept: layers given first are the lowest, as with bwrap.
	case o.do == doLayer:
		p.layers++
		p.add(items, flat.Item{Kind: flat.Layer, A: p.args})
	default:
		i := flat.Item{Kind: o.makes, A: p.args, B: text.Next(p.args), Access: o.with}
		if o.do == doBindTry {
			// Of --bind-try and the like, with ENOENT alone.
			i.Flags = flat.Absent
		}
		p.addFile(items, i)
	}
	return Done
}

// overlay handles options that make an overlay from the layers before them.
func (p *Parser) overlay(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	w := tree.Writes(o.with)
	i := flat.Item{Kind: o.makes, Writes: uint8(w), N: p.layers, B: p.args}
	switch {
	// Without an upper layer overlayfs wants two lower ones, or there would be nothing to overlay.
	case w == tree.Refused && p.layers < 2:
		return p.fail(OneLayer, 0)
	// An overlay of nothing.
	case p.layers == 0:
		return p.fail(NoLayers, 0)
	// These two are host paths as well.
	case w == tree.Kept:
		i.A, i.C = p.args, text.Next(p.args)
		i.B = text.Next(i.C) // RWSRC WORKDIR DEST
		if s := p.passed(i.A, text, known); s != Done {
			return s
		}
		if s := p.passed(i.C, text, known); s != Done {
			return s
		}
	}
	p.layers = 0 // they belong to one overlay
	p.addFile(items, i)
	return Done
}

// passed refuses a host path that names a descriptor which the caller did not pass: where
// the path is looked up, the number may be one of the launcher's own.
func (p *Parser) passed(w flat.Word, text flat.Text, known []Known) Status {
	n, names := namesFD(text.At(w))
	if !names {
		return Done
	}
	k := find(known, n)
	if k < 0 {
		p.FD = n
		return Ask
	}
	if !known[k].Open {
		return p.fail(NotPassed, w)
	}
	return Done
}

// namesFD reports whether path is below /proc/self/fd, /proc/thread-self/fd or /dev/fd, and
// for which descriptor.
func namesFD(path []byte) (fd int32, names bool) {
	const (
		// Nothing but slashes and dots so far.
		start = iota
		proc
		process // /proc/self
		list    // /proc/self/fd or /dev/fd
		dev
	)
	state := start
	for len(path) > 0 {
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		part := path[:end]
		path = path[min(end+1, len(path)):]
		switch {
		// These change nothing: "//proc/./self/fd/3" is the same file.
		case len(part) == 0 || flat.Equal(part, "."):
		case state == start && flat.Equal(part, "proc"):
			state = proc
		case state == start && flat.Equal(part, "dev"):
			state = dev
		case state == proc && (flat.Equal(part, "self") || flat.Equal(part, "thread-self")):
			state = process
		case (state == process || state == dev) && flat.Equal(part, "fd"):
			state = list
		case state == list:
			// What follows the number does not matter: the path leads through the descriptor.
			n, ok := flat.Decimal(part, 1<<31-1)
			return int32(n), ok
		// Other paths that lead here, through links or "..", are not recognised.
		default:
			return 0, false
		}
	}
	return 0, false
}
