package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// --explain says what it has to say on standard error, before the command, and changes
// nothing else.
func TestExplain(t *testing.T) {
	t.Parallel()
	const said, risk = "gobwrap: read-only from the host: /h (", "gobwrap: risk: the network is shared"
	eachWay(t, func(t *testing.T, v via) {
		for _, options := range [][]string{{"--explain"}, {"--explain", "--level-prefix"}} {
			o := launch{who: v.who, args: append(v.box(options...), "/h/probe", "echo", "in", "exit", "3")}.run(t)
			prefix := ""
			if len(options) > 1 {
				prefix = "<6>"
			}
			if last := "\n" + prefix + "gobwrap: running: /h/probe echo in exit 3\n"; !strings.HasSuffix(o.Stderr, last) {
				t.Errorf("%v: the last line is not %q: %s", options, last, o)
			}
			if o.Status != "3" || o.Stdout != "in\n" || !strings.HasPrefix(o.Stderr, prefix+said) || !strings.Contains(o.Stderr, "\n"+prefix+risk) {
				t.Errorf("%v: %s", options, o)
			}
			for line := range strings.Lines(o.Stderr) {
				if !strings.HasPrefix(line, prefix+"gobwrap: ") || !strings.Contains(line, ": ") {
					t.Errorf("%v: line %q", options, line)
				}
			}
		}
		traced := strings.Contains(launch{who: v.who, args: append(v.box("--explain"), "/h/probe")}.run(t).Stderr, "it can also trace them")
		if traced != (v.mode == "setuid") {
			t.Errorf("tracing is a risk: %v", traced)
		}
		o := launch{who: v.who, args: append(v.box("--explain", "--dry-run"), "/h/probe", "echo", "ran")}.run(t)
		if o.Status != "0" || !strings.HasPrefix(o.Stdout, "namespaces ") || !strings.HasPrefix(o.Stderr, said) ||
			!strings.HasSuffix(o.Stderr, "\ngobwrap: not run, because of --dry-run: /h/probe echo ran\n") {
			t.Errorf("with --dry-run: %s", o)
		}
		o = launch{who: v.who, args: append(v.box("--explain", "--setup-exit-status", "42"), "/none")}.run(t)
		if o.Status != "42" || !strings.HasPrefix(o.Stderr, said) || !strings.HasSuffix(o.Stderr, "gobwrap: execvp /none: No such file or directory\n") {
			t.Errorf("of what fails: %s", o)
		}
	})
}

// --features says what this binary and this kernel have.
func TestFeatures(t *testing.T) {
	t.Parallel()
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	for _, c := range []struct {
		name    string
		who     identity
		wrap    []string
		program string
		modes   []string
		engine  string
	}{
		{"user", user, nil, gobwrap, []string{"direct"}, "new"},
		{"root", root, nil, gobwrap, []string{"direct"}, "new"},
		{"setuid", user, nil, setuidCopy(t), []string{"direct", "setuid"}, "new"},
		{"no set-id bit", user, []string{"setpriv", "--no-new-privs", "--"}, setuidCopy(t), []string{"direct"}, "new"},
		{"old kernel", user, []string{enosys}, gobwrap, []string{"direct"}, "classic"},
		{"strict filter", user, []string{enosys, "-e", "EPERM", "-a", "424"}, gobwrap, []string{"direct"}, "classic"},
	} {
		o := launch{who: c.who, wrap: c.wrap, args: []string{c.program, "--features"}}.run(t)
		var have struct {
			Version  string   `json:"version"`
			Modes    []string `json:"modes"`
			Engine   string   `json:"mount-engine"`
			Seccomp  bool     `json:"seccomp"`
			Landlock int      `json:"landlock-abi"`
			Options  []string `json:"options"`
		}
		if err := json.Unmarshal([]byte(o.Stdout), &have); err != nil || o.Status != "0" || o.Stderr != "" {
			t.Fatalf("%s: %v: %s", c.name, err, o)
		}
		if !slices.Equal(have.Modes, c.modes) || have.Engine != c.engine || !have.Seccomp || have.Version == "" || len(have.Options) < 70 {
			t.Errorf("%s: %s", c.name, o.Stdout)
		}
		want := int(abi)
		if errno != 0 || c.name == "strict filter" { // the call is number 444
			want = 0
		}
		if have.Landlock != want {
			t.Errorf("%s: landlock-abi %d, want %d", c.name, have.Landlock, want)
		}
	}
}
