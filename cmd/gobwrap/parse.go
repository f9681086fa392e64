package main

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/sandbox"
)

// options is what a command line came to.
type options struct {
	spec        sandbox.Spec
	line        front.Line // what it says besides
	levelPrefix bool
	dryRun      bool
	explain     bool
	warnings    []string
}

// parse reads a command line. The options are those in front of a mistake, if there is one.
func parse(argv []string) (*line, *options, error) {
	l, status := read(argv)
	s := &l.Spec
	opts := &options{
		spec: l.spec(), levelPrefix: s.On(flat.LevelPrefix), dryRun: s.On(flat.DryRun), explain: s.On(flat.Explain),
	}
	opts.line.Words, opts.line.Close, opts.line.Forward = l.words, s.On(flat.CloseFDs), s.On(flat.Forward)
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

// sentence is an error in bubblewrap's words, capital and all.
type sentence string

func (s sentence) Error() string { return string(s) }

// hinted is a mistake in the command line, with a hint; hint may be empty.
func hinted(text, hint string) error {
	return &sandbox.SetupError{Stage: "options", Err: sentence(text), Hint: hint}
}

// answered ends parsing with a text for standard output.
type answered struct {
	text   string
	status int
}

func (answered) Error() string { return "answered" }
