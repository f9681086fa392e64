package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The lines between which README.md has the table.
const (
	begin = "<!-- bench: begin (make bench-table) -->"
	end   = "<!-- bench: end -->"
)

// heads and cells are the table without its form.
func (b *bench) heads() []string {
	heads := []string{"work", "user", "runs", b.programs[0].version}
	for _, p := range b.programs[1:] {
		heads = append(heads, p.version, "ratio")
	}
	return append(heads, "goal")
}

func (b *bench) cells(r row) []string {
	user := "ordinary"
	if r.uid == 0 {
		user = "root"
	}
	format := "%.2f %s"
	if r.unit == "KiB" {
		format = "%.0f %s"
	}
	cells := []string{r.name, user, fmt.Sprint(r.runs), fmt.Sprintf(format, r.medians[0], r.unit)}
	for _, m := range r.medians[1:] {
		cells = append(cells, fmt.Sprintf(format, m, r.unit), ratio(m/r.medians[0]))
	}
	return append(cells, r.goal)
}

// ratio has two digits that say something.
func ratio(r float64) string {
	if r < 0.1 {
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// about says what was measured, on what.
func (b *bench) about() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("Medians of whole launches, from the fork to the end of a static payload that does nothing; "+
		"the programs took turns in one run. Linux %s, %d processors, %s.",
		kernel(unix.ByteSliceToString(u.Release[:])), runtime.NumCPU(), runtime.GOARCH)
}

// kernel is the version's numbers, without what a distribution appends.
func kernel(release string) string {
	number, _, _ := strings.Cut(release, "-")
	return number
}

func (b *bench) markdown() string {
	var out strings.Builder
	out.WriteString(b.about() + "\n\n")
	heads := b.heads()
	out.WriteString("| " + strings.Join(heads, " | ") + " |\n|---|---|" + strings.Repeat("--:|", len(heads)-2) + "\n")
	for _, r := range b.rows {
		cells := b.cells(r)
		if strings.HasPrefix(cells[0], "--") {
			name, rest, _ := strings.Cut(cells[0], ", ")
			if rest != "" {
				rest = ", " + rest
			}
			cells[0] = "`" + name + "`" + rest
		}
		out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return out.String()
}

func (b *bench) plain() string {
	lines := [][]string{b.heads()}
	for _, r := range b.rows {
		lines = append(lines, b.cells(r))
	}
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	var out strings.Builder
	out.WriteString(b.about() + "\n\n")
	for _, cells := range lines {
		for i, c := range cells {
			pad := strings.Repeat(" ", widths[i]-len([]rune(c)))
			if i > 1 {
				c, pad = pad+c, ""
			}
			out.WriteString(c + pad + "  ")
		}
		out.WriteString("\n")
	}
	return out.String()
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
