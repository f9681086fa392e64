package policy_test

import (
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// sketch is a plan as an embedding program of the caller's own could send it.
type sketch struct {
	flags, clone uint32
	source       string      // for the step before the root
	root, after  []plan.Step // in the new root, whose source is step 1; after the pivot
	payload      []plan.Step
}

func (k sketch) view(t *testing.T) plan.View {
	t.Helper()
	b := &planbuild.Builder{Flags: k.flags, Clone: k.clone | unix.CLONE_NEWNS}
	b.Str("/") // so that no text is at 0
	add := func(steps ...plan.Step) {
		for _, s := range steps {
			if s.Op == plan.OpBind || s.Op == plan.OpProc {
				s.B = b.Str("/h")
			}
			b.Add(s)
		}
	}
	add(plan.Step{Op: plan.OpSlave}, plan.Step{Op: plan.OpSource, A: b.Str(k.source)}, plan.Step{Op: plan.OpRoot})
	add(k.root...)
	add(plan.Step{Op: plan.OpPivot})
	add(k.after...)
	b.EndSetup()
	add(k.payload...)
	add(plan.Step{Op: plan.OpExec})
	b.Command([]string{"/bin/true"}, []string{"true"}, []string{"PWD=/"}, 0)
	b.Fds(nil, nil, nil, -1)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	base := unsafe.Pointer(unsafe.SliceData(p.Bytes))
	if v := plan.Verify(base, uint32(len(p.Bytes))); v != plan.Good {
		t.Fatalf("%+v: verdict %d", k, v)
	}
	return plan.ViewAt(base)
}

// TestJudgeForeignPlans: a plan that the compiler would not make does not come by something in
// another way than by what the option makes.
func TestJudgeForeignPlans(t *testing.T) {
	caps := []plan.Step{{Op: plan.OpCaps, Flags: plan.FlagBounding}}
	limit, proof, below := plan.Step{Op: plan.OpLimitUserns}, plan.Step{Op: plan.OpNoUserns}, plan.Step{Op: plan.OpUnshare, A: unix.CLONE_NEWUSER}
	for _, c := range []struct {
		name, text string
		hosted     bool
		plan       sketch
		want       policy.Verdict
	}{
		{"no capabilities", "refuse --cap-add", true, sketch{source: "/usr", payload: caps}, policy.Permitted},
		{"capabilities that are not given up", "refuse --cap-add", true, sketch{source: "/usr"}, policy.Refused},
		{"a capability", "refuse --cap-add", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpCaps, D: 1}}}, policy.Refused},
		{"a namespace by unshare", "refuse --unshare-net", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpUnshare, A: unix.CLONE_NEWNET | unix.CLONE_NEWIPC}}}, policy.Refused},
		{"another one by unshare", "refuse --unshare-net", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpUnshare, A: unix.CLONE_NEWUSER}}}, policy.Permitted},
		{"a namespace by unshare is not required", "require --unshare-pid", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpUnshare, A: unix.CLONE_NEWPID}}}, policy.Required},
		{"a namespace of any type", "refuse --userns", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpSetns, A: 9}}}, policy.Refused},
		{"several namespaces", "refuse --pidns", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWUSER | unix.CLONE_NEWPID}}}, policy.Refused},
		{"another type", "refuse --pidns", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWUSER}}}, policy.Permitted},
		{"a directory as proc", "refuse --bind", true, sketch{source: "/home", root: []plan.Step{{Op: plan.OpProc, A: 1}}}, policy.Refused},
		{"the same where a new one fails", "refuse --bind", true, sketch{source: "/home", root: []plan.Step{{Op: plan.OpProc, A: 1, Flags: plan.FlagOrBind}}}, policy.Refused},
		{"the host's proc", "refuse --bind", true, sketch{source: "/proc", root: []plan.Step{{Op: plan.OpProc, A: 1}}}, policy.Permitted},
		{"a new proc", "refuse --bind", true, sketch{source: "/home", root: []plan.Step{{Op: plan.OpProc}}}, policy.Permitted},
		{"an end of its own", "require --die-with-parent", true, sketch{source: "/usr", flags: plan.FlagDieWithParent}, policy.Required},
		{"the program's end", "require --die-with-parent", true, sketch{source: "/usr", flags: plan.FlagDieWithParent | plan.FlagLifeline}, policy.Permitted},
		{"the monitor's end is not the sandbox's", "require --die-with-parent", true, sketch{source: "/usr", flags: plan.FlagLifeline}, policy.Required},
		{"the caller's end", "require --die-with-parent", false, sketch{source: "/usr", flags: plan.FlagDieWithParent}, policy.Permitted},
		{"a limit and a proof", "require --disable-userns", false, sketch{source: "/usr", after: []plan.Step{limit, below, proof}}, policy.Permitted},
		{"a limit alone", "require --disable-userns", true, sketch{source: "/usr", after: []plan.Step{limit}}, policy.Required},
		{"a limit that leaves one", "require --disable-userns", true, sketch{source: "/usr", after: []plan.Step{limit, below}}, policy.Required},
		{"a proof before the limit", "require --disable-userns", true, sketch{source: "/usr", after: []plan.Step{proof, limit, below}}, policy.Required},
		{"a proof elsewhere", "require --disable-userns", true, sketch{source: "/usr", after: []plan.Step{limit, below, proof, {Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWUSER}}}, policy.Required},
	} {
		var p policy.Policy
		if line := p.Read([]byte(c.text), nil); line != 0 {
			t.Fatalf("%s: line %d", c.name, line)
		}
		if got, _, _ := p.Judge(c.plan.view(t), c.hosted); got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.name, got, c.want)
		}
	}
}
