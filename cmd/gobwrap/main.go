// Command gobwrap runs a program in a sandbox; its command line is bubblewrap's.
//
// This package is the door: text in, a sandbox.Spec out, and the words for people.
// What it prints and what it parses is all that it knows.
package main

import (
	"errors"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
)

func main() { child.Exit(run(child.Args())) }

// run is the order of a run. Its result is the front end's status: 0 once the payload
// runs, since the monitor then passes on the payload's own.
func run(argv []string) (status int) {
	v := newVoice(argv)
	defer v.lastWords(&status)
	if !child.Entered() {
		return v.fail(errNotEntered)
	}
	if err := suid.Refuse(); err != nil {
		return v.fail(err)
	}
	if text, ok := answer(argv); ok {
		return v.out(text)
	}
	opts, err := parse(argv)
	v.levels = opts.levelPrefix
	v.warnAll(opts.warnings)
	if err != nil {
		return v.refuse(err)
	}
	prog, err := sandbox.Compile(&opts.spec, sandbox.ReadHost(&opts.spec))
	if err != nil {
		return v.fail(err)
	}
	if opts.dryRun {
		return v.out(prog.Dump())
	}
	err = sandbox.Launch(&opts.spec, prog, v.warn)
	if errors.Is(err, sandbox.ErrPlanLost) {
		return 1 // killed: as silent as any other program
	}
	if err != nil {
		return v.fail(err)
	}
	return 0
}

var errNotEntered = errors.New("this binary was linked without its entry point: " +
	"build it with make, or with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry")
