// Command runall runs go vet, the tests of every package, and the suite compat in its other modes:
// one package more at a time than there are processors, since some wait, those that take longest
// first. It goes on after a failure, prints what failed as soon as a package is done, and ends with the
// packages that took longest, the tests that were skipped and why, and the packages that
// failed. Its exit status is 1 if one did.
//
//	go run ./tests/tools/runall [ARGUMENT-OF-GO-TEST...]
//	go run ./tests/tools/runall -long REFERENCE
//
// With arguments it is go test with these. With -long it runs what the first form has left out or cut
// short: campaigns, load and repetition at full length, the rest of compat in each mode, and compat
// and conformance with a second reference, the path of a bwrap.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// step is one start of go test.
type step struct {
	name string // of the run, in parentheses behind the package's
	env  []string
	args []string
}

// module is what the names of packages begin with.
const module = "github.com/gobwrap/gobwrap"

// longest are the packages that take longest, in order. Those that are not here take a few
// seconds each.
var longest = []string{
	"tests/e2e", "tests/hosted", "tests/packaging", "tests/conformance", "tests/compat", "tests/setuid", "sandbox",
	"tests/ranges", "sandbox/child", "tests/policy", "tests/seccomp", "tests/arm64",
}

// portions is into how many runs the other packages are divided. Each costs a second of its own.
const portions = 8

// steps returns what there is to run of all packages: the longest first, and last what fills the
// processors evenly.
func steps(all []string) (list []step) {
	add := func(name string, env []string, packages ...string) {
		// make test has run go vet; and one step keeps one processor busy
		list = append(list, step{name, env, append([]string{"-vet=off", "-p=1"}, packages...)})
	}
	for _, name := range longest {
		add("", nil, "./"+name)
		if name == "tests/compat" {
			for _, m := range modes {
				add(m.name+", "+m.part, append([]string{"GOBWRAP_TEST_PART=" + m.part}, m.env...), "./"+name)
			}
		}
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(pkg string) bool { return slices.Contains(longest, strings.TrimPrefix(pkg, module+"/")) })
	for packages := range slices.Chunk(rest, max(1, (len(rest)+portions-1)/portions)) {
		add("", nil, packages...)
	}
	return list
}

// modes are those in which compat runs besides the ordinary one, and which part of it the short form has.
var modes = []struct {
	name, part string
	env        []string
}{
	{"setuid", "1/2", []string{"GOBWRAP_TEST_MODE=setuid"}},
	{"classic", "1/4", []string{"GOBWRAP_TEST_ENGINE=classic"}},
	{"setuid, classic", "2/4", []string{"GOBWRAP_TEST_MODE=setuid", "GOBWRAP_TEST_ENGINE=classic"}},
	{"auto", "3/4", []string{"GOBWRAP_TEST_MODE=auto"}},
}

// campaigns are the packages with tests that ask whether they are to run at full length, longest first.
var campaigns = []string{"tests/e2e", "tests/setuid", "tests/hosted", "tests/ranges"}

// longSteps returns what there is to run at full length, besides steps.
func longSteps(reference string) (list []step) {
	add := func(name string, env []string, args ...string) {
		list = append(list, step{name, env, append([]string{"-vet=off", "-p=1"}, args...)})
	}
	for _, name := range campaigns {
		add("long", []string{"GOBWRAP_TEST_LONG=only"}, "./"+name)
	}
	newer := []string{"BWRAP_REFERENCE=" + reference}
	add("second reference", newer, "./tests/compat")
	add("second reference", newer, "-run=TestNewerReference", "./tests/conformance")
	for _, m := range modes {
		add(m.name+", all but "+m.part, append([]string{"GOBWRAP_TEST_PART=-" + m.part}, m.env...), "./tests/compat")
	}
	return list
}

func main() {
	begun := time.Now()
	var sum summary
	was := modeOf(os.TempDir())
	switch {
	case len(os.Args) == 3 && os.Args[1] == "-long":
		sum.runSteps(longSteps(os.Args[2]), runtime.NumCPU()+1)
	case len(os.Args) > 1:
		sum.runSteps([]step{{args: os.Args[1:]}}, 1)
	default:
		sum.vet()
		all, err := exec.Command("go", "list", "./...").Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, "runall: go list:", err)
			os.Exit(1)
		}
		sum.runSteps(steps(strings.Fields(string(all))), runtime.NumCPU()+1)
	}
	if is := modeOf(os.TempDir()); is != was { // most tests run as root, who could do that unnoticed
		sum.failed = append(sum.failed, fmt.Sprintf("a test changed the mode of %s from %v to %v", os.TempDir(), was, is))
	}
	sum.print(os.Stdout, time.Since(begun))
	if len(sum.failed) > 0 {
		os.Exit(1)
	}
}

func modeOf(dir string) fs.FileMode {
	info, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	return info.Mode()
}

func (sum *summary) vet() {
	cmd := exec.Command("go", "vet", "./...")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if cmd.Run() != nil {
		sum.failed = append(sum.failed, "go vet ./...")
	}
	sum.processor += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// runSteps runs the steps in order, some at a time, and adds what comes of them to the sum.
func (sum *summary) runSteps(list []step, atATime int) {
	todo := make(chan step)
	var workers sync.WaitGroup
	var adding sync.Mutex
	out := &whole{to: os.Stdout}
	for range atATime {
		workers.Go(func() {
			for s := range todo {
				one := s.run(out)
				adding.Lock()
				sum.add(one)
				adding.Unlock()
			}
		})
	}
	for _, s := range list {
		todo <- s
	}
	close(todo)
	workers.Wait()
}

// whole is a writer that several may write to.
type whole struct {
	sync.Mutex
	to io.Writer
}

func (w *whole) Write(p []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	return w.to.Write(p)
}

// run runs go test and returns what comes of it.
func (s step) run(to io.Writer) (sum summary) {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-timeout=60m"}, s.args...)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stderr = to
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		if err = sum.read(out, s.name, to); err != nil {
			_ = out.Close() // so that it ends
		}
		if ended := cmd.Wait(); err == nil && len(sum.failed) == 0 {
			err = ended // and no package says why
		}
		sum.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if err != nil {
		sum.failed = append(sum.failed, fmt.Sprintf("go test %s: %v", strings.Join(s.args, " "), err))
	}
	return sum
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
	took      []result
	skipped   []string
	failed    []string
	processor time.Duration // in use by all processes
}

type result struct {
	name      string
	seconds   float64
	processor time.Duration // in use by it and what built it, if it had a step to itself
}

func (sum *summary) add(one summary) {
	if len(one.took) == 1 {
		one.took[0].processor = one.processor
	}
	sum.took = append(sum.took, one.took...)
	sum.skipped = append(sum.skipped, one.skipped...)
	sum.failed = append(sum.failed, one.failed...)
	sum.processor += one.processor
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
			sum.took = append(sum.took, result{name: name, seconds: e.Elapsed})
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
	name := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
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
const most = 20

func (sum *summary) print(out io.Writer, took time.Duration) {
	slices.SortStableFunc(sum.took, func(a, b result) int { return int(1000*b.seconds) - int(1000*a.seconds) })
	fmt.Fprintf(out, "\nThe longest of %d, %d s in all, %d s of processor time:\n", len(sum.took), int(took.Seconds()), int(sum.processor.Seconds()))
	for _, r := range sum.took[:min(most, len(sum.took))] {
		fmt.Fprintf(out, "  %-36s%7.1f s", r.name, r.seconds)
		if r.processor > 0 {
			fmt.Fprintf(out, "%7.1f s of processor time, with its build", r.processor.Seconds())
		}
		fmt.Fprintln(out)
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
