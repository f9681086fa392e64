package doctor

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
)

// TestOutcome: what the error of a launch means for the launcher itself, which runs a
// command inside, and for an embedding program, which has nothing that it could run.
func TestOutcome(t *testing.T) {
	fails := func(stage string, err error) error { return &sandbox.SetupError{Stage: stage, Err: err} }
	killed := &sandbox.SetupError{Stage: "launch", Err: sandbox.ErrKilled, Hint: "x"}
	for _, c := range []struct {
		name           string
		err            error
		launcher, host outcome
	}{
		{
			"proc", fails("proc", syscall.EPERM),
			outcome{stage: "proc", errno: syscall.EPERM, message: "operation not permitted"},
			outcome{stage: "proc", errno: syscall.EPERM, message: "operation not permitted"},
		},
		{
			"the command is not there", fails("exec", syscall.ENOENT),
			outcome{stage: "exec", errno: syscall.ENOENT, message: "no such file or directory"},
			outcome{stage: "exec", errno: syscall.ENOENT, message: "no such file or directory", works: true},
		},
		{
			"exec is refused", fails("exec", syscall.EPERM),
			outcome{stage: "exec", errno: syscall.EPERM, message: "operation not permitted"},
			outcome{stage: "exec", errno: syscall.EPERM, message: "operation not permitted"},
		},
		{"no errno", fails("options", errors.New("no")), outcome{stage: "options", message: "no"}, outcome{stage: "options", message: "no"}},
		{
			"killed", killed,
			outcome{stage: "launch", message: "killed before the command ran", killed: true},
			outcome{stage: "launch", message: "killed before the command ran", killed: true},
		},
		{
			"no newuidmap", fails("idmap", fmt.Errorf("newuidmap: %w", exec.ErrNotFound)),
			outcome{stage: "idmap", message: "newuidmap: " + exec.ErrNotFound.Error(), missing: true},
			outcome{stage: "idmap", message: "newuidmap: " + exec.ErrNotFound.Error(), missing: true},
		},
		{"anything else", errors.New("x"), outcome{stage: "launch", message: "x"}, outcome{stage: "launch", message: "x"}},
	} {
		launcher, host := launcher{command: []string{inside}}, launcher{}
		if have := launcher.outcome(c.err); have != c.launcher {
			t.Errorf("%s: %+v, want %+v", c.name, have, c.launcher)
		}
		if have := host.outcome(c.err); have != c.host {
			t.Errorf("%s, in an embedding program: %+v, want %+v", c.name, have, c.host)
		}
	}
}

// TestInOptions: a message names what the caller can type.
func TestInOptions(t *testing.T) {
	if have := inOptions("Identity.MapAuto: /etc/subuid grants no uids to 1"); have != "--map-auto: /etc/subuid grants no uids to 1" {
		t.Error(have)
	}
}

// TestAttempts: the launches of a machine where everything works are those of its caller:
// each makes a user namespace, unless the caller does without, and all are valid.
func TestAttempts(t *testing.T) {
	for name, root := range map[string]bool{"user": false, "root": true} {
		t.Run(name, func(t *testing.T) {
			f := tree(t, "debian12")
			if root {
				f.UID = 0
				f.Files.(recorded)["/proc/self/status"] = "CapEff:\t000001ffffffffff\n"
			}
			var modes []sandbox.Mode
			users, auto := 0, 0
			results := probe(f, func(s sandbox.Spec) outcome {
				modes = append(modes, s.Mode)
				if s.Namespaces.User == sandbox.Want {
					users++
				}
				if s.Identity.MapAuto {
					auto++
				}
				c := sandbox.Command("/x")
				c.Spec = s
				if _, err := c.Plan(); err != nil && !s.Identity.MapAuto {
					t.Errorf("%+v: %v", s, err)
				}
				return outcome{works: true}
			})
			all, some := len(attempts)+1, 0 // and ranges
			if root {
				all, some = len(attempts)+3, 4 // and what root's other attempts do without
			}
			if len(modes) != all || slices.Contains(modes, sandbox.Setuid) || !root && users != all || root && users != some || auto != 1 {
				t.Errorf("%d launches, %d with a user namespace, %d with several ids", len(modes), users, auto)
			}
			for _, r := range results {
				if r.State == Failed && r.Step != Landlock && !slices.Contains(cloneSteps, r.Step) {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// TestJudgeLaunch: what comes before the failed stage has worked, what comes after it is
// not known.
func TestJudgeLaunch(t *testing.T) {
	f := tree(t, "debian12")
	for stage, want := range map[string]string{
		"idmap":  "id-maps=failed",
		"slave":  "id-maps=ok slave=failed",
		"root":   "id-maps=ok slave=ok tmpfs=failed",
		"source": "id-maps=ok slave=ok tmpfs=ok bind=failed",
		"bind":   "id-maps=ok slave=ok tmpfs=ok bind=failed",
		"exec":   "id-maps=ok slave=ok tmpfs=ok bind=ok command=failed",
		"launch": "command=failed",
	} {
		p := &prober{facts: f}
		p.judge(&attempts[0], outcome{stage: stage, errno: syscall.EPERM})
		var have []string
		for _, r := range p.seen {
			have = append(have, string(r.Step)+"="+r.State.String())
		}
		if strings.Join(have, " ") != want {
			t.Errorf("%s: %q, want %q", stage, have, want)
		}
	}
	p := &prober{facts: f, seen: []Result{{Step: UserNS, State: Failed}}}
	p.judge(&attempts[0], outcome{stage: "launch"})
	if len(p.seen) != 1 {
		t.Errorf("a clone that is known to fail has been noted again: %+v", p.seen)
	}
	if all := p.inOrder(); len(all) != len(stepRows)-1 || all[len(all)-1].Step != Setuid || all[0].State != Failed || all[1].State != Untried {
		t.Errorf("in order: %+v", all)
	}
}
