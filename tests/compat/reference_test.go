package compat

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// version is a release of bubblewrap: 0.11.1 is {0, 11, 1}.
type version [3]int

// referenceVersion is the release of the reference, as it says itself.
var referenceVersion version

// own, as the VERSION of a case, stands for what no bubblewrap does.
const own = "own"

// parseVersion reads two or three numbers with dots between them.
func parseVersion(text string) (v version, err error) {
	words := strings.Split(text, ".")
	if len(words) < 2 || len(words) > len(v) {
		return v, fmt.Errorf("version %q: want 0.11 or 0.11.1", text)
	}
	for i, word := range words {
		if v[i], err = strconv.Atoi(word); err != nil {
			return v, fmt.Errorf("version %q: %w", text, err)
		}
	}
	return v, nil
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// before reports whether v is older than w.
func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// askVersion sets referenceVersion, and checks that the mode can be tested with it.
func askVersion() error {
	out, err := exec.Command(reference, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", reference, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 || words[0] != "bubblewrap" {
		return fmt.Errorf("%s --version printed %q, want bubblewrap and a version", reference, out)
	}
	if referenceVersion, err = parseVersion(words[1]); err != nil {
		return err
	}
	if setuid && !referenceVersion.before(version{0, 12}) {
		return errors.New("GOBWRAP_TEST_MODE=setuid: bubblewrap has no setuid mode since 0.12")
	}
	return nil
}

// newer reports whether the reference does not know yet what the case is about.
func (c *testCase) newer() bool {
	if c.since == "" || c.since == own {
		return c.since == own
	}
	v, _ := parseVersion(c.since) // it made sense when it was read
	return referenceVersion.before(v)
}

// span is the releases of bubblewrap in which a difference shows.
type span struct{ since, before version }

// has reports whether the difference shows with a release. The zero value of before is
// no end.
func (s span) has(v version) bool {
	return !v.before(s.since) && (s.before == version{} || v.before(s.before))
}

// parseSpan reads a field of differences.md: "all", "since 0.11", "before 0.13", or the
// last two together.
func parseSpan(text string) (s span, err error) {
	if text == "all" {
		return s, nil
	}
	m := regexp.MustCompile(`^(?:since (\S+))? ?(?:before (\S+))?$`).FindStringSubmatch(text)
	if m == nil || text == "" {
		return s, fmt.Errorf("%q: want all, since VERSION, before VERSION, or since VERSION before VERSION", text)
	}
	for i, v := range []*version{&s.since, &s.before} {
		if m[i+1] != "" {
			if *v, err = parseVersion(m[i+1]); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// differences returns the rows of differences.md: where each shows.
func differences() (map[string]span, error) {
	data, err := os.ReadFile("differences.md")
	if err != nil {
		return nil, err
	}
	rows := map[string]span{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|(.*)$").FindAllStringSubmatch(string(data), -1) {
		fields := strings.Split(m[2], "|")
		if len(fields) != 6 {
			return nil, fmt.Errorf("differences.md: the row of %s does not have six columns", m[1])
		}
		if rows[m[1]], err = parseSpan(strings.TrimSpace(fields[1])); err != nil {
			return nil, fmt.Errorf("differences.md: the row of %s: %w", m[1], err)
		}
	}
	return rows, nil
}

// listed are the rows of differences.md.
var listed map[string]span

// shows reports whether a difference shows with this reference. An unknown one does:
// TestDifferencesAreListed complains.
func shows(id string) bool {
	s, ok := listed[id]
	return !ok || s.has(referenceVersion)
}

// fromLine is a directive that counts with references of a version or newer.
type fromLine struct {
	version version
	line    string
}

// from notes a line for newer references, if it makes sense.
func (c *testCase) from(text string) error {
	number, line, _ := strings.Cut(text, " ")
	v, err := parseVersion(number)
	if err != nil {
		return err
	}
	c.froms = append(c.froms, fromLine{v, line})
	word, rest, _ := strings.Cut(line, " ")
	return (&testCase{}).directive(word, rest)
}

// withReference returns the case as it is with this reference. A difference that does not
// show with it is not expected, and what is said of the reference then does not count.
func (c *testCase) withReference() *testCase {
	var lines []string
	for _, from := range c.froms {
		if !referenceVersion.before(from.version) {
			lines = append(lines, from.line)
		}
	}
	m := c.with(lines)
	if m.differs != "" && !shows(m.differs) {
		m.differs, m.ref = "", expectation{}
	}
	return m
}

// messagesChanged is the release in which bubblewrap's messages changed throughout.
// gobwrap keeps those of 0.11, which callers match; of newer references it is only asked
// that there is a message where there must be one.
var messagesChanged = version{0, 12}

// ofReference returns what must be seen of the reference.
func (c *testCase) ofReference() expectation {
	e := c.ref.over(c.both)
	if e.err != nil && !referenceVersion.before(messagesChanged) {
		e.err = regexp.MustCompile(`\S`)
	}
	return e
}
