package sandbox

import (
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// SetupError is a launch that failed before the command ran.
type SetupError struct {
	Stage   string        // the step that failed, by its name in --dry-run, or "launch", "options"
	Option  string        // the option that asked for the failed step; may be empty
	Path    string        // what was worked on: a path on the host or in the sandbox; may be empty
	Message string        // what was tried, on what
	Errno   syscall.Errno // what the kernel said; 0 where it was not the kernel
	Hint    string        // what may mend it; may be empty

	refused bool // the kernel refuses direct mode
}

func (e *SetupError) Error() string {
	if e.Errno == 0 {
		return e.Message
	}
	return e.Message + ": " + strerror(e.Errno)
}

// Unwrap makes errors.Is work with errnos and with the fs.Err values.
func (e *SetupError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
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
	e := &SetupError{Errno: syscall.Errno(m.Errno), refused: refuses(p, m)}
	e.Stage = "launch"
	switch m.Sub {
	case plan.SubRefused, plan.SubConf, plan.SubFd, plan.SubKeeper:
		explainKeeper(e, p, m)
		return e
	}
	if m.Step == plan.NoStep || int(m.Step) >= len(p.Origins) {
		e.Message, e.Hint = explainLaunch(m)
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
		e.Option = o.Words[0]
	}
	e.Message = explainStep(p, step, o, m)
	e.Hint = hint(step, m)
	if m.Sub == plan.SubExists || m.Sub == plan.SubUnexpected || m.Sub == plan.SubNoMount || m.Sub == plan.SubMagicLink {
		e.Errno = 0
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
	case plan.SubPlan:
		if m.Errno != 0 {
			return "Can't get memory or a pipe for the launch", ""
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
var ErrKilled error = &SetupError{Stage: "launch", Message: "killed before the command ran"}
