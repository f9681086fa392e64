package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// newer names a bubblewrap newer than the installed one (scripts/reference-setup.sh).
const newer = "BWRAP_REFERENCE"

// changed are the cases that bubblewrap 0.13 fails, since it has changed what it does: each
// with the row of differences.md that says so.
var changed = map[string]string{}

// TestNewerReference runs a newer bubblewrap through the catalogue: it has no hole, and
// where it does otherwise than older ones and gobwrap, that is a known change.
func TestNewerReference(t *testing.T) {
	dir := harness.Scratch(t, os.TempDir(), 0)
	program := filepath.Join(dir, "bin", "bwrap")
	if err := os.Mkdir(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	original := os.Getenv(newer)
	if err := testbin.Copy(program, original, "0755"); err != nil {
		t.Fatal(err)
	}
	if err := testbin.UseLibraries(original, program); err != nil {
		t.Fatal(err)
	}
	groups, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	without := []mode{asUser, asRoot} // it has no setuid mode
	set := settings{programs: []string{program}, modes: without, setuidArgs: "auto", workers: 4, patience: harness.Patience}
	rep, err := testStage(t).perform(set, groups, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, ref := listedRows(t), rep.programs[0]
	equal(t, "holes", ref.ids(rep, hole), nil)
	seen := map[string]bool{}
	ref.each(rep, func(c *testCase, m mode, r result) {
		name := c.group + "/" + c.name
		if r.Verdict != fail {
			return
		}
		seen[name] = true
		if changed[name] == "" {
			t.Errorf("%s [%s]: %s", name, m, r.Detail)
		}
	})
	for name, row := range changed {
		if !seen[name] {
			t.Errorf("%s is in the list of changes, but does as older ones do", name)
		}
		if !slices.Contains(rows, row) {
			t.Errorf("%s: %s is no row of differences.md", name, row)
		}
	}
}
