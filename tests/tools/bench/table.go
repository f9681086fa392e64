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

// The lines between which README.md and docs/speed.md have their tables.
const (
	begin = "<!-- bench: begin (make bench-table) -->"
	end   = "<!-- bench: end -->"
)

// none stands in the cell of a ratio that cannot be computed.
const none = "–"

// table holds cells, to be printed as plain text or as Markdown.
type table struct {
	texts int        // the number of leading columns that are texts, and not numbers
	rows  [][]string // the first one has the heads
}

// times has a column for each program, and one for the ratio to each reference.
func (b *bench) times() table {
	t := table{texts: 2, rows: [][]string{slices.Concat([]string{"work", "user", "runs"}, b.heads(), []string{"goal"})}}
	for _, r := range b.rows {
		t.rows = append(t.rows, slices.Concat([]string{r.name, user(r.uid), fmt.Sprint(r.runs)}, b.cells(r), []string{r.goal}))
	}
	return t
}

// briefTimes is the table of README.md: a few works, with the launchers of the first user.
func (b *bench) briefTimes() table {
	t := table{texts: 1, rows: [][]string{append([]string{"work"}, b.heads()...)}}
	for _, r := range b.rows {
		if r.brief && r.uid == b.users[0] {
			t.rows = append(t.rows, append([]string{r.name}, b.cells(r)...))
		}
	}
	return t
}

// heads returns the heads of the columns of cells.
func (b *bench) heads() []string {
	var heads []string
	for _, p := range b.programs {
		heads = append(heads, p.name)
	}
	heads = append(heads, "ratio")
	if b.last() > 1 {
		heads = append(heads, "ratio to static")
	}
	return heads
}

// cells returns the medians of a row, and the ratios.
func (b *bench) cells(r row) []string {
	var cells []string
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
	return cells
}

func user(uid int) string {
	if uid == 0 {
		return "root"
	}
	return "ordinary"
}

// ratio formats a ratio with at least two significant digits, down to 0.01.
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

// about says what was measured, on which machine.
func (b *bench) about() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return timesText + fmt.Sprintf("A ratio is the figure of %s divided by the other program's. Linux %s, %d processors, %s. "+
		"*minimal* is `%s`, *full* is `%s`.",
		b.programs[b.last()].name, kernel(unix.ByteSliceToString(u.Release[:])), runtime.NumCPU(), runtime.GOARCH,
		strings.Join(minimalArgs, " "), strings.Join(fullArgs, " "))
}

// timesText begins the description of the times.
const timesText = "Time of a launch, from the fork to the end of a static command that does nothing: " +
	"medians, with the programs measured alternately. "

// aboutCounts says what was counted.
func (b *bench) aboutCounts() string {
	return fmt.Sprintf("Kernel work of one launch, including that of the command it runs, as %s. "+
		"Medians; system calls and processes were counted with strace.",
		map[bool]string{true: "root", false: "an ordinary user"}[b.users[0] == 0])
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

// brief is what README.md has.
func (b *bench) brief() string { return b.about() + "\n\n" + b.briefTimes().markdown() + "\n" }

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

// insert puts text between the markers of a file. An empty path stands for no file.
func insert(path, text string) error {
	if path == "" {
		return nil
	}
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
