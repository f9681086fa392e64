package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The lines between which README.md has the tables.
const (
	begin = "<!-- bench: begin (make bench-table) -->"
	end   = "<!-- bench: end -->"
)

// none stands for a number that there is not.
const none = "–"

// table is a table without its form. The first so many columns are texts.
type table struct {
	texts int
	rows  [][]string // the first one has the heads
}

// times has a column for each program, and what the subject takes of each reference's.
func (b *bench) times() table {
	heads := []string{"work", "user", "runs"}
	for _, p := range b.programs {
		heads = append(heads, p.name)
	}
	heads = append(heads, "ratio")
	if b.last() > 1 {
		heads = append(heads, "ratio to static")
	}
	t := table{texts: 2, rows: [][]string{append(heads, "goal")}}
	for _, r := range b.rows {
		t.rows = append(t.rows, b.cells(r))
	}
	return t
}

func (b *bench) cells(r row) []string {
	cells := []string{r.name, user(r.uid), fmt.Sprint(r.runs)}
	format := "%.2f %s"
	if r.unit == "KiB" {
		format = "%.0f %s"
	}
	for i, m := range r.medians {
		if math.IsNaN(m) {
			cells = append(cells, r.missing[i])
		} else {
			cells = append(cells, fmt.Sprintf(format, m, r.unit))
		}
	}
	own := r.medians[b.last()]
	for _, m := range r.medians[:b.last()] {
		cells = append(cells, ratio(own/m))
	}
	return append(cells, r.goal)
}

func user(uid int) string {
	if uid == 0 {
		return "root"
	}
	return "ordinary"
}

// ratio has two digits that say something.
func ratio(r float64) string {
	switch {
	case math.IsNaN(r):
		return none
	case r < 0.1:
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// counted returns the table of counts.
func (b *bench) counted() table {
	t := table{texts: 2, rows: [][]string{{"launch", "program", "system calls", "page faults", "context switches", "processes made"}}}
	for _, c := range b.counts {
		cells := []string{c.work, c.program.name}
		for _, n := range []float64{c.calls, c.faults, c.switches, c.made} {
			switch {
			case c.program.missing != "":
				cells = append(cells, c.program.missing)
			default:
				cells = append(cells, fmt.Sprintf("%.0f", n))
			}
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

// about says what was measured, on what.
func (b *bench) about() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("Medians of whole launches, from the fork to the end of a static payload that does nothing; "+
		"the programs took turns in one run. "+
		"A ratio is %s's number divided by the reference's. Linux %s, %d processors, %s. *minimal* is `%s`, *full* is `%s`.",
		b.programs[b.last()].name, kernel(unix.ByteSliceToString(u.Release[:])), runtime.NumCPU(), runtime.GOARCH,
		strings.Join(minimalArgs, " "), strings.Join(fullArgs, " "))
}

// aboutCounts says what was counted.
func (b *bench) aboutCounts() string {
	return fmt.Sprintf("What one launch takes of the kernel, as %s user and with the payload's own: medians. "+
		"System calls and processes are strace's.", strings.Replace(user(b.users[0]), "ordinary", "an ordinary", 1))
}

// kernel returns the version's numbers, without what a distribution appends.
func kernel(release string) string {
	number, _, _ := strings.Cut(release, "-")
	return number
}

// page has the texts and the tables, in a form.
func (b *bench) page(form func(table) string) string {
	var parts []string
	if len(b.rows) > 0 {
		parts = append(parts, b.about(), form(b.times()))
	}
	if len(b.counts) > 0 {
		parts = append(parts, b.aboutCounts(), form(b.counted()))
	}
	return strings.Join(parts, "\n\n") + "\n"
}

func (b *bench) markdown() string { return b.page(table.markdown) }

func (b *bench) plain() string { return b.page(table.plain) }

func (t table) markdown() string {
	var lines []string
	for i, cells := range t.rows {
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
		if i == 0 {
			lines = append(lines, strings.Repeat("|---", t.texts)+strings.Repeat("|--:", len(cells)-t.texts)+"|")
		}
	}
	return strings.Join(lines, "\n")
}

func (t table) plain() string {
	widths := make([]int, len(t.rows[0]))
	for _, cells := range t.rows {
		for i, c := range cells {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	var lines []string
	for _, cells := range t.rows {
		cells = slices.Clone(cells)
		for i, c := range cells {
			pad := strings.Repeat(" ", widths[i]-len([]rune(c)))
			if cells[i] = pad + c; i < t.texts {
				cells[i] = c + pad
			}
		}
		lines = append(lines, strings.TrimRight(strings.Join(cells, "  "), " "))
	}
	return strings.Join(lines, "\n")
}

// insert puts text between the markers of a file.
func insert(path, text string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	result, ok := between(string(data), text)
	if !ok {
		return fmt.Errorf("%s has no lines %q and %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(result), 0o644)
}

func between(page, text string) (string, bool) {
	head, rest, ok := strings.Cut(page, begin)
	if !ok {
		return page, false
	}
	_, tail, ok := strings.Cut(rest, end)
	return head + begin + "\n" + text + end + tail, ok
}
