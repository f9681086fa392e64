package sandbox

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"golang.org/x/sys/unix"
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

// reason is an error with a text of its own.
type reason struct {
	text string
	err  error
}

// because returns an error with this text that wraps err.
func because(text string, err error) error { return &reason{text, err} }

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.err }

// errNoTool is in the chain of errors about a program that is not installed.
var errNoTool = errors.New("not installed")

// failure is an attempt, and what the kernel said to it.
type failure struct {
	message string
	errno   syscall.Errno // 0 where it was not the kernel
}

func (f *failure) Error() string {
	if f.errno == 0 {
		return f.message
	}
	return f.message + ": " + strerror(f.errno)
}

func (f *failure) Unwrap() error {
	if f.errno == 0 {
		return nil
	}
	return f.errno
}

// errnoOf returns what the kernel said, 0 where it was not the kernel.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// strerror formats an errno as the C library does, with a capital: scripts match that.
func strerror(e syscall.Errno) string {
	text := e.Error()
	switch e {
	case unix.EOPNOTSUPP:
		return "Operation not supported"
	case unix.ENAMETOOLONG:
		return "File name too long"
	}
	if text == "" {
		return "errno " + strconv.Itoa(int(e))
	}
	if c := text[0]; 'a' <= c && c <= 'z' {
		return string(c-'a'+'A') + text[1:]
	}
	return text
}

// explain turns a message of the acting side into an error.
func explain(p *plan.Program, m plan.Message) *SetupError {
	t := fault.Explain(p, m)
	e := &SetupError{
		Stage: t.Stage, Field: t.Field, Path: t.Path, Hint: t.Hint, Err: &failure{t.Message, t.Errno},
		refused: refuses(p, m), noUser: refusesUser(p, m),
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
