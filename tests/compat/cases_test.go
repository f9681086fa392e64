package compat

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

func TestCases(t *testing.T) {
	for _, file := range loadAll(t) {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range file.cases {
				if !harness.InPart(c.name) {
					continue
				}
				for _, who := range c.users {
					c := c.inMode(mode, who).withReference()
					if c.skip != "" || mode != "" && who.uid == 0 && file.name != "caps" {
						continue // see users
					}
					t.Run(c.name+"/"+who.name, func(t *testing.T) {
						t.Parallel()
						c.test(t, who)
					})
					if c.viaArgs {
						t.Run(c.name+"/"+who.name+"-args", func(t *testing.T) {
							t.Parallel()
							c.throughArgs().test(t, who)
						})
					}
				}
			}
		})
	}
}

// throughArgs returns the case with its options moved into a --args file.
func (c *testCase) throughArgs() *testCase {
	moved := *c
	options, command, _ := strings.Cut(c.run+" ", " -- ")
	moved.fds = append(c.fds[:len(c.fds):len(c.fds)], fdSpec{number: 20, kind: "args", arg: options})
	moved.run = "--args 20 -- " + command
	return &moved
}

type caseFile struct {
	name  string
	cases []*testCase
}

func loadAll(t *testing.T) (files []caseFile) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.cases")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	seen := map[string]string{}
	for _, path := range paths {
		cases, err := parseCases(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if old := seen[c.name]; old != "" {
				t.Errorf("%s:%d: %s was in %s already", path, c.line, c.name, old)
			}
			seen[c.name] = path
		}
		files = append(files, caseFile{strings.TrimSuffix(filepath.Base(path), ".cases"), cases})
	}
	return files
}

func (c *testCase) test(t *testing.T, who identity) {
	got := c.result(t, subject, who)
	var original result
	if !c.newer() {
		original = c.result(t, reference, who)
	}
	for _, complaint := range c.verdict(original, got) {
		t.Error(complaint)
	}
}

// verdict says what is wrong with what was seen of the two sides.
func (c *testCase) verdict(original, got result) (complaints []string) {
	add := func(who string, r result, problems []string) {
		if len(problems) > 0 {
			complaints = append(complaints, c.describe(who, r, problems))
		}
	}
	ours := c.subject.over(c.both).problems(got)
	if c.newer() {
		add("subject", got, ours)
		return complaints
	}
	add("reference", original, c.ofReference().problems(original))
	differs := c.compare(original, got)
	switch {
	case c.differs == "":
		ours = append(ours, differs...)
	case len(differs) == 0:
		ours = []string{"differences.md lists " + c.differs + ", but the two agree now"}
	}
	add("subject", got, ours)
	return complaints
}

func (c *testCase) describe(who string, r result, problems []string) string {
	return fmt.Sprintf("%s:%d: %s: %s\n  run %s\n  status %s\n  stdout:\n%s\n  stderr:\n%s\n  elsewhere:\n%s", c.file, c.line, who,
		strings.Join(problems, "\n  and "), c.run, r.status, indent(r.stdout), indent(r.stderr), indent(r.fds+r.after+r.tree))
}

// sysCover is the line of the mount that covers /proc/sys: the difference proc-sys.
var sysCover = regexp.MustCompile(`(?m)^mount \S*/sys: proc /sys ro,.*\n`)

// moreStatus are the documents of --json-status-fd that the reference does not have, as
// the text of a descriptor shows them: the difference more-status.
var moreStatus = regexp.MustCompile(`\{ \\"(?:(?:mode|command-pid|setup-complete)\\": [^}]*|error\\": \{ .*? \}) \}\\n`)

func (c *testCase) result(t *testing.T, program string, who identity) result {
	t.Helper()
	s, err := newSide(program, who)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.execute(s)
	if err != nil {
		t.Fatalf("%s:%d: with %s: %v", c.file, c.line, filepath.Base(program), err)
	}
	if program == subject && c.differs != "proc-sys" {
		r.stdout = sysCover.ReplaceAllString(r.stdout, "") // one difference, seen in one case
	}
	if program == subject && c.differs != "more-status" {
		r.fds = moreStatus.ReplaceAllString(r.fds, "")
	}
	if classic != "" && !strings.Contains(c.run, "seccomp") {
		r.stdout = strings.ReplaceAll(r.stdout, "Seccomp: 2", "Seccomp: 0") // the filter that makes the engine
	}
	if c.unordered {
		r.stdout = sortLines(r.stdout)
	}
	return r
}

// problems says how a result is not what a case says must be seen.
func (e expectation) problems(r result) (list []string) {
	want := "0"
	if e.status != "" {
		want = e.status
	}
	if r.status != want {
		list = append(list, fmt.Sprintf("exit status %s, want %s", r.status, want))
	}
	if e.silent && r.stdout != "" {
		list = append(list, "output where there must be none")
	}
	if e.out != nil && r.stdout != strings.Join(e.out, "\n")+"\n" {
		list = append(list, "the output is not\n"+indent(strings.Join(e.out, "\n")))
	}
	for _, re := range e.match {
		if !re.MatchString(r.stdout + r.fds + r.after + r.tree) {
			list = append(list, fmt.Sprintf("nothing matches %s", re))
		}
	}
	if e.err == nil && r.stderr != "" {
		list = append(list, "something on stderr")
	}
	if e.err != nil && !e.err.MatchString(r.stderr) {
		list = append(list, fmt.Sprintf("stderr does not match %s", e.err))
	}
	return list
}

// compare says in what two results differ. Messages are compared by the
// expressions in the case and by whether there are any, not word by word.
func (c *testCase) compare(ref, sub result) (differs []string) {
	add := func(what, a, b string) {
		if a != b {
			differs = append(differs, fmt.Sprintf("%s differs:\n%s", what, diff(a, b)))
		}
	}
	add("exit status", ref.status, sub.status)
	if !c.loose {
		add("stdout", ref.stdout, sub.stdout)
		add("what the descriptors got", ref.fds, sub.fds)
	}
	add("presence of messages", fmt.Sprint(ref.stderr != ""), fmt.Sprint(sub.stderr != ""))
	add("what is left on the host", ref.tree, sub.tree)
	add("what the after lines print", ref.after, sub.after)
	return differs
}

// diff shows the lines that only one of two texts has.
func diff(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for len(as) > 0 && len(bs) > 0 && as[0] == bs[0] {
		as, bs = as[1:], bs[1:]
	}
	for len(as) > 0 && len(bs) > 0 && as[len(as)-1] == bs[len(bs)-1] {
		as, bs = as[:len(as)-1], bs[:len(bs)-1]
	}
	var text strings.Builder
	for _, line := range as {
		fmt.Fprintf(&text, "\t- %s\n", line)
	}
	for _, line := range bs {
		fmt.Fprintf(&text, "\t+ %s\n", line)
	}
	return text.String()
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n\t")
}
