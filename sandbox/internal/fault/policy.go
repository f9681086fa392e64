package fault

import (
	"slices"
	"strconv"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
	"golang.org/x/sys/unix"
)

// explainPolicy formats what the administrator's policy.conf has against a launch.
func explainPolicy(e *Text, m plan.Message) {
	if m.Sub == plan.SubPolicyFile {
		switch {
		case m.Extra != 0:
			e.Message = policy.Path + ":" + strconv.Itoa(int(m.Extra)) + ": this line can't be understood, and nothing is started"
			e.Hint = `it may hold lines "groups NUMBER…", "refuse OPTION…", "require OPTION…" and comments`
		case e.Errno == 0 || e.Errno == unix.EPERM:
			e.Errno = 0
			e.Message = policy.Path + " can't be trusted, and nothing is started"
			e.Hint = "it must be a regular file of root's, writable for nobody else, of at most 32 KiB"
		default:
			e.Message = policy.Path + " can't be read, and nothing is started"
			e.Hint = "it and its directory must be readable for all, and no links"
		}
		return
	}
	// The name comes in a message, of which nothing is believed.
	option := m.Text()
	if slices.Contains(policy.Options(), option) {
		e.Field = option
	} else {
		option = "an option"
	}
	switch policy.Verdict(m.Extra) {
	case policy.Refused:
		e.Message = option + " is refused by the administrator (" + policy.Path + ")"
	case policy.Required:
		e.Message = option + " is required by the administrator (" + policy.Path + ")"
	default:
		e.Message = "the administrator permits sandboxes to groups that the caller is not in (" + policy.Path + ")"
	}
}
