package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// String returns a result as tables show it.
func (r result) String() string {
	switch {
	case r.Verdict == "":
		return "-"
	case r.Verdict == notHere && r.ID == "":
		return "-"
	case r.Verdict == notHere, r.ID == "":
		return string(r.Verdict)
	}
	return string(r.Verdict) + " " + r.ID
}

// failing tells results that make the suite fail: a failure, or a hole nobody knew of.
func (r result) failing(known []string) bool {
	return r.Verdict == fail || r.Verdict == hole && !slices.Contains(known, r.ID)
}

// bad counts what makes the suite fail.
func (rep *report) bad(known []string) (n int) {
	for _, t := range rep.programs {
		t.each(rep, func(_ *testCase, _ mode, r result) {
			if r.failing(known) {
				n++
			}
		})
	}
	return n + len(rep.host)
}

// each visits the results in the catalogue's order.
func (t *trial) each(rep *report, visit func(c *testCase, m mode, r result)) {
	for _, g := range rep.groups {
		for _, c := range g.cases {
			for _, m := range rep.modes {
				visit(c, m, t.results[c.name][m])
			}
		}
	}
}

// counts says how often there was each verdict in a mode.
func (t *trial) counts(rep *report, m mode) map[verdict]int {
	n := map[verdict]int{}
	t.each(rep, func(_ *testCase, in mode, r result) {
		if in == m {
			n[r.Verdict]++
		}
	})
	return n
}

// ids lists what is named by results of a kind: differences, holes, lacking options.
func (t *trial) ids(rep *report, v verdict) []string {
	set := map[string]bool{}
	t.each(rep, func(_ *testCase, _ mode, r result) {
		if r.Verdict == v && r.ID != "" {
			set[r.ID] = true
		}
	})
	return slices.Sorted(maps.Keys(set))
}

// publish writes the report in all the forms that are asked for.
func (rep *report) publish(set settings) error {
	if set.junit != "" {
		if err := rep.writeJUnit(set.junit, set.known); err != nil {
			return err
		}
	}
	if set.md != "" {
		if err := rep.writeMarkdown(set.md); err != nil {
			return err
		}
	}
	if set.tap {
		fmt.Print(rep.tap(set.known))
		return nil
	}
	fmt.Print(rep.table(set))
	return nil
}

// table returns the report for a terminal.
func (rep *report) table(set settings) string {
	var text strings.Builder
	for _, t := range rep.programs {
		fmt.Fprintf(&text, "%s: %s\n\n", t.Name, t.Title)
		t.writeCases(&text, rep)
		if set.verbose {
			t.writeDetails(&text, rep)
		}
		t.writeSummary(&text, rep, set.known)
	}
	for _, change := range rep.host {
		fmt.Fprintf(&text, "on the host, meanwhile: %s\n", change)
	}
	return text.String()
}

func (t *trial) writeCases(text *strings.Builder, rep *report) {
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	for _, g := range rep.groups {
		fmt.Fprintf(w, "%s\t%s\n", g.name, headings(rep.modes, "\t"))
		for _, c := range g.cases {
			fmt.Fprintf(w, "  %s", c.name)
			for _, m := range rep.modes {
				fmt.Fprintf(w, "\t%s", t.results[c.name][m])
			}
			fmt.Fprintln(w)
		}
	}
	_ = w.Flush()
}

func headings(list []mode, between string) string {
	var words []string
	for _, m := range list {
		words = append(words, string(m))
	}
	return strings.Join(words, between)
}

// writeDetails says why cases have failed, or not been run, and what all of them took.
func (t *trial) writeDetails(text *strings.Builder, rep *report) {
	t.each(rep, func(c *testCase, m mode, r result) {
		if r.Took > 0 || r.ID != "" {
			fmt.Fprintf(text, "\n%s [%s] %v %s %.0f ms", c.name, m, r.Verdict, r.ID, r.Took.Seconds()*1000)
		}
		if r.Detail != "" {
			fmt.Fprintf(text, "\n    %s\n    %s", strings.ReplaceAll(r.Detail, "\n", "\n    "), strings.Join(c.run, "\n    "))
		}
	})
	fmt.Fprintln(text)
}

func (t *trial) writeSummary(text *strings.Builder, rep *report, known []string) {
	w := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nfeature\t%s\n", headings(rep.modes, "\t"))
	for _, row := range t.features(rep) {
		fmt.Fprintf(w, "%s\t%s\n", row.name, strings.Join(row.cells, "\t"))
	}
	_ = w.Flush()
	fmt.Fprintln(text)
	for _, m := range rep.modes {
		fmt.Fprintf(text, "%s: %s\n", m, tally(t.counts(rep, m)))
		if reason := t.skipped[m]; reason != "" {
			fmt.Fprintf(text, "  not run: %s\n", reason)
		}
	}
	fmt.Fprintf(text, "lacks: %s\n", orNone(t.ids(rep, unsupported)))
	fmt.Fprintf(text, "deliberate differences: %s\n", orNone(t.ids(rep, differs)))
	fmt.Fprintf(text, "holes: %s\n", orNone(marked(t.ids(rep, hole), known)))
	t.each(rep, func(c *testCase, m mode, r result) {
		if r.Verdict == fail {
			fmt.Fprintf(text, "FAIL %s/%s [%s]: %s\n", c.group, c.name, m, strings.ReplaceAll(r.Detail, "\n", "; "))
		}
	})
	fmt.Fprintln(text)
}

// marked says which of the holes were known.
func marked(ids, known []string) []string {
	for i, id := range ids {
		if slices.Contains(known, id) {
			ids[i] += " (known)"
		}
	}
	return ids
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func tally(n map[verdict]int) string {
	var words []string
	for _, v := range verdicts {
		if n[v] > 0 {
			words = append(words, fmt.Sprintf("%d %s", n[v], v))
		}
	}
	return strings.Join(words, ", ")
}

// writeFile is os.WriteFile with the usual mode.
func writeFile(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
