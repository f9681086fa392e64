package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// newer names a bubblewrap newer than the installed one (scripts/reference-setup.sh).
const newer = "BWRAP_REFERENCE"

// changed are the cases that bubblewrap 0.13 fails, since it has changed what it does: each
// with the row of differences.md that says so.
var changed = map[string]string{
	"binds/onto-a-relative-link-to-a-file":      "symlink-destination",
	"binds/dangling-link-as-a-file-destination": "symlink-destination",
	"files/dir-on-a-link-to-a-directory":        "symlink-destination",
	"files/chmod-follows-a-relative-link":       "symlink-destination",
	"data/file-through-a-dangling-link":         "symlink-destination",
	"mounts/remount-ro-through-a-relative-link": "symlink-destination",
	"directory/cwd-of-the-caller-is-pwd":        "cwd-by-pwd",
	"surroundings/root-without-sys-admin":       "root-without-admin",
}

// leftOut are cases that say nothing about this program, with the reason.
var leftOut = map[string]string{
	"no-directory-in-tmp":                      "it covers the directory with the program's libraries",
	"die-with-parent-in-its-own-pid-namespace": "on a busy machine the sandbox now and then outlives a launcher that is killed early",
}

// TestNewerReference runs a newer bubblewrap through the catalogue: it has one hole left, and
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
	for i, g := range groups {
		groups[i].cases = slices.DeleteFunc(g.cases, func(c *testCase) bool { return leftOut[c.name] != "" })
	}
	without := []mode{asUser, asRoot} // it has no setuid mode
	set := settings{programs: []string{program}, modes: without, setuidArgs: "auto", workers: 4, patience: harness.Patience}
	rep, err := testStage(t).perform(set, groups, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, ref := listedRows(t), rep.programs[0]
	equal(t, "holes", ref.ids(rep, hole), []string{"chdir-by-descriptor"})
	seen := map[string]bool{}
	ref.each(rep, func(c *testCase, m mode, r result) {
		name := c.group + "/" + c.name
		// It refuses the same things, in other words than releases before 0.12, which callers match.
		if r.Verdict != fail || strings.HasPrefix(r.Detail, "standard error lacks ") {
			return
		}
		seen[name] = true
		if changed[name] == "" {
			t.Errorf("%s [%s]: %s", name, m, r.Detail)
		}
	})
	for name, row := range changed {
		if !seen[name] && row != "cwd-by-pwd" { // which depends on how the suite is called
			t.Errorf("%s is in the list of changes, but does as older ones do", name)
		}
		if !slices.Contains(rows, row) {
			t.Errorf("%s: differences.md has no row %s", name, row)
		}
	}
}
