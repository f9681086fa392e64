package docs

import (
	"fmt"
	"slices"
	"strings"
)

// Text returns the manual's OPTIONS section as plain text, for --help=OPTION. A group's
// heading follows "## " on a line of its own; an option with its operands begins a line; its
// paragraphs are indented. Text between the options is left out.
//
// page is what [Manual] takes, in the part of mdoc(7) that [inline] knows; other macros are
// errors.
func Text(page string, options []Option) (string, error) {
	rows := map[string]*Option{}
	for i := range options {
		rows[options[i].Name] = &options[i]
	}
	_, page, _ = strings.Cut(page, "\n.Sh OPTIONS\n")
	page, _, _ = strings.Cut(page, "\n.Sh ")
	var t textWriter
	inside, lists := false, 0
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		switch name, option := strings.CutPrefix(line, "@option "); {
		case option:
			t.flush()
			inside = true
			t.out.WriteString(rows[name].synopsis() + "\n")
		case strings.HasPrefix(line, ".Ss "):
			t.out.WriteString("## " + line[4:] + "\n")
		case line == ".El" && lists == 0:
			t.flush()
			inside = false
		case !inside:
		case strings.HasPrefix(line, ".Bl"):
			t.flush()
			lists++
		case line == ".El":
			t.flush()
			lists--
			t.indent = 0
		default:
			if err := t.line(line); err != nil {
				return "", err
			}
		}
	}
	return t.out.String(), nil
}

// synopsis returns the option as --help shows it: its name, its value and its operands.
func (o *Option) synopsis() string {
	switch {
	case o.Value != "" && o.Optional:
		return o.Name + "[=" + o.Value + "]"
	case o.Value != "":
		return o.Name + "=" + o.Value
	}
	return strings.TrimSpace(o.Name + " " + o.Operands)
}

// textWriter fills paragraphs.
type textWriter struct {
	out    strings.Builder
	words  []string // of the paragraph at work
	glued  bool     // what comes next belongs to the last word
	indent int      // of a list's item, in addition
	bullet bool     // the paragraph begins an item without a heading
}

// line adds a line of the manual.
func (t *textWriter) line(line string) error {
	macro, rest, _ := strings.Cut(line, " ")
	switch macro {
	case ".Pp":
		t.flush()
		t.out.WriteString("\n")
		return nil
	case ".It":
		t.flush()
		t.indent = 0
		text, err := inline(rest)
		t.add(text)
		t.flush()
		t.indent, t.bullet = 4, rest == ""
		return err
	case ".Dl":
		t.flush()
		t.out.WriteString("        " + unescape(rest) + "\n")
		return nil
	}
	if !strings.HasPrefix(line, ".") {
		t.add(unescape(line))
		return nil
	}
	text, err := inline(line[1:])
	t.add(text)
	return err
}

// add appends text to the paragraph. After "(", and before ")", there is no blank.
func (t *textWriter) add(text string) {
	for i, word := range strings.Fields(text) {
		if n := len(t.words); n > 0 && i == 0 && (t.glued || word == ")" || strings.HasPrefix(word, "),") || word == ").") {
			t.words[n-1] += word
		} else {
			t.words = append(t.words, word)
		}
		t.glued = word == "("
	}
}

// flush ends the paragraph.
func (t *textWriter) flush() {
	const width = 78
	margin := strings.Repeat(" ", 4+t.indent)
	line := ""
	put := func() {
		if t.bullet {
			t.out.WriteString(margin[:len(margin)-2] + "- " + line + "\n")
		} else {
			t.out.WriteString(margin + line + "\n")
		}
		t.bullet = false
	}
	for _, word := range t.words {
		if line != "" && len(margin)+len(line)+1+len(word) > width {
			put()
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		put()
	}
	t.words, t.glued = nil, false
}

// quotes are the macros that enclose the rest of their line.
//
//nolint:gochecknoglobals // read-only table
var quotes = map[string][2]string{
	"Dq": {`"`, `"`}, "Qq": {`"`, `"`}, "Sq": {"'", "'"}, "Ql": {"'", "'"}, "Pq": {"(", ")"}, "Op": {"[", "]"},
}

// inline formats a line of macros.
func inline(line string) (string, error) {
	var out strings.Builder
	macro, ends, glue, first := "", "", true, true
	put := func(text string) {
		if !glue && !strings.Contains(".,;:)", text) {
			out.WriteString(" ")
		}
		out.WriteString(text)
		glue = text == "("
	}
	words := strings.Fields(line)
	trailing := ""
	if n := len(words); n > 1 && strings.Contains(".,;:)", words[n-1]) {
		words, trailing = words[:n-1], words[n-1]
	}
	for i, word := range words {
		plain := unescape(word)
		switch q, quoted := quotes[word]; {
		case quoted:
			put(q[0])
			glue, ends, macro = true, q[1]+ends, ""
		case word == "Po":
			put("(")
		case word == "Pc":
			put(")")
		case word == "Ns":
			glue = true
		case word == "No":
			macro = ""
		case slices.Contains([]string{"Fl", "Xr", "Ar", "Pa", "Dv", "Er", "Ev", "Va", "Cm", "Em", "Sx", "Nm"}, word):
			macro, first = word, true
			if word == "Nm" {
				put("gobwrap")
			}
		case i == 0:
			return "", fmt.Errorf("the macro in %q is not one of those that internal/docs knows", line)
		case macro == "Fl" && !strings.Contains(".,;:)", plain):
			put("-" + plain)
		case macro == "Xr" && !first:
			out.WriteString("(" + plain + ")")
			macro = ""
		default:
			put(plain)
			first = false
		}
	}
	return out.String() + ends + trailing, nil
}

func unescape(s string) string {
	return strings.NewReplacer(`\e`, `\`, `\(dq`, `"`, `\-`, "-", `\fB`, "", `\fR`, "", `\&`, "").Replace(s)
}
