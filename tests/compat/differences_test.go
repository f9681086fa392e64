package compat

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// codedDifferences are the rows of differences.md that Go code shows; the
// others are shown by cases.
var codedDifferences = []string{
	"orphaned-set-up", "dest-inside-host", "arg-limit", "lock-refused", "userns-fd-leak",
	"setuid-block-fd", "setuid-die-with-parent",
}

// deliberate runs a test of something that gobwrap does better on purpose: it
// must be better, and the reference must not.
func deliberate(t *testing.T, id string, better func(t *testing.T, o on) bool) {
	t.Helper()
	onBoth(t, func(t *testing.T, o on) {
		switch got := better(t, o); {
		case o.isReference && got:
			t.Errorf("differences.md lists %s, but the reference does the same now", id)
		case !o.isReference && !got:
			t.Errorf("%s: not what differences.md promises", id)
		}
	})
}

// Every tag has its row, and every row its tag.
func TestDifferencesAreListed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("differences.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|(.*)$").FindAllStringSubmatch(string(data), -1) {
		if strings.Count(m[2], "|") != 4 {
			t.Errorf("the row of %s has not five columns", m[1])
		}
		rows[m[1]] = false
	}
	mark := func(id string) {
		if _, ok := rows[id]; !ok {
			t.Errorf("differences.md does not list %s", id)
		}
		rows[id] = true
	}
	for _, id := range codedDifferences {
		mark(id)
	}
	for _, file := range loadAll(t) {
		for _, c := range file.cases {
			if c.differs != "" {
				mark(c.differs)
			}
			for _, line := range slices.Concat(c.modes["setuid"], c.modes["auto"]) {
				if id, ok := strings.CutPrefix(line, "differs "); ok && id != "none" {
					mark(id)
				}
			}
		}
	}
	for id, used := range rows {
		if !used {
			t.Errorf("differences.md lists %s, which nothing shows", id)
		}
	}
}
