package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// verdict is the result of a case in a mode.
type verdict string

// The verdicts, as they are printed.
const (
	pass        verdict = "pass"
	fail        verdict = "fail"
	differs     verdict = "differs"     // a deliberate difference is seen
	unsupported verdict = "unsupported" // the program lacks it, or is older
	hole        verdict = "hole"        // a known hole is seen
	notHere     verdict = "n/a"         // not for this mode, or this machine
)

var verdicts = []verdict{pass, differs, unsupported, notHere, hole, fail}

// outcome is what can be seen of a case, and what that means.
type outcome struct {
	verdict verdict
	id      string
	modes   []mode // nil: all that have none of their own
	seen    expectation
}

// expectation is what a case says about its run.
type expectation struct {
	status string
	out    []string
	match  []*regexp.Regexp
	not    []*regexp.Regexp
	err    *regexp.Regexp
	host   []string
}

// sighting is what was seen of a run.
type sighting struct {
	Status string
	Out    string
	Err    string
	Host   []string
}

func (e *expectation) add(word, rest string) (err error) {
	switch word {
	case "status":
		e.status = rest
	case "out":
		e.out = append(e.out, rest)
	case "match":
		e.match, err = appendRegexp(e.match, rest)
	case "not":
		e.not, err = appendRegexp(e.not, rest)
	case "err":
		e.err, err = regexp.Compile("(?m)" + rest)
	case "fails":
		e.status = "1"
		e.err, err = regexp.Compile("(?m)" + rest)
	case "host":
		if rest == "" || !strings.Contains("+-~", rest[:1]) {
			return fmt.Errorf("host takes +PATH, -PATH or ~PATH")
		}
		e.host = append(e.host, rest)
	default:
		err = fmt.Errorf("unknown word %q", word)
	}
	return err
}

func appendRegexp(list []*regexp.Regexp, text string) ([]*regexp.Regexp, error) {
	re, err := regexp.Compile("(?m)" + text)
	return append(list, re), err
}

// complaints says in which ways a sighting is not what is expected.
func (e *expectation) complaints(s sighting) (bad []string) {
	complain := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	want := e.status
	if want == "" {
		want = "0"
	}
	if want != "any" && s.Status != want {
		complain("status %s, not %s", s.Status, want)
	}
	bad = append(bad, e.outputComplaints(s.Out)...)
	switch {
	case e.err == nil && s.Err != "" && want != "any":
		complain("on standard error: %s", s.Err)
	case e.err != nil && !e.err.MatchString(s.Err):
		complain("standard error lacks %s: %q", e.err, s.Err)
	}
	host := slices.Sorted(slices.Values(e.host))
	if !slices.Equal(host, s.Host) {
		complain("changes on the host: %q, not %q", s.Host, host)
	}
	return bad
}

func (e *expectation) outputComplaints(out string) (bad []string) {
	if e.out != nil || e.match == nil && e.not == nil {
		want := strings.Join(append(slices.Clone(e.out), ""), "\n")
		if out != want {
			bad = append(bad, fmt.Sprintf("output %q, not %q", out, want))
		}
	}
	for _, re := range e.match {
		if !re.MatchString(out) {
			bad = append(bad, fmt.Sprintf("output lacks %s: %q", re, out))
		}
	}
	for _, re := range e.not {
		if re.MatchString(out) {
			bad = append(bad, fmt.Sprintf("output has %s: %q", re, out))
		}
	}
	return bad
}

// expand puts values in place of names in the lines that are compared word by word.
func (e expectation) expand(values *strings.Replacer) expectation {
	e.out = slices.Clone(e.out)
	for i, line := range e.out {
		e.out[i] = values.Replace(line)
	}
	for _, list := range []*[]*regexp.Regexp{&e.match, &e.not} {
		*list = slices.Clone(*list)
		for i, re := range *list {
			(*list)[i] = expandRegexp(re, values)
		}
	}
	if e.err != nil {
		e.err = expandRegexp(e.err, values)
	}
	return e
}

// expandRegexp does the same for an expression. The values have no character that means
// anything there; a $ that is followed by a letter can mean nothing else.
func expandRegexp(re *regexp.Regexp, values *strings.Replacer) *regexp.Regexp {
	return regexp.MustCompile(values.Replace(re.String()))
}

// judge finds the first outcome that fits what was seen. What fits none is a failure,
// told by what the first one lacks, unless the program is excused.
func (c *testCase) judge(s sighting, m mode, p *program, values *strings.Replacer) result {
	lacking := c.lacking(p)
	if lacking != "" && strings.Contains(s.Err, "Unknown option "+lacking) {
		return result{Verdict: unsupported, ID: lacking} // what an expected mistake may look like
	}
	var reasons []string
	for i, o := range c.in(m) {
		e := o.seen.expand(values)
		bad := e.complaints(s)
		if len(bad) == 0 {
			if o.verdict == unsupported {
				return c.older(p)
			}
			return result{Verdict: o.verdict, ID: o.id}
		}
		if i == 0 {
			reasons = bad
		}
	}
	if lacking != "" {
		return result{Verdict: unsupported, ID: lacking}
	}
	return result{Verdict: fail, Detail: strings.Join(reasons, "\n")}
}

// lacking returns the first option in the case's script that the program does not list.
func (c *testCase) lacking(p *program) string {
	script := strings.Join(c.run, "\n")
	for _, m := range optionWord.FindAllStringSubmatch(script, -1) {
		if slices.Contains(c.options, m[1]) && !p.has(m[1]) {
			return m[1]
		}
	}
	return ""
}

// older returns the result of a program that does what older ones do, and says so only if it
// is.
func (c *testCase) older(p *program) result {
	if p.Version.less(c.since) {
		return result{Verdict: unsupported, ID: c.since.String()}
	}
	return result{Verdict: fail, Detail: "it does what programs older than " + c.since.String() + " do"}
}
