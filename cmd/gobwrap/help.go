package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// answer handles --version as the only argument, before anything else is looked at.
func answer(argv []string) (string, bool) {
	if len(argv) == 2 && argv[1] == "--version" {
		return version.Line(argv[0]), true
	}
	return "", false
}

// synopsis returns the option's name, with what follows "=".
func synopsis(o *cmdline.Option) string {
	switch {
	case o.Value == "":
		return o.Name
	case o.Optional:
		return o.Name + "[=" + o.Value + "]"
	default:
		return o.Name + "=" + o.Value
	}
}

func program() string {
	if argv := child.Args(); len(argv) > 0 {
		return argv[0]
	}
	return "gobwrap"
}

// usage returns the line that --help begins with, in bubblewrap's form: callers look for it.
func usage(argv0 string) string {
	return "usage: " + argv0 + " [OPTIONS...] [--] COMMAND [ARGS...]\n"
}

// manual is the manual's text on each option, in groups; see internal/docs.Text. It lies
// among the constants of the program, which a launch that prints nothing does not touch.
//
//go:embed help.txt
var manual string

// help returns the text of --help: the options by purpose, one a line, in the manual's order.
func help(argv0 string) string {
	var out strings.Builder
	out.WriteString(usage(argv0) + "\n" +
		"Run COMMAND in a sandbox. The options say what the sandbox contains.\n" +
		"--help=OPTION prints the manual's text on an option, --doctor what works here.\n")
	for text := range strings.Lines(manual) {
		if heading, ok := strings.CutPrefix(text, "## "); ok {
			out.WriteString("\n" + strings.TrimSpace(heading) + ":\n")
			continue
		}
		o := described(text)
		if o == nil {
			continue
		}
		fmt.Fprintf(&out, "  %-30s %s\n", strings.TrimSpace(synopsis(o)+" "+o.Operands), o.Help)
	}
	return out.String()
}

// described returns the option whose text in the manual begins with this line, or nil.
func described(text string) *cmdline.Option {
	if !strings.HasPrefix(text, "--") {
		return nil
	}
	end := strings.IndexAny(text, " =[\n")
	if i := cmdline.Lookup([]byte(text[:end])); i >= 0 {
		return &cmdline.Options[i]
	}
	return nil
}

// helpOn returns the manual's text on one option, which may be given without its dashes.
func helpOn(name string) (string, error) {
	typed := name
	if !strings.HasPrefix(name, "-") {
		name = "--" + name
	}
	i := cmdline.Lookup([]byte(name))
	if i < 0 {
		return "", hinted("--help: unknown option "+strconv.Quote(typed), suggest(name))
	}
	var out strings.Builder
	inside := false
	for text := range strings.Lines(manual) {
		switch o := described(text); {
		case o != nil:
			inside = o == &cmdline.Options[i]
		case strings.HasPrefix(text, "## "):
			inside = false
		}
		if inside {
			out.WriteString(text)
		}
	}
	return out.String(), nil
}
