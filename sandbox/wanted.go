package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// wanted is a Spec with all that its Cmd says besides, as the compiler takes it.
type wanted struct {
	Spec
	files []tree.Op
	line  *front.Line // where a command line has made the Spec, or nil
	chdir string      // the field that says where the command starts
}

// wantedOf returns a Spec whose wishes are settled. l may be nil.
func wantedOf(s *Spec, l *front.Line) *wanted {
	w := &wanted{Spec: *s, line: l, chdir: "Command.Chdir"}
	for _, op := range s.Files {
		w.files = append(w.files, op.Tree())
	}
	return w
}

// at returns the name of an entry of a list.
func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// words returns the option that has set a field, with its operands; nil where no command line
// has made the Spec.
func (w *wanted) words(field string) []string {
	if w.line == nil || w.line.Words == nil {
		return nil
	}
	return w.line.Words(field)
}

// origin returns where a field comes from, for listings and errors.
func (w *wanted) origin(field string) plan.Origin {
	if field == "Command.Chdir" {
		field = w.chdir
	}
	if words := w.words(field); len(words) > 0 {
		return plan.Origin{Words: words}
	}
	return plan.Origin{Words: []string{field}}
}

// name returns what an error calls a field, or a part of one ("Files[5].Source"): itself, or
// the option that has set it.
func (w *wanted) name(field string) string {
	for part := field; part != ""; {
		if words := w.words(part); len(words) > 0 {
			return words[0]
		}
		part = part[:max(strings.LastIndexByte(part, '.'), 0)]
	}
	return field
}

// fds returns the descriptors that are not passed on, and those of them that nothing needs
// once the plan is made.
func (w *wanted) fds() (used, read []int) {
	if w.line != nil {
		used, read = slices.Clone(w.line.Used), slices.Clone(w.line.Read)
	}
	use := func(list ...FD) {
		for _, fd := range list {
			if fd.Given() && !slices.Contains(used, fd.N()) {
				used = append(used, fd.N())
			}
		}
	}
	for i, d := range w.descriptors() {
		use(*d.field)
		if d.field.Given() && flat.IsEarly(i) && !slices.Contains(read, d.field.N()) {
			read = append(read, d.field.N())
		}
	}
	use(w.Session.SyncFDs...)
	for i := range w.files {
		if op := &w.files[i]; op.FD.Given && !tree.Reads(op.Kind) {
			use(SetFD(op.FD.N))
		}
	}
	return used, read
}
