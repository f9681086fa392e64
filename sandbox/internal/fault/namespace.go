package fault

import (
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// hintNamespace explains errnos that come from the user namespace in which set-up runs, or
// from the kind of a source.
func hintNamespace(p *plan.Program, s plan.Step, m plan.Message) string {
	e := unix.Errno(m.Errno)
	newUser := p.Header().Clone&unix.CLONE_NEWUSER != 0
	switch {
	case s.Op == plan.OpSetns && s.B == unix.CLONE_NEWUSER && e == unix.EINVAL:
		return "the process is in this user namespace already, or the descriptor is not of a user namespace (setns(2))"
	case s.Op == plan.OpBecome && e == unix.EINVAL:
		return "the user namespace does not map this id: see its uid_map and gid_map"
	case e == unix.EOVERFLOW && joinsUser(p):
		return "the user namespace of Namespaces.JoinUser does not map the caller's ids: write its uid_map and gid_map first"
	case e == unix.EROFS && writesProc(s, m):
		return ReadOnlyProc
	case s.Op == plan.OpBind && e == unix.EINVAL && isStream(p.Str(p.Step(s.A).A)):
		return "a pipe or a socket can't be bound; use mounts.ReadOnlyData to bind a file with its data"
	case s.Op == plan.OpSource && e == unix.EACCES && newUser && syscall.Getuid() == 0:
		return "in a new user namespace root has no rights over files of other users, and may not enter a directory of the path; share the user namespace (Namespaces.User)"
	}
	return ""
}

// ReadOnlyProc is the hint where a file of proc could not be written.
const ReadOnlyProc = "/proc is mounted read-only here: mount it writable, or give the outer sandbox mounts.Proc"

// joinsUser reports whether the plan enters a given user namespace before it clones.
func joinsUser(p *plan.Program) bool {
	for i := range p.Header().Join {
		if s := p.Step(i); s.Op == plan.OpSetns && s.B == unix.CLONE_NEWUSER {
			return true
		}
	}
	return false
}

// writesProc reports whether it was a file of proc that could not be written.
func writesProc(s plan.Step, m plan.Message) bool {
	switch s.Op {
	case plan.OpIDMap, plan.OpLimitUserns, plan.OpLabel:
		return true
	case plan.OpNest:
		return m.Sub != plan.SubMain
	}
	return false
}

// isStream reports whether a source names a descriptor, as a shell's <(command) does.
func isStream(source string) bool {
	path := tree.BoxPath(source)
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}
