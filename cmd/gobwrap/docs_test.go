package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/docs"
	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/tests/lib/written"
)

// operandKinds says how each operand of the table is completed.
func operandKinds() map[string]docs.Kind {
	file, dir, free := docs.Kind{Files: true}, docs.Kind{Dirs: true}, docs.Kind{}
	return map[string]docs.Kind{
		"SRC": file, "DEST": file, "RWSRC": dir, "WORKDIR": dir, "PATH": file, "PATTERN": file, "DIR": dir,
		"VAR":     {Variables: true},
		"CAP":     {Words: append([]string{"ALL"}, idmap.Caps(1<<63-1).Names()...)},
		"MODE":    {Words: choices("--mode")},
		"PROFILE": {Words: seccomp.Builtins(), Files: true},
		"SCOPE":   {Words: scopeNames()},

		"INSIDE:OUTSIDE:COUNT": free, "FD": free, "VALUE": free, "STATUS": free, "UID": free, "GID": free, "NAME": free,
		"LABEL": free, "OCTAL": free, "BYTES": free, "NAME=SOFT[:HARD]": free, "SECONDS[:GRACE]": free, "N": free, "CPUS": free,
	}
}

// choices are the values of an option that takes one of few.
func choices(name string) []string {
	list := strings.Split(cmdline.Options[cmdline.Lookup([]byte(name))].Choices, "|")
	slices.Sort(list)
	return list
}

// scopeNames are the operands of --scope.
func scopeNames() (out []string) {
	for i := range cmdline.Scopes {
		out = append(out, cmdline.Scopes[i].Name)
	}
	return out
}

// rows is the table, as far as documents are concerned.
func rows() (out []docs.Option) {
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		out = append(out, docs.Option{Name: o.Name, Operands: o.Operands, Value: o.Value, Optional: o.Optional, Help: o.Help, Once: o.Scalar})
	}
	return out
}

// TestManual: gobwrap.1 and help.txt are what gobwrap.1.in and the table make.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("gobwrap.1.in")
	if err != nil {
		t.Fatal(err)
	}
	text, err := docs.Manual(string(page), rows())
	if err != nil {
		t.Fatal("gobwrap.1.in: ", err)
	}
	written.Compare(t, "gobwrap.1", text)
	text, err = docs.Text(string(page), rows())
	if err != nil {
		t.Fatal("gobwrap.1.in: ", err)
	}
	written.Compare(t, "help.txt", text)
}

// TestManualHeadings: the headings in EXIT STATUS and DIAGNOSTICS are plain text. A word of them that is the
// name of a macro of mdoc(7) would be carried out and not printed: "No such file" would become "such file".
func TestManualHeadings(t *testing.T) {
	macros := strings.Fields("Ac Ad An Ao Ap Aq Ar At Bc Bo Bq Brc Bro Brq Bsx Bx Cd Cm Dc Do Dq Dv Dx Ec Em En Eo Er Es Ev Fa Fc Fl Fn Fo Fr Ft Fx " +
		"Ic In Li Lk Ms Mt Nm No Ns Nx Oc Oo Op Ot Ox Pa Pc Pf Po Pq Qc Ql Qo Qq Sc So Sq Sx Sy Ta Tn Ux Va Vt Xc Xo Xr")
	page, err := os.ReadFile("gobwrap.1.in")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"EXIT STATUS", "DIAGNOSTICS"} {
		_, text, _ := strings.Cut(string(page), "\n.Sh "+section+"\n")
		text, _, _ = strings.Cut(text, "\n.Sh ")
		count := 0
		for line := range strings.Lines(text) {
			heading, ok := strings.CutPrefix(line, ".It ")
			if !ok {
				continue
			}
			count++
			for _, word := range strings.Fields(heading) {
				if slices.Contains(macros, word) {
					t.Errorf(`%s: the macro %s in %q; write \&%s`, section, word, line, word)
				}
			}
		}
		if count < 3 {
			t.Errorf("%s has %d headings", section, count)
		}
	}
}

// TestCompletions: the completions are what the table makes.
func TestCompletions(t *testing.T) {
	kinds := operandKinds()
	for _, name := range docs.Unknown(rows(), kinds) {
		t.Errorf("operandKinds does not say how the operand %s is completed", name)
	}
	c := docs.Complete("gobwrap", rows(), kinds)
	written.Compare(t, "completions/gobwrap.bash", c.Bash)
	written.Compare(t, "completions/_gobwrap", c.Zsh)
	written.Compare(t, "completions/gobwrap.fish", c.Fish)
}
