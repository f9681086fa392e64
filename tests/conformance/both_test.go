package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// seenBefore is what is known of the reference: its holes, and what it lacks.
var (
	holesOfReference = []string{"CVE-2026-87766", "chdir-by-descriptor"}
	laterVersions    = []string{"0.9", "0.11", "0.11.1", "0.13"}
)

// notShown are the rows of differences.md that no case here shows.
var notShown = map[string]string{
	"auto-late-report":       "it is about a set-user-id copy that chooses its mode; here it is told",
	"cap-warning":            "what is on stderr of a launch that works does not count here: tests/compat",
	"cwd-by-pwd":             "the directory depends on how the suite is called: tests/compat",
	"long-path-entry":        "tests/compat",
	"userns-uid":             "it needs a user namespace with several ids: tests/compat",
	"dest-inside-host":       "the cases of CVE-2026-87766 show it",
	"later-mounts":           "the host has to mount something later: tests/compat",
	"namespace-file":         "no bubblewrap binds it: tests/compat",
	"newer-calls":            "only newer references need these calls: tests/compat",
	"overlay-flags":          "tests/compat, with a reference that has overlays",
	"root-without-admin":     "tests/compat",
	"setuid-covered-proc":    "the host's /proc has to be covered before: tests/compat",
	"setuid-die-with-parent": "tests/compat",
	"setuid-devpts":          "tests/compat",
	"setuid-fence":           "it needs Landlock: tests/compat",
	"symlink-destination":    "only newer references refuse it: tests/compat",
	"try-relative":           "tests/compat",
	"version":                "the cases of both print only what is common: tests/compat",
}

// TestBoth runs both programs through the whole catalogue in all modes.
func TestBoth(t *testing.T) {
	groups, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	set := settings{programs: []string{reference, subject}, modes: modes, setuidArgs: "auto", workers: 4, patience: harness.Patience}
	rep, err := testStage(t).perform(set, groups, nil)
	if err != nil {
		t.Fatalf("%v (make build makes the subject, the package bubblewrap has the reference)", err)
	}
	ref, sub := rep.programs[0], rep.programs[1]
	for _, p := range rep.programs {
		for m, reason := range p.skipped {
			t.Errorf("%s: mode %s has not been run: %s", p.Name, m, reason)
		}
		p.each(rep, func(c *testCase, m mode, r result) {
			switch {
			case r.Verdict == fail || r.Verdict == "":
				t.Errorf("%s: %s/%s [%s]: %s", p.Name, c.group, c.name, m, r.Detail)
			case r.Verdict == notHere && r.ID != "":
				t.Errorf("%s: %s/%s [%s]: not run, since this machine lacks: %s", p.Name, c.group, c.name, m, r.ID)
			}
		})
	}
	for _, change := range rep.host {
		t.Errorf("on the host: %s", change)
	}
	equal(t, "holes of the reference", ref.ids(rep, hole), holesOfReference)
	equal(t, "holes of the subject", sub.ids(rep, hole), nil)
	equal(t, "what the subject lacks", sub.ids(rep, unsupported), nil)
	for _, id := range ref.ids(rep, unsupported) {
		if !slices.Contains(laterVersions, id) && slices.Contains(optionsOf08, id) {
			t.Errorf("the reference lacks %s", id)
		}
	}
	for _, complaint := range differenceComplaints(rep, ref, sub) {
		t.Error(complaint)
	}
	for _, complaint := range rowComplaints(t, sub.ids(rep, differs)) {
		t.Error(complaint)
	}
	upToDate(t, rep)
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

// differenceComplaints: where a case lists a difference, the subject shows it and the
// reference does not. One that no longer exists is a fault of the list.
func differenceComplaints(rep *report, ref, sub *trial) (bad []string) {
	for _, g := range rep.groups {
		for _, c := range g.cases {
			for _, m := range c.modes {
				for _, o := range c.in(m) {
					if o.verdict != differs {
						continue
					}
					if r := sub.results[c.name][m]; r.Verdict != differs || r.ID != o.id {
						bad = append(bad, fmt.Sprintf("%s [%s] lists the difference %s, but the subject shows %v", c.name, m, o.id, r))
					}
					if r := ref.results[c.name][m]; r.Verdict == differs {
						bad = append(bad, fmt.Sprintf("%s [%s]: the reference shows %v", c.name, m, r))
					}
				}
			}
		}
	}
	return bad
}

// rowComplaints compares what the subject has shown with the list.
func rowComplaints(t *testing.T, shown []string) (bad []string) {
	t.Helper()
	rows := map[string]bool{}
	for _, id := range listedRows(t) {
		rows[id] = true
	}
	for _, id := range shown {
		if !rows[id] {
			bad = append(bad, id+" is shown, but is not a row of differences.md")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		_, excused := notShown[id]
		switch seen := slices.Contains(shown, id); {
		case !seen && !excused:
			bad = append(bad, id+" is a row of differences.md that nothing shows here")
		case seen && excused:
			bad = append(bad, id+" is shown: take it out of notShown")
		}
	}
	for id := range notShown {
		if !rows[id] {
			bad = append(bad, id+" is in notShown, but is not a row")
		}
	}
	return bad
}

// listedRows are the names of the rows of differences.md.
func listedRows(t *testing.T) (ids []string) {
	t.Helper()
	data, err := os.ReadFile("../compat/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(string(data), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// upToDate compares the document with what has been seen.
func upToDate(t *testing.T, rep *report) {
	t.Helper()
	data, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := between(string(data), rep.markdown())
	if err != nil {
		t.Fatal(err)
	}
	if want != string(data) {
		t.Errorf("docs/conformance.md is not what has been seen; make conformance updates it. First line that differs: %s", firstDifference(string(data), want))
	}
}

func firstDifference(a, b string) string {
	other := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(other) || line != other[i] {
			return line
		}
	}
	return "the end"
}

// TestDifferencesThatAreGone: the complaints above are made.
func TestDifferencesThatAreGone(t *testing.T) {
	c := &testCase{name: "c", modes: []mode{asUser}, outcomes: []outcome{{verdict: pass}, {verdict: differs, id: "d"}}}
	rep := &report{groups: []group{{cases: []*testCase{c}}}, modes: []mode{asUser}}
	shows := func(v verdict, id string) *trial {
		return &trial{results: map[string]map[mode]result{"c": {asUser: {Verdict: v, ID: id}}}}
	}
	for _, x := range []struct {
		name     string
		ref, sub *trial
		want     int
	}{
		{"as listed", shows(pass, ""), shows(differs, "d"), 0},
		{"gone in the subject", shows(pass, ""), shows(pass, ""), 1},
		{"another one", shows(pass, ""), shows(differs, "e"), 1},
		{"in the reference too", shows(differs, "d"), shows(differs, "d"), 1},
	} {
		if bad := differenceComplaints(rep, x.ref, x.sub); len(bad) != x.want {
			t.Errorf("%s: %q", x.name, bad)
		}
	}
	if bad := rowComplaints(t, []string{"no-such-row"}); !slices.Contains(bad, "no-such-row is shown, but is not a row of differences.md") || len(bad) < 10 {
		t.Errorf("%q", bad)
	}
}
