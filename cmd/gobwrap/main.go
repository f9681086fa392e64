// Command gobwrap runs a program in a sandbox; its command line is bubblewrap's.
//
// This package is the door: text in, a sandbox.Spec out, and the words for people.
// What it prints and what it parses is all that it knows.
package main

import (
	"errors"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/helper"
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
	if err := stand(); err != nil {
		return v.fail(err)
	}
	if text, ok := answer(argv); ok {
		return v.out(text)
	}
	opts, err := parse(argv)
	v.levels, v.report = opts.levelPrefix, &opts.spec.Report
	v.warnAll(opts.warnings)
	if err != nil {
		return v.refuse(err)
	}
	if err := compileProfiles(&opts.spec); err != nil {
		return v.fail(err)
	}
	prog, err := sandbox.Prepare(&opts.spec)
	if err != nil {
		return v.fail(err)
	}
	if opts.explain {
		v.describe(sandbox.Describe(&opts.spec, sandbox.ReadHost(&opts.spec)))
	}
	if opts.dryRun {
		return v.out(prog.Dump())
	}
	if opts.spec.Identity.UsesHelpers() { // which must not inherit what is the caller's
		if err := helper.HideDescriptors(); err != nil {
			return v.fail(err)
		}
	}
	v.begun = true
	err = sandbox.Launch(&opts.spec, prog, v.warn)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, sandbox.ErrKilled):
		return v.failed(err) // as silent as any other program that is killed
	}
	return v.fail(err)
}

// stand settles, before anything of the caller's is read, that this process has no
// privilege of the binary's: package child has dropped all; this proves it.
func stand() error {
	standing := child.Standing()
	if why := standing.Refusal(); why != "" {
		return errors.New(why)
	}
	if standing == suid.Installed {
		return suid.Prove(syscall.Getuid(), syscall.Getgid())
	}
	return nil
}

var errNotEntered = errors.New("this binary was linked without its entry point: " +
	"build it with make, or with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry")
