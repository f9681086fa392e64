package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/docs"
	"github.com/gobwrap/gobwrap/tests/lib/written"
)

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
	written.Compare(t, "gobwrap-limit.1", text)
}

// TestCompletions: the completions are what the table makes.
func TestCompletions(t *testing.T) {
	kinds := map[string]docs.Kind{"BYTES": {}, "N": {}}
	for _, name := range docs.Unknown(rows(), kinds) {
		t.Errorf("it is not said how the operand %s is completed", name)
	}
	c := docs.Complete(program, rows(), kinds)
	written.Compare(t, "completions/gobwrap-limit.bash", c.Bash)
	written.Compare(t, "completions/_gobwrap-limit", c.Zsh)
	written.Compare(t, "completions/gobwrap-limit.fish", c.Fish)
}
