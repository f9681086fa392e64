package fault

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
)

// TestPolicy: the option that policy.conf is about comes by its name, of which only those that can be are believed.
func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		verdict     policy.Verdict
		name        string
		field, want string
	}{
		{policy.Refused, "--rlimit\x00rest", "--rlimit", "--rlimit is refused by the administrator (" + policy.Path + ")"},
		{policy.Required, "--unshare-net\x00", "--unshare-net", "--unshare-net is required by the administrator (" + policy.Path + ")"},
		{policy.Refused, "--setenv\x00", "", "an option is refused by the administrator (" + policy.Path + ")"},
		{policy.Required, "", "", "an option is required by the administrator (" + policy.Path + ")"},
		{policy.NotMember, "", "", "the administrator permits sandboxes to groups that the caller is not in (" + policy.Path + ")"},
	} {
		e := Explain(&plan.Program{}, plan.Message{Kind: plan.MsgFault, Step: plan.NoStep, Sub: plan.SubPolicy, Extra: uint32(c.verdict), Raw: []byte(c.name)})
		if e.Field != c.field || e.Message != c.want {
			t.Errorf("%d, %q: %q, %q", c.verdict, c.name, e.Field, e.Message)
		}
	}
}
