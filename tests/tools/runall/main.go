// Command runall runs go vet, the tests of every package, and the suite compat in its other modes. It
// goes on after a failure, prints what failed as soon as a package is done, and ends with the
// packages that took longest, the tests that were skipped and why, and the packages that
// failed. Its exit status is 1 if one did.
//
//	go run ./tests/tools/runall [ARGUMENT-OF-GO-TEST...]
//
// With arguments it is go test with these.
//
// GOBWRAP_TEST_LONG=1 in the environment is for the tests: campaigns at full length.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// step is one start of go test.
type step struct {
	name     string // of the run, in parentheses behind the package's
	env      []string
	packages []string
}

// steps returns what there is to run.
func steps() []step {
	compat := []string{"./tests/compat"}
	return []step{
		{packages: []string{"./..."}},
		{"classic", []string{"GOBWRAP_TEST_ENGINE=classic"}, compat},
		{"setuid", []string{"GOBWRAP_TEST_MODE=setuid"}, compat},
		{"setuid, classic", []string{"GOBWRAP_TEST_MODE=setuid", "GOBWRAP_TEST_ENGINE=classic"}, compat},
		{"auto", []string{"GOBWRAP_TEST_MODE=auto"}, compat},
	}
}

func main() {
	all := steps()
	if len(os.Args) > 1 {
		all = []step{{packages: os.Args[1:]}}
	}
	var sum summary
	begun := time.Now()
	if len(os.Args) == 1 {
		sum.vet()
	}
	for _, s := range all {
		if err := s.run(&sum); err != nil {
			sum.failed = append(sum.failed, fmt.Sprintf("go test %s: %v", strings.Join(s.packages, " "), err))
		}
	}
	sum.print(os.Stdout, time.Since(begun))
	if len(sum.failed) > 0 {
		os.Exit(1)
	}
}

func (sum *summary) vet() {
	cmd := exec.Command("go", "vet", "./...")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if cmd.Run() != nil {
		sum.failed = append(sum.failed, "go vet ./...")
	}
}

// run runs go test and adds what comes of it to the sum. A package that fails is not an error.
func (s step) run(sum *summary) error {
	args := append([]string{"test", "-json", "-count=1", "-timeout=30m"}, s.packages...)
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	before := len(sum.failed)
	if err := sum.read(out, s.name, os.Stdout); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil && len(sum.failed) == before {
		return err // and no package says why
	}
	return nil
}

// event is a line of go test -json; see go doc test2json.
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// summary is what is printed at the end.
type summary struct {
	took    []result
	skipped []string
	failed  []string
}

type result struct {
	name    string
	seconds float64
}

// read reads what go test says until its end, and prints a line for each package that is
// done, and after that, if it failed, all that its failed tests have printed.
func (sum *summary) read(in io.Reader, run string, out io.Writer) error {
	type test struct{ pkg, name string }
	said := map[test]*strings.Builder{} // until the test is done
	failed := map[string]*strings.Builder{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Fprintf(out, "%s", line)
			continue
		}
		this := test{e.Package, e.Test}
		name := shown(e.Package, run)
		switch e.Action {
		case "output", "build-output":
			if said[this] == nil {
				said[this] = &strings.Builder{}
			}
			said[this].WriteString(e.Output)
			if e.Action == "build-output" {
				fmt.Fprint(out, e.Output)
			}
		case "skip":
			if e.Test != "" {
				sum.skipped = append(sum.skipped, name+" "+e.Test+": "+reason(text(said[this])))
			}
			delete(said, this)
		case "pass", "fail":
			if e.Action == "fail" {
				if failed[e.Package] == nil {
					failed[e.Package] = &strings.Builder{}
				}
				failed[e.Package].WriteString(text(said[this]))
			}
			delete(said, this)
			if e.Test != "" {
				continue
			}
			sum.took = append(sum.took, result{name, e.Elapsed})
			fmt.Fprintf(out, "%-5s%-34s%7.1f s\n", e.Action, name, e.Elapsed)
			if e.Action == "fail" {
				for other, b := range said { // what was cut short
					if other.pkg == e.Package {
						failed[e.Package].WriteString(b.String())
						delete(said, other)
					}
				}
				sum.failed = append(sum.failed, name)
				fmt.Fprint(out, failed[e.Package].String())
			}
		}
	}
}

// shown returns a package's name as it is printed.
func shown(pkg, run string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(pkg, "github.com/gobwrap/gobwrap"), "/")
	if run != "" {
		name += " (" + run + ")"
	}
	return name
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// reason returns what a skipped test says: its first line that is the test's own.
func reason(said string) string {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			return line
		}
	}
	return "it does not say why"
}

// most is how many packages the table of the longest has.
const most = 12

func (sum *summary) print(out io.Writer, took time.Duration) {
	slices.SortStableFunc(sum.took, func(a, b result) int { return int(1000*b.seconds) - int(1000*a.seconds) })
	fmt.Fprintf(out, "\nThe longest of %d, %d s in all:\n", len(sum.took), int(took.Seconds()))
	for _, r := range sum.took[:min(most, len(sum.took))] {
		fmt.Fprintf(out, "  %-36s%7.1f s\n", r.name, r.seconds)
	}
	if len(sum.skipped) > 0 {
		fmt.Fprintln(out, "\nSkipped:")
		slices.Sort(sum.skipped)
		for _, line := range sum.skipped {
			fmt.Fprintln(out, "  "+line)
		}
	}
	if len(sum.failed) == 0 {
		fmt.Fprintln(out, "\nAll passed.")
		return
	}
	fmt.Fprintln(out, "\nFailed:")
	for _, name := range sum.failed {
		fmt.Fprintln(out, "  "+name)
	}
}
