package main

import (
	"os"
	"strings"
	"testing"
)

// The manual lists exactly the options of the table, each once, with its operands, or
// with the value that follows "=".
func TestManual(t *testing.T) {
	listed := manualOptions(t)
	for i := range table {
		o := &table[i]
		operands, ok := listed[o.name]
		want := o.operands
		if o.value != "" {
			want = strings.TrimPrefix(o.synopsis(), o.name)
		}
		switch {
		case !ok:
			t.Errorf("gobwrap.1 lacks %s", o.name)
		case operands != want:
			t.Errorf("gobwrap.1 gives %s the operands %q, the table %q", o.name, operands, want)
		}
		delete(listed, o.name)
	}
	for name := range listed {
		t.Errorf("gobwrap.1 has %s, which is no option", name)
	}
}

// manualOptions reads the items of the option lists: ".It Fl -name Ar OPERAND…", or
// ".It Fl -name Ns = Ns Ar VALUE", with "Ns Op =" in place of "Ns =" for one that may be
// missing.
func manualOptions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("gobwrap.1")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		item, ok := strings.CutPrefix(line, ".It Fl -")
		if !ok {
			continue
		}
		name, operands, _ := strings.Cut(strings.TrimSpace(item), " Ar ")
		if option, ok := strings.CutSuffix(name, " Ns = Ns"); ok {
			name, operands = option, "="+operands
		} else if option, ok := strings.CutSuffix(name, " Ns Op = Ns"); ok {
			name, operands = option, "[="+operands+"]"
		}
		name = "--" + name
		if _, twice := listed[name]; twice {
			t.Errorf("gobwrap.1 lists %s twice", name)
		}
		listed[name] = operands
	}
	return listed
}
