package doctor

import (
	"strings"
	"syscall"
	"testing"
)

// TestRead: what a launch says to programs is understood, whatever is in its strings.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, documents, text string
		want                  outcome
	}{
		{"works", "{ \"child-pid\": 7 }\n{ \"mode\": \"direct\" }\n{ \"setup-complete\": true }\n{ \"exit-code\": 1 }\n", "noise", outcome{works: true}},
		{
			"fails", `{ "error": { "stage": "proc", "option": "--proc", "path": "/proc", "errno": 1, "message": "Can't mount: no", "hint": "x" } }` + "\n", "",
			outcome{stage: "proc", errno: syscall.EPERM, message: "Can't mount: no"},
		},
		{
			"names in strings", `{ "error": { "stage": "bind", "path": "a\\\"errno\": 5, \"message\": \"no\"", "errno": 13, "message": "tab\u0009, \"quoted\", \\ and \ufffd" } }` + "\n", "",
			outcome{stage: "bind", errno: syscall.EACCES, message: "tab\t, \"quoted\", \\ and \ufffd"},
		},
		{"no errno", `{ "error": { "stage": "options", "message": "--mode setuid: no" } }` + "\n", "", outcome{stage: "options", message: "--mode setuid: no"}},
		{"not even started", "", "fatal\ngobwrap: can't start\n", outcome{stage: "launch", message: "gobwrap: can't start"}},
		{"with a hint", "", "gobwrap: can't start\ngobwrap: hint: x\n", outcome{stage: "launch", message: "gobwrap: can't start"}},
		{"silence", "", "", outcome{stage: "launch", message: "the launch said nothing"}},
		{"cut off", `{ "error": { "stage": "pro`, "", outcome{}},
	} {
		if have := read(c.documents, c.text); have != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, have, c.want)
		}
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
