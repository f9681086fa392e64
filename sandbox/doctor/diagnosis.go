package doctor

import (
	"syscall"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Diagnosis is what [Probe] has found.
type Diagnosis struct {
	Mode   string // what works: "direct", "setuid", or "" for nothing
	Why    string
	Status int // the exit status of --doctor
	Steps  []Result

	facts   *facts
	kernel  kernelFacts
	lacking []lack
	found   []*finding
	notes   []string
}

// Exit statuses of --doctor.
const (
	StatusDirect  = 0
	StatusSetuid  = 3
	StatusNothing = 4
)

// Result is the result of one step.
type Result struct {
	Step    Step
	State   State
	Errno   syscall.Errno // 0 where it was not the kernel that refused
	Message string        // what was tried and what the kernel said, for a step that failed
	Cause   string        // why that is so here, in a sentence; "": not known
	Killed  bool          // the process that tried it was killed
	Setuid  bool          // it was tried in setuid mode
	Detail  string        // what else there is to say, for a step that worked or was not tried
}

// Err returns the error of a step that failed, or nil. errors.Is finds the errno.
func (r *Result) Err() error {
	if r.State != Failed {
		return nil
	}
	return (*stepError)(r)
}

// stepError is a step that failed.
type stepError Result

func (e *stepError) Error() string { return sentence(Result(*e)) }

func (e *stepError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// String returns the whole report, with what to type to fix what does not work: the text of
// --doctor.
func (r *Diagnosis) String() string { return r.Text("(package sandbox)") }

// Probe tries what sandboxes need here, step by step, as this user. It takes a few dozen
// milliseconds, and leaves nothing behind. The error says why no launch could be tried: there
// is no launcher.
func Probe() (*Diagnosis, error) {
	l := launcher{}
	if child.Entered() {
		restoreLimits()
		if err := helper.Isolate(); err != nil {
			return nil, err
		}
		l.path, l.command = selfExe, []string{inside, "--version"}
	}
	exe, err := l.exe()
	if err != nil {
		return nil, err
	}
	f := here(exe)
	l.facts = f
	return judge(f, probe(f, l.launch), kernelFacts{
		MountEngine: sandbox.Features().MountEngine,
		Openat2:     kernel.Openat2.Probe().Errno,
	}), nil
}
