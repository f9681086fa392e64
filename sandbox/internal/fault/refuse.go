package fault

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"golang.org/x/sys/unix"
)

// RefusesUser reports whether a fault means that there is no user namespace to be had.
func RefusesUser(p *plan.Program, m plan.Message) bool {
	e := unix.Errno(m.Errno)
	// Another namespace was refused, which a user namespace might have permitted.
	if p.Header().Clone&unix.CLONE_NEWUSER == 0 {
		return false
	}
	if m.Step != plan.NoStep {
		// Ubuntu's AppArmor lets the namespace be made, and refuses what it is good for (kernel.apparmor_restrict_unprivileged_userns).
		return p.Step(m.Step).Op == plan.OpIDMap && (e == unix.EPERM || e == unix.EACCES)
	}
	if m.Sub != plan.SubClone || m.Extra == 0 {
		return false
	}
	switch e {
	case unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSYS, unix.ENOSPC, unix.EUSERS:
		return true // the last two: a limit, which may be that of a namespace around this one
	}
	return false
}

// Refuses reports whether a fault is the kernel's refusal of direct mode: of the clone into
// namespaces, or of the first things that a user namespace is good for.
func Refuses(p *plan.Program, m plan.Message) bool {
	e := unix.Errno(m.Errno)
	if m.Step == plan.NoStep {
		if e == unix.ENOSPC || e == unix.EUSERS {
			// Used up is not refused: a sandboxed command could use them up on purpose, to
			// have the next one made in another way.
			return m.Sub == plan.SubClone && m.Extra != 0 && noneAllowed()
		}
		return m.Sub == plan.SubClone && m.Extra != 0 && e != unix.EAGAIN && e != unix.ENOMEM
	}
	if m.Step >= GoStep(p) || e != unix.EPERM && e != unix.EACCES {
		return false
	}
	switch p.Step(m.Step).Op {
	// Each takes a capability in the new user namespace, which AppArmor may withhold.
	case plan.OpIDMap, plan.OpLoopback, plan.OpSlave, plan.OpRoot:
		return true
	}
	return false
}

// noneAllowed reports whether the limit on user namespaces is 0.
func noneAllowed() bool { return procfs.Word("/proc/sys/user/max_user_namespaces") == "0" }

// GoStep returns the index of OpGo, after which an attempt is no longer tentative.
func GoStep(p *plan.Program) uint32 {
	for i := range p.Header().Steps {
		if p.Step(i).Op == plan.OpGo {
			return i
		}
	}
	return 0
}
