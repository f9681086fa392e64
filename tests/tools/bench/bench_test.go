package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestMedianOfNothing(t *testing.T) {
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median(nil) = %v, want NaN", got)
	}
}

// A program that was not launched has the reason in its cell, and no ratio.
func TestMissing(t *testing.T) {
	b := &bench{settings: settings{users: []int{7}}}
	b.programs = []program{{name: "one 1"}, {name: "static", missing: "cannot be fetched"}, {name: "own 2"}}
	b.add(row{work: work{name: "minimal", goal: "≤ 1"}, uid: 7, runs: 2, unit: "ms"}, b.programs, [][]float64{{4, 4}, nil, {1, 3}})
	for _, p := range b.programs {
		b.counts = append(b.counts, count{work: "full", program: p, tally: middle([]tally{{3, 2, 1, 0}})})
	}
	page := b.markdown()
	for _, want := range []string{
		"| minimal | ordinary | 2 | 4.00 ms | cannot be fetched | 2.00 ms | 0.50 | – | ≤ 1 |\n",
		"| full | static | cannot be fetched | cannot be fetched | cannot be fetched | cannot be fetched |\n",
		"| full | own 2 | 3 | 2 | 1 | 0 |\n",
		"*full* is `--unshare-all --ro-bind / / ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in:\n%s", want, page)
		}
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| minimal") && strings.Count(line, "|") != len(b.times().rows[0])+1 {
			t.Errorf("not as many cells as heads: %s", line)
		}
	}
}

// README.md has a few works, without the column of goals; those of other users are left out.
func TestBrief(t *testing.T) {
	b := &bench{settings: settings{users: []int{7, 0}}, programs: []program{{name: "one 1"}, {name: "static"}, {name: "own 2"}}}
	for _, uid := range b.users {
		for _, w := range []work{{name: "minimal", brief: true, goal: "≤ 1"}, {name: "10 binds"}} {
			b.add(row{work: w, uid: uid, runs: 2, unit: "ms"}, b.programs, [][]float64{{4, 4}, {2, 2}, {1, 1}})
		}
	}
	_, table, _ := strings.Cut(b.brief(), "\n\n")
	want := "| work | one 1 | static | own 2 | ratio | ratio to static |\n|---|--:|--:|--:|--:|--:|\n" +
		"| minimal | 4.00 ms | 2.00 ms | 1.00 ms | 0.25 | 0.50 |\n"
	if table != want {
		t.Errorf("the table is\n%s\nwant\n%s", table, want)
	}
}

// The tables in README.md and docs/speed.md are of one measurement, and have the rows and the
// texts that this program writes.
func TestPages(t *testing.T) {
	var pages [2]string
	for i, path := range []string{"README.md", "docs/speed.md"} {
		data, err := os.ReadFile("../../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), begin+"\n")
		text, _, ok := strings.Cut(rest, end+"\n")
		if !ok || !strings.HasPrefix(text, timesText) {
			t.Fatalf("%s does not begin with %q between its markers:\n%s", path, timesText, text)
		}
		pages[i] = text
	}
	b := &bench{settings: settings{users: []int{7}}}
	if about := "\n\n" + b.aboutCounts() + "\n\n"; !strings.Contains(pages[1], about) {
		t.Errorf("docs/speed.md has no %q", about)
	}
	for _, w := range append(works(), work{name: memoryName}) {
		full, brief := rowOf(pages[1], "| "+w.name+" | ordinary |"), rowOf(pages[0], "| "+w.name+" |")
		if full == "" || w.brief != (brief != "") || !strings.Contains(full, brief) {
			t.Errorf("%s: docs/speed.md has %q, README.md %q, in which it stands: %v", w.name, full, brief, w.brief)
		}
	}
}

// rowOf returns what follows the start of a row of a table; "" if there is no such row.
func rowOf(page, start string) string {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, start); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func TestSummary(t *testing.T) {
	const table = `    calls    errors syscall
--------- --------- ----------------
       12        10 execve
        3         1 clone3
        2           clone
        1           vfork
--------- --------- ----------------
       18        11 total
`
	if calls, made, err := summary(table); calls != 18 || made != 5 || err != nil {
		t.Errorf("summary = %v, %v, %v, want 18 calls and 5 processes", calls, made, err)
	}
	if _, _, err := summary("strace: no such process\n"); err == nil {
		t.Error("summary of something else is not an error")
	}
}

// Every work has a name of its own, and where its place is one, says so.
func TestWorks(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range works() {
		if seen[w.name] || w.place != nil && !strings.HasSuffix(w.name, w.place.name) {
			t.Errorf("%q", w.name)
		}
		seen[w.name] = true
	}
	for _, name := range []string{"minimal, setuid mode", "full, bound to one processor", "full, with 4 busy loops running", "`--version`"} {
		if !seen[name] {
			t.Errorf("no work is called %q", name)
		}
	}
}

// A thread that is bound to one processor hands that down, and no other thread is bound.
func TestBoundToOneProcessor(t *testing.T) {
	var before, inside, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	if err := b.in(oneProcessor, 0, func([]program) error { return unix.SchedGetaffinity(0, &inside) }); err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil {
		t.Fatal(err)
	}
	if inside.Count() != 1 || after != before {
		t.Errorf("%d processors inside, %d before and %d after", inside.Count(), before.Count(), after.Count())
	}
}

func TestBetween(t *testing.T) {
	page := "a\n" + begin + "\nold\n" + end + "\nb\n"
	got, ok := between(page, "new\n")
	if want := "a\n" + begin + "\nnew\n" + end + "\nb\n"; !ok || got != want {
		t.Errorf("between = %q, %v, want %q", got, ok, want)
	}
	if _, ok := between("a\n"+begin+"\nno end\n", "new\n"); ok {
		t.Error("between found an end that is not there")
	}
	if _, ok := between("nothing", "new\n"); ok {
		t.Error("between found markers in a page without them")
	}
}

// The line that stands for Flatpak has to have its size.
func TestFlatpakLine(t *testing.T) {
	l, err := flatpak(&bench{scratch: "/scratch"})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1<<16)
	n, err := l.files[len(l.files)-1].ReadAt(data, 0)
	if n == 0 {
		t.Fatal("the arguments are empty:", err)
	}
	options := 0
	for word := range strings.SplitSeq(string(data[:n]), "\x00") {
		if strings.HasPrefix(word, "--") {
			options++
		}
	}
	if options < 60 {
		t.Errorf("%d options, want 60 or more", options)
	}
}
