package compat

import (
	"slices"
	"strings"
	"testing"
)

// codedDifferences are the rows of differences.md that Go code shows; the
// others are shown by cases.
var codedDifferences = []string{
	"orphaned-set-up", "dest-inside-host", "arg-limit", "lock-refused", "userns-fd-leak", "userns-uid", "long-path-entry",
	"setuid-block-fd", "setuid-die-with-parent",
}

// deliberate runs a test of something that gobwrap does better on purpose: it
// must be better, and a reference with which the difference shows must not.
func deliberate(t *testing.T, id string, better func(t *testing.T, o on) bool) {
	t.Helper()
	onBoth(t, func(t *testing.T, o on) {
		switch got := better(t, o); {
		case o.isReference && got && shows(id):
			t.Errorf("differences.md lists %s, but the reference does the same now", id)
		case o.isReference && !got && !shows(id):
			t.Errorf("differences.md says that bubblewrap %v does what %s says, but it does not", referenceVersion, id)
		case !o.isReference && !got:
			t.Errorf("%s: not what differences.md promises", id)
		}
	})
}

// Every tag has its row, and every row its tag.
func TestDifferencesAreListed(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	mark := func(id string) {
		if _, ok := listed[id]; !ok {
			t.Errorf("differences.md does not list %s", id)
		}
		shown[id] = true
	}
	for _, id := range codedDifferences {
		mark(id)
	}
	for _, file := range loadAll(t) {
		for _, c := range file.cases {
			if c.differs != "" {
				mark(c.differs)
			}
			lines := slices.Concat(c.modes["setuid"], c.modes["auto"])
			for _, from := range c.froms {
				lines = append(lines, from.line)
			}
			for _, line := range lines {
				if id, ok := strings.CutPrefix(line, "differs "); ok && id != "none" {
					mark(id)
				}
			}
		}
	}
	for id := range listed {
		if !shown[id] {
			t.Errorf("differences.md lists %s, which nothing shows", id)
		}
	}
}
