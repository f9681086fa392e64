// Package docs writes what users read and press Tab for: the manuals' lists of options,
// the text of --help=OPTION, and the completions for bash, zsh and fish. They are made of the tables that the
// programs parse their command lines with.
//
// No program contains it: the tests of cmd/gobwrap, cmd/gobwrap-limit and cmd/gobwrap-seccomp call it, compare
// its results with the files in their folders, and write these with -update (make docs).
package docs

import (
	"strings"
)

// Option is one row of an option table.
type Option struct {
	Name     string
	Operands string // their names, separated by blanks
	Value    string // what follows "=" in the same word: alternatives separated by "|", or a name in capitals
	Optional bool   // the "=" may be missing
	Help     string
	Once     bool // given again, only the last one counts
}

// operands returns the names of the words that follow.
func (o *Option) operands() []string { return strings.Fields(o.Operands) }

// free reports whether the option's value, if it has one, is not one of a list.
func (o *Option) free() bool { return o.Value == strings.ToUpper(o.Value) }

// words returns the option as it can be typed: one word, or one for each value.
func (o *Option) words() []string {
	if o.free() {
		return []string{o.Name}
	}
	var out []string
	if o.Optional {
		out = append(out, o.Name)
	}
	for value := range strings.SplitSeq(o.Value, "|") {
		out = append(out, o.Name+"="+value)
	}
	return out
}

// Kind says how an operand is completed. The zero Kind is a word that cannot be completed.
type Kind struct {
	Files     bool
	Dirs      bool
	Variables bool // of the environment
	Words     []string
}

func (k Kind) free() bool { return !k.Files && !k.Dirs && !k.Variables && len(k.Words) == 0 }
