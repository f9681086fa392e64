package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The marks between which the results lie in a document.
const (
	mdBegin = "<!-- results: begin (make conformance) -->\n"
	mdEnd   = "<!-- results: end -->\n"
)

// writeMarkdown puts the results between the marks of a document, or makes one of them.
func (rep *report) writeMarkdown(name string) error {
	old, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return writeFile(name, []byte(mdBegin+rep.markdown()+mdEnd))
	} else if err != nil {
		return err
	}
	text, err := between(string(old), rep.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return writeFile(name, []byte(text))
}

// between exchanges what lies between the marks.
func between(text, results string) (string, error) {
	head, rest, ok := strings.Cut(text, mdBegin)
	_, tail, ok2 := strings.Cut(rest, mdEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("it lacks %q or %q", strings.TrimSpace(mdBegin), strings.TrimSpace(mdEnd))
	}
	return head + mdBegin + results + mdEnd + tail, nil
}

// markdown returns the report as a document's part.
func (rep *report) markdown() string {
	var text strings.Builder
	rep.mdSummary(&text)
	rep.mdFeatures(&text)
	for _, list := range []struct {
		title string
		v     verdict
	}{{"Deliberate differences shown", differs}, {"Holes shown", hole}, {"Lacking options, or versions", unsupported}} {
		fmt.Fprintf(&text, "\n%s:\n\n", list.title)
		for _, t := range rep.programs {
			fmt.Fprintf(&text, "- %s: %s\n", t.label(), orNone(t.ids(rep, list.v)))
		}
	}
	rep.mdCases(&text)
	return text.String()
}

// label names a program in headings.
func (t *trial) label() string { return filepath.Base(t.Name) }

func (rep *report) mdSummary(text *strings.Builder) {
	text.WriteString("\n| program | mode |")
	for _, v := range verdicts {
		fmt.Fprintf(text, " %s |", v)
	}
	text.WriteString("\n|---|---|" + strings.Repeat("--:|", len(verdicts)) + "\n")
	for _, t := range rep.programs {
		for _, m := range rep.modes {
			fmt.Fprintf(text, "| %s | %s |", t.Title, m)
			for _, v := range verdicts {
				fmt.Fprintf(text, " %d |", t.counts(rep, m)[v])
			}
			text.WriteString("\n")
		}
	}
}

// mdHead writes the first lines of a table whose columns are programs and modes.
func (rep *report) mdHead(text *strings.Builder, first string) {
	fmt.Fprintf(text, "\n| %s |", first)
	for _, t := range rep.programs {
		for _, m := range rep.modes {
			fmt.Fprintf(text, " %s %s |", t.label(), m)
		}
	}
	text.WriteString("\n|---|" + strings.Repeat("---|", len(rep.programs)*len(rep.modes)) + "\n")
}

func (rep *report) mdFeatures(text *strings.Builder) {
	rep.mdHead(text, "feature")
	rows := make([][]featureRow, len(rep.programs))
	for i, t := range rep.programs {
		rows[i] = t.features(rep)
	}
	for n := range rows[0] {
		fmt.Fprintf(text, "| %s |", rows[0][n].name)
		for i := range rep.programs {
			fmt.Fprintf(text, " %s |", strings.Join(rows[i][n].cells, " | "))
		}
		text.WriteString("\n")
	}
}

func (rep *report) mdCases(text *strings.Builder) {
	for _, g := range rep.groups {
		fmt.Fprintf(text, "\n### %s\n", g.title)
		if g.about != "" {
			fmt.Fprintf(text, "\n%s\n", g.about)
		}
		rep.mdHead(text, "case")
		for _, c := range g.cases {
			fmt.Fprintf(text, "| %s |", c.name)
			for _, t := range rep.programs {
				for _, m := range rep.modes {
					fmt.Fprintf(text, " %s |", t.results[c.name][m])
				}
			}
			text.WriteString("\n")
		}
	}
}
