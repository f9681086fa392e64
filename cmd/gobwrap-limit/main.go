// Command gobwrap-limit runs a command in a cgroup of its own, with limits on memory, tasks and
// processor time:
//
//	gobwrap-limit --memory 2G --tasks 256 --cpus 1.5 -- gobwrap …
//
// It makes the cgroup in a directory that the caller may write, or asks systemd for a scope. It never
// runs the command without the limits.
//
// It is a separate program so that the launcher does not write limits or use D-Bus.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	runtime.LockOSThread() // whose end is that of the command: see Pdeathsig in cgroup.go
	os.Exit(run(os.Args[1:]))
}

// The statuses of this program itself, as env(1) has them.
const (
	statusFailed    = 125
	statusNotRun    = 126
	statusNotFound  = 127
	statusPerSignal = 128
	program         = "gobwrap-limit"
	usage           = "usage: gobwrap-limit [--memory BYTES] [--tasks N] [--cpus N] [--] COMMAND [ARGUMENT]...\n"
)

// request is a command line.
type request struct {
	limits
	explain bool
	command []string
}

func run(args []string) int {
	r, text, err := parse(args)
	if text != "" {
		if _, err := io.WriteString(os.Stdout, text); err != nil {
			return statusFailed
		}
		return 0
	}
	if err != nil {
		complain(err)
		_, _ = io.WriteString(os.Stderr, usage)
		return statusFailed
	}
	path, err := exec.LookPath(r.command[0])
	if errors.Is(err, exec.ErrDot) {
		err = nil
	}
	if err != nil {
		complain(err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return statusNotFound
		}
		return statusNotRun
	}
	status, err := r.start(path)
	if err != nil {
		complain(err)
	}
	return status
}

// start runs the command with the limits: in a cgroup that this process makes, or else in a scope.
func (r request) start(path string) (status int, err error) {
	signals := catch() // so that none of them ends this process and leaves a cgroup
	group, err := makeCgroup(r.limits)
	if err == nil {
		r.say("cgroup " + group.dir)
		return group.run(path, r.command, signals)
	}
	signal.Stop(signals)
	if status := caught(signals); status != 0 {
		return status, nil
	}
	scope, err2 := enterScope(r.limits, r.command)
	if err2 != nil {
		return statusFailed, fmt.Errorf("no cgroup with these limits can be had\n  as a directory: %w\n  from systemd: %w", err, err2)
	}
	r.say("scope " + scope)
	err = syscall.Exec(path, r.command, os.Environ())
	return statusNotRun, fmt.Errorf("%s: %w", path, err)
}

func (r request) say(what string) {
	if r.explain {
		fmt.Fprintln(os.Stderr, program+": "+what)
	}
}

func complain(err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = program + ": " + line
		}
		fmt.Fprintln(os.Stderr, line)
	}
}
