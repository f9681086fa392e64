package sandbox

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
)

// SetupError is a launch that failed before the command ran.
type SetupError struct {
	Stage string // the step that failed, by its name in Plan, or "launch", "options"
	Field string // what asked for it: of the Spec ("Files[5]"), or of the Cmd ("Cmd.Dir"); may be empty
	Path  string // what was worked on: a path on the host or in the sandbox; may be empty
	Err   error  // what was tried, on what, and what the kernel said
	Hint  string // what may fix it; may be empty

	refused bool  // the kernel refuses direct mode
	noUser  bool  // it refuses user namespaces
	is      error // what else it is, for errors.Is
}

// Error returns what was tried, and why it failed, with bubblewrap's wording where it has one.
func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap makes errors.Is work with errnos and with the fs.Err values.
func (e *SetupError) Unwrap() error { return e.Err }

// Is reports whether e means that the kernel refuses user namespaces, for
// errors.Is(err, ErrUserNamespaces), or that a program is not there, for
// errors.Is(err, exec.ErrNotFound).
func (e *SetupError) Is(target error) bool {
	return target == ErrUserNamespaces && e.noUser || e.is != nil && target == e.is
}

// ErrUserNamespaces matches the error of every launch that failed because this user may not
// make user namespaces, or because their limit is reached.
var ErrUserNamespaces = errors.New("user namespaces are refused here")

// setupError makes an error of a package below one of this package's.
func setupError(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) {
		return err
	}
	return &SetupError{Stage: e.Stage, Field: e.Field, Path: e.Path, Err: e.Err, Hint: e.Hint}
}

// explain turns a message of the acting side into an error.
func explain(p *plan.Program, m plan.Message) *SetupError {
	t := fault.Explain(p, m)
	e := &SetupError{
		Stage: t.Stage, Field: t.Field, Path: t.Path, Hint: t.Hint, Err: &fault.Failure{Message: t.Message, Errno: t.Errno},
		refused: fault.Refuses(p, m), noUser: fault.RefusesUser(p, m),
	}
	if t.NoSetuid {
		e.Err = ErrNoSetuid
	}
	return e
}

// ErrKilled is returned when the acting side ended without a message: the launcher, or the
// sandbox's first process, was killed.
var ErrKilled error = &SetupError{Stage: "launch", Err: errors.New("killed before the command ran")}

// killedBy is ErrKilled with the signal, 0 if that is not known, where it is certain that
// the launcher lives.
type killedBy syscall.Signal

func (sig killedBy) Error() string {
	if sig == 0 {
		return "a process of the sandbox was killed before the command ran"
	}
	return "a process of the sandbox was killed by signal " + strconv.Itoa(int(sig)) + " before the command ran"
}

func (killedBy) Unwrap() error { return ErrKilled }

// killed returns the error of a launch whose first process has ended without a fault, with a
// wait status (wait(2)), 0 if that is not known.
func killed(status uint32) error { return &SetupError{Stage: "launch", Err: killedBy(status & 0x7f)} }
