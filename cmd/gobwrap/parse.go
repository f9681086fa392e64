package main

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/sandbox"
)

// options is a parsed command line.
type options struct {
	spec        sandbox.Spec
	line        front.Line // what it says beyond the Spec
	levelPrefix bool
	dryRun      bool
	explain     bool
	warnings    []string
}

// parse reads a command line. If there is a mistake, the options are those in front of it.
func parse(argv []string) (*line, *options, error) {
	l, status := read(argv)
	s := &l.Spec
	opts := &options{
		spec: l.spec(), levelPrefix: s.On(flat.LevelPrefix), dryRun: s.On(flat.DryRun), explain: s.On(flat.Explain),
	}
	opts.line.Words, opts.line.Switches = l.words, s.Switches
	for i := range l.items[:l.Items] {
		l.item(opts, i)
	}
	if status == cmdline.Done {
		return l, opts, nil
	}
	return l, opts, l.fault()
}

// errNoCommand is a command line without a command. The usage line is printed before it.
const errNoCommand = sentence("No command given")

// sentence is an error with bubblewrap's wording, which starts with a capital.
type sentence string

func (s sentence) Error() string { return string(s) }

// hinted returns a mistake in the command line, with a hint; hint may be empty.
func hinted(text, hint string) error {
	return &sandbox.SetupError{Stage: "options", Err: sentence(text), Hint: hint}
}

// answered ends parsing with a text for standard output.
type answered struct {
	text   string
	status int
}

func (answered) Error() string { return "answered" }
