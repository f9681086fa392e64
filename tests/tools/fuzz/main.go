// Command fuzz runs the fuzz tests of the module one after the other, each for a time or a
// number of executions, and says how much it was:
//
//	go run ./tests/tools/fuzz [-time 10m] [-run REGEXP] [-keep] [-md docs/fuzzing.md]
//
// go test ends a run by time with an error now and then although nothing was found
// ("context deadline exceeded"): that is no failure here. A failure is an input that fails,
// which go test has then written to testdata/fuzz. With -keep, inputs that were found to
// reach new code go there too, at most 40 for each test. The exit status is 1 if a test
// failed.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fuzzTest is one of the module's.
type fuzzTest struct {
	dir, name string // dir is relative to the module
	what      string // the first sentence of its comment
}

// outcome is what a run came to.
type outcome struct {
	took       time.Duration // without the build
	executions int
	failed     bool
}

func main() {
	limit := flag.String("time", "10m", "for each test: a duration, or a number of executions with x behind it")
	pattern := flag.String("run", "", "only tests whose package/name matches this `REGEXP`")
	keep := flag.Bool("keep", false, "keep inputs that reach new code")
	page := flag.String("md", "", "put the table into `FILE`, between its two marks")
	flag.Parse()
	if err := run(*limit, *pattern, *keep, *page); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(limit, pattern string, keep bool, page string) error {
	chosen, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	tests, err := find(".")
	if err != nil {
		return err
	}
	table, failed := "| test | what is tried | time | executions | inputs kept |\n|---|---|--:|--:|--:|\n", 0
	for _, f := range tests {
		if !chosen.MatchString(f.dir + "/" + f.name) {
			continue
		}
		fmt.Printf("%s %s\n", f.dir, f.name)
		o := f.fuzz(limit)
		if o.failed {
			failed++
		}
		if keep {
			if err := f.keep(); err != nil {
				return err
			}
		}
		table += fmt.Sprintf("| `%s` %s | %s | %.0f s | %d | %d |\n", f.dir, f.name, f.what, o.took.Seconds(), o.executions, len(f.kept()))
	}
	if page != "" {
		if err := publish(page, fmt.Sprintf("Last run: %s, each test for %s.\n\n%s", time.Now().UTC().Format(time.DateOnly), limit, table)); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d tests failed", failed)
	}
	return nil
}

// find lists the fuzz tests below a directory, by package. Those of tests/ need more than go.
func find(root string) (tests []fuzzTest, err error) {
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "tests" || path == "bin" || d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for name, object := range file.Scope.Objects {
			if strings.HasPrefix(name, "Fuzz") && object.Kind.String() == "func" {
				tests = append(tests, fuzzTest{filepath.Dir(path), name, comment(file.Comments, name)})
			}
		}
		return nil
	})
	slices.SortFunc(tests, func(a, b fuzzTest) int { return strings.Compare(a.dir+"/"+a.name, b.dir+"/"+b.name) })
	return tests, err
}

// comment returns what stands above a function, as a sentence of its own.
func comment[C interface{ Text() string }](all []C, name string) string {
	for _, c := range all {
		text := strings.Join(strings.Fields(c.Text()), " ")
		if rest, ok := strings.CutPrefix(text, name+" "); ok {
			return rest
		}
		if rest, ok := strings.CutPrefix(text, name+": "); ok {
			return rest
		}
	}
	return ""
}

var progress = regexp.MustCompile(`elapsed: (\S+), execs: (\d+)`)

// fuzz runs it, passes on what go test says, and reads from it how much it was.
func (f fuzzTest) fuzz(limit string) (o outcome) {
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+f.name+"$", "-fuzztime", limit, "-fuzzminimizetime", "10x", "./"+f.dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = cmd.Stdout
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		return outcome{failed: true}
	}
	said := follow(out, os.Stdout)
	err = cmd.Wait()
	return judge(said, err)
}

func follow(from io.Reader, to io.Writer) string {
	var said strings.Builder
	for lines := bufio.NewScanner(from); lines.Scan(); {
		fmt.Fprintln(to, lines.Text())
		said.WriteString(lines.Text() + "\n")
	}
	return said.String()
}

// judge says what a run came to.
func judge(said string, err error) (o outcome) {
	if all := progress.FindAllStringSubmatch(said, -1); all != nil {
		last := all[len(all)-1]
		o.took, _ = time.ParseDuration(last[1])
		o.executions, _ = strconv.Atoi(last[2])
	}
	outOfTime := strings.Contains(said, "context deadline exceeded") && !strings.Contains(said, "Failing input written")
	o.failed = err != nil && !outOfTime || o.executions == 0
	return o
}

// What is kept: small inputs, few of them, since every go test runs them.
const (
	maxKept = 40
	maxSize = 4 << 10
)

func (f fuzzTest) corpus() string { return filepath.Join(f.dir, "testdata", "fuzz", f.name) }

func (f fuzzTest) kept() []string {
	files, _ := filepath.Glob(f.corpus() + "/*")
	return files
}

// keep copies what go test has in its cache.
func (f fuzzTest) keep() error {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}", "./"+f.dir).Output()
	if err != nil {
		return err
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(cache)), "fuzz", strings.TrimSpace(string(out)), f.name, "*"))
	if err != nil {
		return err
	}
	n := len(f.kept())
	for _, file := range found { // by their hash: any of them
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if n >= maxKept || len(text) > maxSize {
			continue
		}
		if err := os.MkdirAll(f.corpus(), 0o755); err != nil {
			return err
		}
		to := filepath.Join(f.corpus(), filepath.Base(file))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
		n++
	}
	return nil
}

const begin, end = "<!-- fuzz: begin -->\n", "<!-- fuzz: end -->\n"

// publish replaces what stands between the two marks of a document.
func publish(page, text string) error {
	data, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the marks %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(before+begin+text+end+after), 0o644)
}
