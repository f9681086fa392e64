package docs

import (
	"fmt"
	"strings"
)

// Command is what the first argument of a program chooses, with its operands as the usage
// text has them: "[--flag OPERAND]... OPERAND...".
type Command struct{ Name, Operands string }

// Manual fills in a page in mdoc(7). In it the lines
//
//	@option --name
//	@command name
//
// become the heads of a list's items, as the tables' rows say. Every row has one such
// line: a row without text, and text without a row, are errors. A line @synopsis becomes
// the commands with their operands.
func Manual(page string, options []Option, commands ...Command) (string, error) {
	heads := map[string]string{}
	for i := range options {
		heads["@option "+options[i].Name] = options[i].head()
	}
	for _, c := range commands {
		heads["@command "+c.Name] = ".It Cm " + c.Name
	}
	if len(commands) > 0 {
		heads["@synopsis"] = synopsis(commands)
	}
	var out strings.Builder
	for line := range strings.Lines(page) {
		if line[0] != '@' {
			out.WriteString(line)
			continue
		}
		line = strings.TrimSpace(line)
		head, ok := heads[line]
		if !ok {
			return "", fmt.Errorf("%q is there twice, or is in no table", line)
		}
		delete(heads, line)
		out.WriteString(head + "\n")
	}
	for line := range heads {
		return "", fmt.Errorf("no line %q, with its text below", line)
	}
	return out.String(), nil
}

// head returns the item's head: the option, and what it takes.
func (o *Option) head() string {
	head := ".It Fl " + strings.TrimPrefix(o.Name, "-")
	switch {
	case o.Value != "" && o.Optional:
		return head + " Ns Op = Ns Ar " + o.Value
	case o.Value != "":
		return head + " Ns = Ns Ar " + o.Value
	case o.Operands != "":
		return head + " Ar " + o.Operands
	}
	return head
}

// synopsis has a paragraph for each command.
func synopsis(commands []Command) string {
	var lines []string
	for _, c := range commands {
		lines = append(lines, ".Nm", ".Cm "+c.Name)
		for _, word := range c.words() {
			lines = append(lines, word.mdoc())
		}
	}
	return strings.Join(lines, "\n")
}

// Flags returns the options of all commands, each once.
func Flags(commands []Command) (out []Option) {
	seen := map[string]bool{}
	for _, c := range commands {
		for _, w := range c.words() {
			if w.flag != "" && !seen[w.flag] {
				seen[w.flag] = true
				out = append(out, Option{Name: w.flag, Operands: w.operand})
			}
		}
	}
	return out
}

// word is an operand of a command, or a flag with its operand.
type word struct {
	flag, operand     string
	optional, repeats bool
}

// words takes the operands of a usage text apart.
func (c Command) words() (out []word) {
	for rest := c.Operands; rest != ""; rest = strings.TrimPrefix(rest, " ") {
		var w word
		var text string
		if w.optional = rest[0] == '['; w.optional {
			text, rest, _ = strings.Cut(rest[1:], "]")
			w.repeats = strings.HasPrefix(rest, "...")
			rest = strings.TrimPrefix(rest, "...")
		} else {
			text, rest, _ = strings.Cut(rest, " ")
			text, w.repeats = strings.CutSuffix(text, "...")
		}
		if w.operand = text; text[0] == '-' {
			w.flag, w.operand, _ = strings.Cut(text, " ")
		}
		out = append(out, w)
	}
	return out
}

func (w *word) mdoc() string {
	line := "Ar " + w.operand
	if w.flag != "" {
		line = "Fl " + strings.TrimPrefix(w.flag, "-") + " " + line
	}
	if w.repeats && w.flag == "" {
		line += " ..."
	}
	if w.optional {
		line = "Op " + line
	}
	return "." + line
}
