package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gobwrap/gobwrap/internal/version"
)

// option is a row of the table. The manual and the completions are made of it too (make docs).
type option struct {
	name    string
	operand string // its name; "": there is none
	help    string
	set     func(l *limits, value string) error // of a limit
}

func options() []option {
	return []option{
		{"--memory", "BYTES", "memory, with K, M, G or T for powers of 1024; no swap", func(l *limits, value string) (err error) { l.memory, err = parseMemory(value); return err }},
		{"--tasks", "N", "processes and threads", func(l *limits, value string) (err error) { l.tasks, err = parseTasks(value); return err }},
		{"--cpus", "N", "processors, such as 1.5", func(l *limits, value string) (err error) { l.cpus, err = parseCPUs(value); return err }},
		{"--explain", "", "say where the limits are in force, then run", nil},
		{"--help", "", "print this text", nil},
		{"--version", "", "print the version", nil},
	}
}

// find returns the row of an option. -h is the same as --help.
func find(name string) (o option, found bool) {
	if name == "-h" {
		name = "--help"
	}
	for _, o := range options() {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

// help returns the text of --help.
func help() string {
	var out strings.Builder
	out.WriteString(usage + "\nRun a command with limits on all that it starts together.\n\n")
	for _, o := range options() {
		fmt.Fprintf(&out, "    %-16s %s\n", o.name+strings.TrimSuffix(" "+o.operand, " "), o.help)
	}
	return out.String()
}

// parse reads the options. text is an answer for standard output.
func parse(args []string) (r request, text string, err error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		name, value, given := strings.Cut(word, "=")
		o, found := find(name)
		switch {
		case !found && given && name != "--":
			return r, "", fmt.Errorf("unknown option %q", name)
		case !found, given && o.operand == "":
			return r, "", fmt.Errorf("unknown option %q", word)
		case o.operand != "" && !given && len(args) == 0:
			return r, "", fmt.Errorf("%s takes an argument", name)
		case o.operand != "" && !given:
			value, args = args[0], args[1:]
		}
		switch o.name {
		case "--help":
			return r, help(), nil
		case "--version":
			return r, program + " " + version.Own + "\n", nil
		case "--explain":
			r.explain = true
		default:
			if err := o.set(&r.limits, value); err != nil {
				return r, "", fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	r.command = args
	switch {
	case len(r.command) == 0:
		return r, "", errors.New("no command given")
	case r.none():
		return r, "", errors.New("no limit given: at least one of --memory, --tasks and --cpus")
	}
	return r, "", nil
}
