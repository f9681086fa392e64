package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/docs"
)

var update = flag.Bool("update", false, "write the manual")

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
	made(t, "gobwrap-seccomp.1", text)
}

// made compares a file with what it should be, or writes it.
func made(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the table of commands makes: make docs", name)
	}
}
