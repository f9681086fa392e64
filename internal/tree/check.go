package tree

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// FieldError is about a field of an [Op] that is not valid.
type FieldError struct {
	Field   string // its name, with an index where it is an entry of Layers; "": the Op itself
	Problem string // what is wrong, as a sentence without its subject
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// fields is a set of fields of an Op.
type fields uint16

const (
	dest fields = 1 << iota
	source
	fd
	access
	try
	glob
	target
	perms
	size
	layers
	writes
	upper
	work
)

// rows are the fields, in the order in which they are checked: when one has been given, and
// what an operation lacks that needs it.
//
//nolint:gochecknoglobals // read-only table
var rows = []struct {
	field   fields
	name    string
	given   func(*Op) bool
	missing string
}{
	{source, "Source", func(op *Op) bool { return op.Source != "" }, empty},
	{fd, "FD", func(op *Op) bool { return op.FD.Given || op.Content != nil }, "must be given (SetFD, or Pass of the Cmd)"},
	{target, "Target", func(op *Op) bool { return op.Target != "" }, empty},
	{layers, "Layers", func(op *Op) bool { return len(op.Layers) > 0 }, "must have at least one entry"},
	{upper, "Upper", func(op *Op) bool { return op.Upper != "" }, empty},
	{work, "Work", func(op *Op) bool { return op.Work != "" }, empty},
	{dest, "Dest", func(op *Op) bool { return op.Dest != "" }, empty},
	{access, "Access", func(op *Op) bool { return op.Access != 0 }, ""},
	{writes, "Writes", func(op *Op) bool { return op.Writes != 0 }, ""},
	{try, "Try", func(op *Op) bool { return op.Try }, ""},
	{glob, "Glob", func(op *Op) bool { return op.Glob }, ""},
	{perms, "Perms", func(op *Op) bool { return op.Perms.Given }, "must be given"},
	{size, "Size", func(op *Op) bool { return op.Size.Given }, ""},
}

const empty = "must not be empty"

// Check returns an error for the first field that is not valid, or nil: one that the kind
// needs and that was not given, one that was given and that the kind does not use, and a value
// that does not exist. Whether paths exist is not asked.
func (op *Op) Check() *FieldError {
	if !Valid(op.Kind) {
		return &FieldError{"", "is empty: make it with a function of package mounts"}
	}
	kind, needs := &kinds[op.Kind], op.needs()
	for _, r := range rows {
		given := r.given(op)
		switch {
		case needs&r.field != 0 && !given:
			return &FieldError{r.name, r.missing}
		case (needs|kind.takes)&r.field == 0 && given:
			return &FieldError{r.name, "is not used by " + kind.name}
		}
	}
	return op.checkValues()
}

// needs returns the fields without which op cannot be.
func (op *Op) needs() fields {
	needs := kinds[op.Kind].needs
	if op.Kind == Overlay && op.Writes == Kept {
		needs |= upper | work
	}
	return needs
}

// checkValues is Check for the values of the fields that count.
func (op *Op) checkValues() *FieldError {
	switch {
	case op.Perms.Bits > 0o7777:
		return &FieldError{"Perms", "0" + strconv.FormatUint(uint64(op.Perms.Bits), 8) + " is more than 07777"}
	case op.Size.Given && op.Size.Bytes == 0:
		return &FieldError{"Size", "must not be 0"}
	case op.Size.Bytes > 1<<63-1:
		return &FieldError{"Size", strconv.FormatUint(op.Size.Bytes, 10) + " is more than the kernel takes"}
	case op.FD.Given && (op.FD.N < 0 || int64(op.FD.N) > 1<<31-1):
		return &FieldError{"FD", strconv.Itoa(op.FD.N) + " cannot be a descriptor"}
	case op.Kind == Overlay && op.Writes == Refused && len(op.Layers) < 2:
		return &FieldError{"Layers", "must have at least two entries"}
	case len(op.Layers) > plan.MaxLayers:
		return &FieldError{"Layers", "at most " + strconv.Itoa(plan.MaxLayers) + " layers fit into one overlay"}
	}
	return op.checkPaths()
}

// checkPaths looks at the strings.
func (op *Op) checkPaths() *FieldError {
	if Denies(op.Kind) {
		switch {
		case op.Glob && !flat.IsPattern([]byte(op.Dest)):
			return &FieldError{"Dest", strconv.Quote(op.Dest) + " is not an absolute pattern with a literal first component"}
		case !flat.IsBelowRoot([]byte(op.Dest)):
			return &FieldError{"Dest", strconv.Quote(op.Dest) + " must be an absolute path below the root"}
		}
	}
	for i, layer := range op.Layers {
		name := "Layers[" + strconv.Itoa(i) + "]"
		if layer == "" {
			return &FieldError{name, empty}
		}
		if strings.IndexByte(layer, 0) >= 0 {
			return &FieldError{name, nul}
		}
	}
	for _, s := range []struct{ name, path string }{
		{"Source", op.Source}, {"Target", op.Target}, {"Upper", op.Upper}, {"Work", op.Work}, {"Dest", op.Dest},
	} {
		if strings.IndexByte(s.path, 0) >= 0 {
			return &FieldError{s.name, nul}
		}
	}
	return nil
}

const nul = "contains a NUL byte"
