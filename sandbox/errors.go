package sandbox

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/plan"
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

// Error is what was tried, and why it failed, in bubblewrap's words where it has some.
func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap makes errors.Is work with errnos and with the fs.Err values.
func (e *SetupError) Unwrap() error { return e.Err }

// Is reports whether e means that the kernel refuses user namespaces, for
// errors.Is(err, ErrUserNamespaces), or that a program is not there, for
// errors.Is(err, exec.ErrNotFound).
func (e *SetupError) Is(target error) bool {
	return target == ErrUserNamespaces && e.noUser || e.is != nil && target == e.is
}

// ErrUserNamespaces is what every launch amounts to that failed because the kernel, or
// who configured it, refuses user namespaces to this user, or has no more of them.
var ErrUserNamespaces = errors.New("user namespaces are refused here")

// reason is an error with a text of its own.
type reason struct {
	text string
	err  error
}

// because is an error that says text, and is what err is.
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

// errnoOf is what the kernel said, 0 where it was not the kernel.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// strerror words an errno as the C library does, which scripts match: with a capital.
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

// explain words a message of the acting side.
func explain(p *plan.Program, m plan.Message) *SetupError {
	f := &failure{errno: syscall.Errno(m.Errno)}
	e := &SetupError{Stage: "launch", Err: f, refused: refuses(p, m), noUser: refusesUser(p, m)}
	switch m.Sub {
	case plan.SubRefused, plan.SubConf, plan.SubFd, plan.SubKeeper, plan.SubStanding:
		explainKeeper(e, f, p, m)
		return e
	}
	if m.Step == plan.NoStep || int(m.Step) >= len(p.Origins) {
		f.message, e.Hint = explainLaunch(m)
		if e.Hint == "" {
			e.Hint = launchHint(m)
		}
		return e
	}
	o := p.Origins[m.Step]
	step := p.Step(m.Step)
	e.Stage, e.Path = step.Op.String(), p.Path(step)
	switch {
	case len(o.Words) == 0:
	case step.Op == plan.OpExec:
		e.Path = o.Words[0] // the command's name, which no option gave
	default:
		e.Field = o.Words[0]
	}
	f.message = explainStep(p, step, o, m)
	e.Hint = hintNamespace(p, step, m)
	if e.Hint == "" {
		e.Hint = hint(step, m)
	}
	switch m.Sub {
	case plan.SubNoMatch, plan.SubTooMany, plan.SubWhole, plan.SubHolders, plan.SubNoEnd:
		f.errno = 0
	}
	if m.Sub == plan.SubExists || m.Sub == plan.SubUnexpected || m.Sub == plan.SubNoMount || m.Sub == plan.SubMagicLink {
		f.errno = 0
	}
	if text := pathHint(p, step, m); text != "" {
		e.Hint = text
	}
	return e
}

// explainLaunch words what failed outside of the steps.
func explainLaunch(m plan.Message) (text, hint string) {
	switch m.Sub {
	case plan.SubProc:
		return "Can't open /proc", "the launcher needs the host's proc mounted on /proc"
	case plan.SubNoNewPrivs:
		return "prctl(PR_SET_NO_NEW_PRIVS)", ""
	case plan.SubDeathSignal:
		return "prctl(PR_SET_PDEATHSIG)", ""
	case plan.SubSeal:
		return "Can't take the privileges of the sandbox's init", ""
	case plan.SubThreads:
		return "Can't take over a program that starts itself: threads of its libraries do not end",
			"link it with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.hostEntry, or install gobwrap and set Cmd.Launcher"
	case plan.SubPlan:
		if m.Errno != 0 {
			return "Can't get memory or a pipe for the launch", ""
		}
		if plan.Verdict(m.Extra) == plan.BadHeader {
			return "the launcher does not understand the plan", "it may be a gobwrap of another version than this program's"
		}
		return "internal error, please report: the plan was refused with " + strconv.Itoa(int(m.Extra)), ""
	}
	switch syscall.Errno(m.Errno) {
	case unix.EINVAL:
		return "Creating new namespace failed", "this kernel lacks one of: " + plan.Namespaces(m.Extra)
	case unix.EPERM:
		return "No permissions to create a new namespace", "unprivileged user namespaces are refused here: " +
			"see kernel.unprivileged_userns_clone, user.max_user_namespaces, a container's seccomp filter, or a chroot"
	case unix.EACCES:
		return "Creating new namespace failed", "a security module refuses user namespaces here: see AppArmor's or SELinux's rules"
	case unix.ENOSPC, unix.EUSERS:
		return "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded",
			"raise user.max_user_namespaces and its kin with sysctl"
	}
	return "Creating new namespace failed", ""
}

// ErrKilled is returned when the acting side ended without a word: somebody killed the
// launcher, or the sandbox's first process.
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

// killed is the error of a launch whose first process has ended without a fault, with a
// wait status (wait(2)), 0 if that is not known.
func killed(status uint32) error { return &SetupError{Stage: "launch", Err: killedBy(status & 0x7f)} }
