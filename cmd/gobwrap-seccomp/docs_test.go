package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/docs"
	"github.com/gobwrap/gobwrap/tests/lib/written"
)

// rows is the table of commands, as far as documents are concerned.
func rows() (out []docs.Command) {
	for _, c := range commands() {
		out = append(out, docs.Command{Name: c.name, Operands: c.operands})
	}
	return out
}

// TestManual: gobwrap-seccomp.1 is what gobwrap-seccomp.1.in and the table make.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("gobwrap-seccomp.1.in")
	if err != nil {
		t.Fatal(err)
	}
	text, err := docs.Manual(string(page), docs.Flags(rows()), rows()...)
	if err != nil {
		t.Fatal("gobwrap-seccomp.1.in: ", err)
	}
	for _, name := range builtins() {
		if !strings.Contains(text, name) {
			t.Errorf("the manual lacks %s", name)
		}
	}
	written.Compare(t, "gobwrap-seccomp.1", text)
}

// TestCompletions: the completions are what the table makes.
func TestCompletions(t *testing.T) {
	c := docs.Choose("gobwrap-seccomp", rows(), []string{"--help", "--version"}, map[string]docs.Kind{
		"FILE":    {Files: true},
		"PROFILE": {Files: true},
		"FILTER":  {Files: true, Words: builtins()},
		"CAP":     {Words: append([]string{"ALL"}, idmap.Caps(1<<63-1).Names()...)},
		"ARCH":    {Words: []string{"amd64", "arm64", "x86_64", "x86", "x32", "aarch64", "arm"}},
	})
	written.Compare(t, "completions/gobwrap-seccomp.bash", c.Bash)
	written.Compare(t, "completions/_gobwrap-seccomp", c.Zsh)
	written.Compare(t, "completions/gobwrap-seccomp.fish", c.Fish)
}
