package compat

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A file of cases is read line by line. `case NAME` begins a case; the lines
// below it say how it runs and what must be seen:
//
//	as root|user|both      who runs it (both); `alone` is a user nobody else is
//	since VERSION          older references do otherwise: with them only the subject runs
//	                       (`own`: so does every bubblewrap)
//	differs ID             a deliberate difference, listed in differences.md; with a
//	                       reference with which it does not show, both sides must agree,
//	                       and ref is ignored
//	setup SHELL            run before, in the scratch directory $W
//	after SHELL            run afterwards there; its output is compared too
//	host SHELL             what root does before, in a mount namespace that all below is in
//	wrap SHELL             what a shell does just before it becomes the launcher
//	env NAME=VALUE …       added to PATH=/usr/bin:/bin HOME=/nohome LANG=C, or in place
//	                       of one of them; `env -` empties it
//	cwd DIR                where the launcher starts ($W)
//	name NAME              the name it is started under
//	fd N KIND …            an open file: see open in fds_test.go
//	run WORD …             the arguments; further run lines add more
//	status N, out LINE, match REGEXP, err REGEXP, fails REGEXP
//	                       what must be seen of both sides: exit status (0), whole
//	                       output line by line, a part of the output, a part of
//	                       stderr (empty); fails is status 1, err and no output
//	ref …, subject …       what must be seen of one side, in place of all of the above
//	unordered              the lines of the output are sorted first
//	loose                  the outputs are not compared, only checked
//	via args               run again with the options in a --args file
//	skip REASON            not run at all
//	unforced               the subject is left to choose its mode
//	setuid DIRECTIVE …, auto DIRECTIVE …, setuid+auto DIRECTIVE …
//	                       counts in that mode only (mode_test.go), for an ordinary user,
//	                       in place of what says the same otherwise; what must be seen of
//	                       both sides replaces all that must be seen; `differs none`
//	                       takes it back
//	from VERSION DIRECTIVE counts with a reference of VERSION or newer, in place of what
//	                       says the same otherwise
//
// $W is the scratch directory, $P the program that runs the case, $V the victim
// on the host, $NS our namespaces; $B binds the victim to /v, and $S a host's
// /usr with its links, so that there is a shell.
type testCase struct {
	file, name string
	line       int
	users      []identity
	since      string
	differs    string
	setup      []string
	after      []string
	host       string
	wrap       string
	env        []string
	cwd        string
	argv0      string
	fds        []fdSpec
	run        string
	both       expectation
	ref        expectation
	subject    expectation
	unordered  bool
	loose      bool
	viaArgs    bool
	skip       string
	unforced   bool
	modes      map[string][]string // lines for a mode
	froms      []fromLine
}

// expectation is what a case says must be seen.
type expectation struct {
	status string
	out    []string
	silent bool
	match  []*regexp.Regexp
	err    *regexp.Regexp
}

type fdSpec struct {
	number int
	kind   string
	arg    string
}

var environment = []string{"PATH=/usr/bin:/bin", "HOME=/nohome", "LANG=C"}

func parseCases(path string) ([]*testCase, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var cases []*testCase
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		if word == "case" {
			cases = append(cases, &testCase{
				file: path, name: rest, line: n, env: environment, cwd: "$W",
				users: []identity{user, root},
			})
			continue
		}
		if len(cases) == 0 {
			return nil, fmt.Errorf("%s:%d: %q before the first case", path, n, word)
		}
		if err := cases[len(cases)-1].directive(word, rest); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return cases, lines.Err()
}

func (c *testCase) directive(word, rest string) (err error) {
	switch word {
	case "as":
		c.users, err = c.parseUsers(rest)
	case "since":
		if c.since = rest; rest != own {
			_, err = parseVersion(rest)
		}
	case "differs":
		if c.differs = rest; rest == "none" {
			c.differs = ""
		}
	case "setup":
		c.setup = append(c.setup, rest)
	case "after":
		c.after = append(c.after, rest)
	case "host":
		c.host = rest
	case "wrap":
		c.wrap = rest
	case "env":
		c.addEnv(rest)
	case "cwd":
		c.cwd = rest
	case "name":
		c.argv0 = rest
	case "fd":
		err = c.addFD(rest)
	case "run":
		c.run = strings.TrimSpace(c.run + " " + rest)
	case "unordered":
		c.unordered = true
	case "loose":
		c.loose = true
	case "setuid", "auto", "setuid+auto":
		err = c.variant(strings.Split(word, "+"), rest)
	case "from":
		err = c.from(rest)
	case "unforced":
		c.unforced = true
	case "skip":
		c.skip = rest
	case "via":
		c.viaArgs = true
	case "ref", "subject":
		what, rest, _ := strings.Cut(rest, " ")
		side := &c.ref
		if word == "subject" {
			side = &c.subject
		}
		err = side.add(what, strings.TrimSpace(rest))
	default:
		err = c.both.add(word, rest)
	}
	return err
}

// variant notes a line for a mode, if it makes sense.
func (c *testCase) variant(modes []string, line string) error {
	if c.modes == nil {
		c.modes = map[string][]string{}
	}
	for _, m := range modes {
		c.modes[m] = append(c.modes[m], line)
	}
	word, rest, _ := strings.Cut(line, " ")
	return (&testCase{}).directive(word, rest)
}

// inMode returns the case as it is in a mode.
func (c *testCase) inMode(mode string, who identity) *testCase {
	if who.uid == 0 {
		return c
	}
	return c.with(c.modes[mode])
}

// with returns the case with lines that replace what says the same in it.
func (c *testCase) with(lines []string) *testCase {
	m := *c
	replaced := map[string]bool{}
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		if what := outcome(word); !replaced[what] {
			m.forget(what)
			replaced[what] = true
		}
		_ = m.directive(word, rest) // it made sense when it was read
	}
	return &m
}

// outcome says what of a case a directive is about, if there is one answer only.
func outcome(word string) string {
	switch word {
	case "status", "out", "silent", "match", "err", "fails":
		return "both"
	}
	return word
}

// forget makes room for what a line for a mode says.
func (c *testCase) forget(what string) {
	switch what {
	case "both":
		c.both, c.ref, c.subject = expectation{}, expectation{}, expectation{}
	case "ref":
		c.ref = expectation{}
	case "subject":
		c.subject = expectation{}
	case "run":
		c.run = ""
	}
}

func (c *testCase) parseUsers(text string) ([]identity, error) {
	switch text {
	case "root":
		return []identity{root}, nil
	case "user":
		return []identity{user}, nil
	case "alone":
		return []identity{alone(c.line)}, nil
	case "both":
		return []identity{user, root}, nil
	}
	return nil, fmt.Errorf("as %q: want root, user, alone or both", text)
}

func (c *testCase) addEnv(text string) {
	if text == "-" {
		c.env = []string{}
		return
	}
	words, _ := splitWords(text)
	env := append([]string{}, c.env...)
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		usual := func(have string) bool {
			return strings.HasPrefix(have, name+"=") && slices.Contains(environment, have)
		}
		if i := slices.IndexFunc(env, usual); i >= 0 {
			env[i] = word
			continue
		}
		env = append(env, word)
	}
	c.env = env
}

func (c *testCase) addFD(text string) error {
	number, rest, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("fd %q: %w", number, err)
	}
	kind, arg, _ := strings.Cut(strings.TrimSpace(rest), " ")
	c.fds = append(c.fds, fdSpec{number: n, kind: kind, arg: strings.TrimSpace(arg)})
	return nil
}

func (e *expectation) add(word, rest string) (err error) {
	switch word {
	case "status":
		e.status = rest
	case "out":
		e.out = append(e.out, rest)
	case "silent":
		e.silent = true
	case "match":
		var re *regexp.Regexp
		re, err = regexp.Compile("(?m)" + rest)
		e.match = append(e.match, re)
	case "err":
		e.err, err = regexp.Compile("(?m)" + rest)
	case "fails":
		e.silent, e.status = true, "1"
		e.err, err = regexp.Compile("(?m)" + rest)
	default:
		err = fmt.Errorf("unknown directive %q", word)
	}
	return err
}

// over returns e if it says anything, and what lies below it otherwise.
func (e expectation) over(below expectation) expectation {
	if e.status == "" && e.out == nil && !e.silent && e.match == nil && e.err == nil {
		return below
	}
	return e
}

// splitWords splits as a shell would, with quotes but without expansions.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("unclosed quote in %q", text)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
