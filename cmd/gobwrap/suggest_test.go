package main

import (
	"errors"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/sandbox"
)

// TestHints: the hint for each mistake in a command line, to the letter; "": none.
func TestHints(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--unshare-pids x", "did you mean --unshare-pid?"},
		{"--unshare-usr x", "did you mean --unshare-user?"},
		{"--unhsare-net x", "did you mean --unshare-net?"},
		{"--robind / / x", "did you mean --ro-bind?"},
		{"--ro_bind / / x", "did you mean --ro-bind?"},
		{"-ro-bind / / x", "did you mean --ro-bind?"},
		{"---bind / / x", "did you mean --bind?"},
		{"--UID 5 x", "did you mean --uid?"},
		{"--die-with-parents x", "did you mean --die-with-parent?"},
		{"--json-status x", "did you mean --json-status-fd?"},
		{"--not-a-security x", "did you mean --not-a-security-boundary?"},
		{"--uod 5 x", "did you mean --uid?"},
		{"-V", "did you mean --version?"},
		{"--uid=5 x", "give the value as a separate argument: --uid 5"},
		{"--bind=/ / x", "give the values as separate arguments: --bind SRC DEST"},
		{"--new-session=yes x", "--new-session takes no value"},
		{"--bogus x", ""},
		{"--nonsense x", ""},
		{"--unshare x", ""}, // nine of them
		{"-x y", ""},
		{"- x", ""},
		{"--bind /a", "use --bind SRC DEST"},
		{"--uid", "use --uid UID"},
		{"--cap-add NET_RAW x", "did you mean CAP_NET_RAW?"},
		{"--cap-drop sys_admin x", "did you mean CAP_SYS_ADMIN?"},
		{"--cap-add bogus x", ""},

		{"", "--help lists the options"},
		{"--", "--help lists the options"},
		{"--new-session", "--help lists the options"},
		{"--ro-bind / / --", "--help lists the options"},
		{"--ro-bind / sh", `--ro-bind took "/", "sh" as SRC, DEST; --help lists the options`},
		{"--fallback-proc=bind", "--help lists the options"},
		{"--args @--dir~/d", "--help lists the options"},
		{"--args @--dir~/d~cmd~-x", `give the command on the command line: "cmd" and what follows it in the data of --args is ignored`},
		{"--args @--dir~/d~--~cmd --", `give the command on the command line: "cmd" and what follows it in the data of --args is ignored`},
	} {
		_, _, err := parse(append([]string{"gobwrap"}, words(t, c.line)...))
		hint := ""
		var e *sandbox.SetupError
		if errors.As(err, &e) {
			hint = e.Hint
		}
		if err == nil || hint != c.want {
			t.Errorf("%s: %v, hint %q, want %q", c.line, err, hint, c.want)
		}
	}
}

// TestDistance: one for each letter inserted, removed, replaced, or swapped with the next.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"bind", "bind", 0},
		{"", "bind", 4},
		{"bind", "", 4},
		{"bind", "bin", 1},
		{"bin", "bind", 1},
		{"bind", "bond", 1},
		{"bind", "bidn", 1},
		{"ibdn", "bind", 2},
		{"uid", "gid", 1},
		{"unshare-pid", "unshare-net", 3},
	} {
		if have := distance(c.a, c.b); have != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, have, c.want)
		}
	}
}

// TestNearestOfItself: each option is the nearest to itself, however it is written.
func TestNearestOfItself(t *testing.T) {
	for i := range cmdline.Options {
		name := cmdline.Options[i].Name
		if near := nearest(plainName(name)); len(near) != 1 || near[0] != name {
			t.Errorf("nearest to %s: %v", name, near)
		}
	}
}
