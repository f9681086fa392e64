package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

func TestMain(m *testing.M) {
	harness.EnterIfRoot()
	os.Exit(m.Run())
}

// TestCurrent: the pictures in docs/images show what the programs print now, and README shows
// all of them.
func TestCurrent(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		name := s.name + ".svg"
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile("../../../docs/images/" + name)
		if err != nil || string(have) != string(want) {
			t.Errorf("docs/images/%s is not what is drawn now (make screenshots): %v\n%s", name, err, want)
		}
		if !strings.Contains(string(readme), "](docs/images/"+name+")") {
			t.Errorf("README.md does not show %s", name)
		}
	}
}

// TestWrap: long lines are broken at blanks, and stay indented.
func TestWrap(t *testing.T) {
	word := strings.Repeat("x", 40)
	have := wrap("  " + strings.Join([]string{word, word, word}, " "))
	if len(have) != 2 || have[0] != "  "+word+" "+word || have[1] != "    "+word {
		t.Errorf("%q", have)
	}
	if have := wrap(strings.Repeat("y", 200)); len(have) != 1 {
		t.Errorf("%q", have)
	}
	if have := painted("gobwrap: hint: a <b>"); have != `<tspan fill="#e3b341">gobwrap: hint:</tspan> a &lt;b&gt;` {
		t.Error(have)
	}
}
