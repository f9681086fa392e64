package main

import (
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

// synopsis is the option's name, with what follows "=".
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

// usage is the line that --help begins with, in bubblewrap's form: callers look for it.
func usage(argv0 string) string {
	return "usage: " + argv0 + " [OPTIONS...] [--] COMMAND [ARGS...]\n"
}

// help is the text of --help.
func help(argv0 string) string {
	var out strings.Builder
	out.WriteString(usage(argv0) + "\n")
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		left := strings.TrimRight("    "+synopsis(o)+" "+o.Operands, " ")
		if pad := 33 - len(left); pad > 0 {
			left += strings.Repeat(" ", pad)
		} else {
			left += " "
		}
		out.WriteString(left + o.Help + "\n")
	}
	return out.String()
}
