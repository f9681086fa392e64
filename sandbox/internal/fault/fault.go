// Package fault says what a fault of a launch means: the numbers that the acting side sends become
// a sentence, and a hint where something can be done about it. It knows the plan, the errnos and,
// where the kernel has one errno for several causes, looks at the host; it knows nothing of a
// Spec.
package fault

import (
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Text is a fault in words.
type Text struct {
	Stage   string        // the operation, by its name in a listing, or "launch"
	Field   string        // what asked for it; "": nothing did
	Path    string        // what was worked on; "": no path
	Message string        // what was tried
	Errno   syscall.Errno // what the kernel said to it; 0: nothing, or nothing that Message does not say
	Hint    string        // what may fix it; "": nothing certain

	NoSetuid bool // it is that no launcher is installed for setuid mode
}

// Explain formats a message of the acting side about the plan p.
func Explain(p *plan.Program, m plan.Message) Text {
	e := Text{Stage: "launch", Errno: syscall.Errno(m.Errno)}
	switch m.Sub {
	// These come without a step, or with one that is not at fault.
	case plan.SubRefused, plan.SubConf, plan.SubKeeper, plan.SubInstall:
		explainKeeper(&e, p, m)
		return e
	case plan.SubPolicy, plan.SubPolicyFile:
		explainPolicy(&e, m)
		return e
	}
	// An index that the plan does not have would be a fault of the acting side.
	if m.Step == plan.NoStep || int(m.Step) >= len(p.Origins) {
		e.Message, e.Hint = explainLaunch(m)
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
	e.Message = explainStep(p, step, o, m)
	// What is known of this launch comes before what an errno usually means.
	e.Hint = hintNamespace(p, step, m)
	if e.Hint == "" {
		e.Hint = hint(step, m)
	}
	switch m.Sub {
	case plan.SubNoMatch, plan.SubTooMany, plan.SubWhole, plan.SubHolders, plan.SubNoEnd:
		e.Errno = 0
	}
	if m.Sub == plan.SubExists || m.Sub == plan.SubUnexpected || m.Sub == plan.SubNoMount || m.Sub == plan.SubMagicLink ||
		step.Op == plan.OpCgroup && e.Errno == unix.EBADF {
		e.Errno = 0
	}
	if text := pathHint(p, step, m); text != "" {
		e.Hint = text
	}
	return e
}

// explainLaunch formats what failed outside of the steps.
func explainLaunch(m plan.Message) (text, hint string) {
	switch m.Sub {
	case plan.SubProc:
		return "Can't open /proc", "the launcher needs the host's proc mounted on /proc"
	case plan.SubNoNewPrivs:
		return "prctl(PR_SET_NO_NEW_PRIVS)", ""
	case plan.SubDeathSignal:
		return "prctl(PR_SET_PDEATHSIG)", ""
	case plan.SubSeal:
		return "Can't drop the privileges of the sandbox's init", ""
	case plan.SubThreads:
		return "Can't take over a program that starts itself: threads of its libraries have not ended",
			"link it with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.hostEntry, or install gobwrap and set Cmd.Launcher"
	case plan.SubPlan:
		if m.Errno != 0 {
			return "Can't get memory or a pipe for the launch", ""
		}
		if plan.Verdict(m.Extra) == plan.BadHeader {
			return "the launcher does not understand the plan", "it may be a gobwrap of another version than this program"
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
		return "Creating new namespace failed", "a security module refuses user namespaces here: see the rules of AppArmor or SELinux"
	case unix.ENOSPC, unix.EUSERS:
		return "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded",
			"raise user.max_user_namespaces and the like with sysctl"
	}
	return "Creating new namespace failed", ""
}
