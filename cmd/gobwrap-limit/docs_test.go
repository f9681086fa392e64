package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/docs"
)

var update = flag.Bool("update", false, "write the manual and the completions")

// rows is the table of options, as far as documents are concerned.
func rows() (out []docs.Option) {
	for _, o := range options() {
		help := strings.ToUpper(o.help[:1]) + o.help[1:]
		out = append(out, docs.Option{Name: o.name, Operands: o.operand, Help: help, Once: true})
	}
	return out
}

// TestManual: gobwrap-limit.1 is what gobwrap-limit.1.in and the table make.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("gobwrap-limit.1.in")
	if err != nil {
		t.Fatal(err)
	}
	text, err := docs.Manual(string(page), rows())
	if err != nil {
		t.Fatal("gobwrap-limit.1.in: ", err)
	}
	made(t, "gobwrap-limit.1", text)
}

// TestCompletions: the completions are what the table makes.
func TestCompletions(t *testing.T) {
	kinds := map[string]docs.Kind{"BYTES": {}, "N": {}}
	for _, name := range docs.Unknown(rows(), kinds) {
		t.Errorf("it is not said how the operand %s is completed", name)
	}
	c := docs.Complete(program, rows(), kinds)
	made(t, "completions/gobwrap-limit.bash", c.Bash)
	made(t, "completions/_gobwrap-limit", c.Zsh)
	made(t, "completions/gobwrap-limit.fish", c.Fish)
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
		t.Errorf("%s is not what the option table makes: make docs", name)
	}
}
