package describe

import (
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/internal/tree"
)

// describer collects the lines about a sandbox.
type describer struct {
	*Sandbox
	// The description so far, a line each, without line ends.
	lines []string
}

// say adds a line, if there is something to list.
func (d *describer) say(what string, list ...string) {
	if len(list) > 0 {
		d.lines = append(d.lines, what+": "+strings.Join(list, ", "))
	}
}

// files sorts what the options make of the file system. A later operation on the same
// destination, or above it, hides an earlier one.
func (d *describer) files() {
	var places [tree.NumLines][]string
	for i := range d.Files {
		if op := &d.Files[i]; !d.hidden(tree.BoxPath(op.Dest), i) {
			line := tree.LineOf(d.Files, i)
			places[line] = append(places[line], op.Describe())
		}
	}
	// What reaches the host comes first, and what is writable in capitals.
	for line := tree.FromHost; line < tree.NumLines; line++ {
		d.say(line.String(), places[line]...)
	}
	// Then even the command cannot be found; the line says so before the launch does.
	if len(d.Files) == 0 {
		d.say("files", "none, the root directory is empty")
	}
}

// hidden reports whether an operation after the i-th puts something on a path, or above it.
func (d *describer) hidden(path string, i int) bool {
	return slices.ContainsFunc(d.Files[i+1:], func(op tree.Op) bool { return op.Hides(path) })
}
