package main

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
)

// noCommand returns the error for a command line without a command, with the hint that fits.
func (l *line) noCommand() error {
	const more = "--help lists the options"
	hint := more
	switch {
	case l.Fault.Word != 0:
		hint = "give the command on the command line: " + strconv.Quote(l.word(l.Fault.Word)) + " and what follows it in the data of --args is ignored"
	case l.Fault.At != 0:
		words := l.origin(l.Fault.At).Words
		if i := cmdline.Lookup([]byte(words[0])); i >= 0 && cmdline.Options[i].Operands != "" && words[0] != "--args" {
			hint = words[0] + " took " + quoteAll(words[1:]) + " as " + strings.Join(strings.Fields(cmdline.Options[i].Operands), ", ") + "; " + more
		}
	}
	return hinted(errNoCommand.Error(), hint)
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return strings.Join(quoted, ", ")
}

// habits are options of other programs that mean one of ours.
//
//nolint:gochecknoglobals // read-only table
var habits = map[string]string{"-h": "--help", "-?": "--help", "-v": "--version", "-V": "--version"}

// suggest returns the hint for an option that does not exist, or ""; word is as typed.
func suggest(word string) string {
	if name := habits[word]; name != "" {
		return "did you mean " + name + "?"
	}
	name, value, given := strings.Cut(word, "=")
	if i := cmdline.Lookup([]byte(name)); i >= 0 && given {
		switch o := &cmdline.Options[i]; o.Arity() {
		case 0:
			return name + " takes no value"
		case 1:
			return "give the value as a separate argument: " + name + " " + value
		default:
			return "give the values as separate arguments: " + name + " " + o.Operands
		}
	}
	near := nearest(plainName(name))
	if len(near) == 0 || len(near) > 3 {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// plainName returns an option's name without what people confuse: the number of dashes,
// capital letters, and underscores in place of dashes.
func plainName(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimLeft(name, "-")), "_", "-")
}

// nearest returns the options whose names are the fewest typing mistakes away from name, at
// most one mistake for every four letters and three in all; or else those that begin with it.
func nearest(name string) (found []string) {
	if len(name) < 2 || len(name) > 64 {
		return nil
	}
	best := min(3, (len(name)+3)/4)
	for i := range cmdline.Options {
		option := cmdline.Options[i].Name
		switch d := distance(name, plainName(option)); {
		case d < best || d == best && len(found) == 0:
			best, found = d, []string{option}
		case d == best:
			found = append(found, option)
		}
	}
	if len(found) > 0 || len(name) < 3 {
		return found
	}
	for i := range cmdline.Options {
		if option := cmdline.Options[i].Name; strings.HasPrefix(plainName(option), name) {
			found = append(found, option)
		}
	}
	return found
}

// distance returns how many letters must be inserted, removed, replaced or swapped with their
// neighbour to make b of a.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// suggestCap returns the hint for a capability that does not exist, or "".
func suggestCap(word string) string {
	name := "CAP_" + strings.ToUpper(word)
	if _, ok := idmap.ParseCap([]byte(name)); !ok {
		return ""
	}
	return "did you mean " + name + "?"
}
