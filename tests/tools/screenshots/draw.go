package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The form of a picture, in pixels and characters.
const (
	columns = 104
	advance = 8.4 // of a character
	leading = 20
	margin  = 16
	bar     = 32 // above the text
)

// paints are the colours of what a line begins with, or has in it.
var paints = []struct {
	what   *regexp.Regexp
	colour string
}{
	{regexp.MustCompile(`^(~/project\$|sandbox\$|>) `), "#7ee787"},
	{regexp.MustCompile(`^gobwrap: hint:`), "#e3b341"},
	{regexp.MustCompile(`^gobwrap:`), "#ff7b72"},
	{regexp.MustCompile(`^  FAILED`), "#ff7b72"},
	{regexp.MustCompile(`^  ok`), "#7ee787"},
}

// draw returns a picture of a terminal with this text.
func draw(title, text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, wrap(strings.TrimRight(line, "\n"))...)
	}
	width, height := columns*advance+2*margin, bar+len(lines)*leading+margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %[1]g %[2]d" role="img" aria-label="%s">
<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="17" r="5" fill="#ff5f56"/><circle cx="38" cy="17" r="5" fill="#ffbd2e"/><circle cx="56" cy="17" r="5" fill="#27c93f"/>
<text x="50%%" y="21" text-anchor="middle" font-family="sans-serif" font-size="12" fill="#8b949e">%[3]s</text>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e6edf3" xml:space="preserve">
`, width, height, escape(title))
	for i, line := range lines {
		y := bar + (i+1)*leading
		if line != "" {
			fmt.Fprintf(&out, "<text x=\"%d\" y=\"%d\" textLength=\"%.1f\">%s</text>\n", margin, y, advance*float64(utf8.RuneCountInString(line)), painted(line))
		}
	}
	return out.String() + "</g>\n</svg>\n"
}

// painted returns a line with its beginning in colour.
func painted(line string) string {
	for _, p := range paints {
		if at := p.what.FindStringIndex(line); at != nil {
			return `<tspan fill="` + p.colour + `">` + escape(line[:at[1]]) + "</tspan>" + escape(line[at[1]:])
		}
	}
	return escape(line)
}

// wrap breaks a line at blanks where it is too long.
func wrap(line string) (lines []string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	for utf8.RuneCountInString(line) > columns {
		at := strings.LastIndex(line[:columns+1], " ")
		if at <= len(indent) {
			break
		}
		lines = append(lines, line[:at])
		line = indent + "  " + line[at+1:]
	}
	return append(lines, line)
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
