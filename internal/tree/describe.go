package tree

import (
	"strconv"
	"strings"
)

// Line is where a description of a sandbox lists an operation.
type Line uint8

// The lines, in their order.
const (
	Unlisted Line = iota // it says nothing about what can be reached
	FromHost
	Writable
	WithDevices
	Tightened
	Masked
	maskedNow
	Protected
	protectedNow
	New
	Stays
	Links
	Procs
	NumLines
)

// String returns what a line says in front of the places.
func (l Line) String() string {
	return [NumLines]string{
		FromHost:     "read-only from the host",
		Writable:     "WRITABLE from the host",
		WithDevices:  "WRITABLE from the host, with its devices",
		Tightened:    "made read-only",
		Masked:       "masked, so that nobody opens it",
		maskedNow:    "masked where it matches now, not what comes later",
		Protected:    "protected, so that it stays as it is",
		protectedNow: "protected where it matches now, not what comes later",
		New:          "new, removed at the end",
		Stays:        "created on the host, and stays there",
		Links:        "links",
		Procs:        "proc mounted at",
	}[l]
}

// LineOf returns where the i-th of all operations is listed. What a pattern matches is found out when the
// sandbox is made, and not again, so that it has a line of its own. What is not mounted, but created below a
// writable bind, outlives the sandbox.
func LineOf(ops []Op, i int) Line {
	op := &ops[i]
	line := op.line()
	if op.Glob {
		return line + 1
	}
	if (line == New || line == Links) && kinds[op.Kind].hides == nothing {
		for j := i - 1; j >= 0; j-- {
			if ops[j].Hides(BoxPath(op.Dest)) {
				if below := ops[j].line(); below == Writable || below == WithDevices {
					return Stays
				}
				break
			}
		}
	}
	return line
}

func (op *Op) line() Line { return kinds[op.Kind].lines[int(op.Access)+int(op.Writes)] }

// Describe returns where op acts, and what it takes for that.
func (op *Op) Describe() string {
	dest, more := BoxPath(op.Dest), kinds[op.Kind].note
	switch {
	// The same path on both sides is the usual case, and is not repeated.
	case op.Source != "" && BoxPath(op.Source) != dest:
		more = op.Source
	case op.FD.Given && !Reads(op.Kind):
		more = "fd " + strconv.Itoa(op.FD.N)
	case op.Upper != "":
		more = "over " + strings.Join(op.Layers, ", ") + ", changes in " + op.Upper
	case len(op.Layers) > 0:
		more = "over " + strings.Join(op.Layers, ", ")
	case op.Target != "":
		more = "to " + op.Target
	}
	if more == "" {
		return dest
	}
	return dest + " (" + more + ")"
}

// cover is what an operation puts something on, so that what was there cannot be reached.
type cover uint8

const (
	nothing  cover = iota // it adds or changes a file, and mounts nothing
	itself                // its destination
	allBelow              // that, and what is below
)

// Hides reports whether op certainly puts something on a path, or above it.
func (op *Op) Hides(path string) bool {
	dest := BoxPath(op.Dest)
	switch {
	case op.Try || op.Glob: // perhaps not
		return false
	case kinds[op.Kind].hides == allBelow:
		return Lies(path, dest)
	}
	return kinds[op.Kind].hides == itself && path == dest
}

// Lies reports whether a path is the directory dir, or in it. Both are as BoxPath has them.
func Lies(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}
