// Command gobwrap runs a program in a sandbox; its command line is bubblewrap's.
//
// This package turns the command line into a sandbox.Spec, and formats messages for people.
package main

import (
	"errors"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
)

func main() { child.Exit(run(child.Args())) }

// run parses the command line and starts the sandbox. It returns the front end's exit status:
// 0 once the payload runs, because the monitor then passes on the payload's status.
func run(argv []string) (status int) {
	v := newPrinter(argv)
	defer v.reportPanic(&status)
	if !child.Entered() {
		return v.fail(front.Exec(&sandbox.Cmd{})) // returns the error that says so
	}
	if err := stand(); err != nil {
		return v.fail(err)
	}
	if text, ok := answer(argv); ok {
		return v.out(text)
	}
	l, opts, err := parse(argv)
	v.levels, v.report = opts.levelPrefix, &opts.spec.Report
	v.warnAll(opts.warnings)
	if err != nil {
		return v.refuse(err)
	}
	if h, ok := child.LaunchHeard(); ok {
		return v.heard(l, h)
	}
	c := &sandbox.Cmd{Spec: opts.spec, Warn: v.warn}
	front.Attach(c, &opts.line)
	if opts.explain || opts.dryRun {
		plan, err := c.Plan()
		if err != nil {
			return v.fail(err)
		}
		if opts.explain {
			v.describe(append(c.Describe(), ending(opts)))
		}
		if opts.dryRun {
			return v.out(plan)
		}
	}
	v.begun = true
	err = front.Exec(c)
	switch {
	case err == nil:
		return 0
	case err == sandbox.ErrKilled:
		return child.Killed(v.failed(err)) // the launcher prints the message, unless it was killed too
	}
	return v.fail(err)
}

// stand verifies, before the front end reads the command line, that this process has no privilege
// of the binary. Package keeper has dropped all of it, before the launcher read that line.
func stand() error {
	kind := child.InstallKind()
	if why := kind.Refusal(); why != "" {
		return errors.New(why)
	}
	if kind == suid.Installed {
		return suid.Prove(syscall.Getuid(), syscall.Getgid())
	}
	return nil
}

// heard reports the result of a launch that needed no Go runtime until now.
func (v *printer) heard(l *line, h child.Heard) int {
	switch {
	case h.Warning:
		v.warn(l.explain(h.Attempt))
		return 0
	case h.Fault && h.First != nil:
		return v.fail(front.After(l.explain(*h.First), l.explain(h.Attempt), h.Setuid))
	case h.Fault:
		return v.fail(l.explain(h.Attempt))
	}
	if err := front.Killed(); err != sandbox.ErrKilled {
		return v.fail(err)
	}
	return v.failed(sandbox.ErrKilled) // the launcher says which signal it was
}

// explain returns the error of an attempt.
func (l *line) explain(a child.Attempt) error {
	p := &plan.Program{Bytes: a.Plan}
	for _, w := range a.Origins {
		o := l.origin(w)
		if w == l.Spec.Command {
			o.Words = []string{l.word(w)}
		}
		p.Origins = append(p.Origins, o)
	}
	return front.Explain(p, a.Message)
}
