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
			switch s.Op {
			case plan.OpBind, plan.OpProc, plan.OpMount, plan.OpMask, plan.OpProtect:
				s.B = b.Str("/h")
			case plan.OpSet:
				s.B = b.Blob(make([]byte, 8))
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
		{"a namespace of any type is not one of this type", "require --netns", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpSetns, A: 9}}}, policy.Required},
		{"a namespace of this type", "require --netns", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWNET}}}, policy.Permitted},
		{"a setting", "refuse --nice", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSet, A: 1, C: 1}}}, policy.Refused},
		{"a setting of another kind", "refuse --nice", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSet, A: 0, C: 1}}}, policy.Permitted},
		{"a kind that does not exist", "refuse --nice --rlimit --cpu-affinity --oom-score-adj", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSet, A: 200, C: 1}}}, policy.Permitted},
		{"a number that is taken for a kind", "refuse --nice", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSet, A: 257, C: 1}}}, policy.Refused},
		{"the score, which has a step of its own", "refuse --oom-score-adj", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpScore, A: 1}}}, policy.Refused},
		{"not by the step of other settings", "require --oom-score-adj", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSet, A: 2, C: 1}}}, policy.Required},
		{"a flag", "refuse --not-a-security-boundary", true, sketch{source: "/usr", flags: plan.FlagForgive}, policy.Refused},
		{"another flag", "refuse --not-a-security-boundary", true, sketch{source: "/usr", flags: plan.FlagUsage}, policy.Permitted},
		{"a flag that is missing", "require --usage", true, sketch{source: "/usr", flags: plan.FlagForgive}, policy.Required},
		{"a mask", "require --mask", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpMask}}}, policy.Permitted},
		{"a mask that is tried", "require --mask", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpMask, Flags: plan.FlagTry}}}, policy.Required},
		{"such a mask is refused, though", "refuse --mask", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpMask, Flags: plan.FlagTry}}}, policy.Refused},
		{"a protection", "refuse --protect", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpProtect}}}, policy.Refused},
		{"a cgroup", "refuse --cgroup", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpCgroup, A: 9}}}, policy.Refused},
		{"an exception for sockets", "refuse --allow-socket", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpSocket, A: 1}}}, policy.Refused},
		{"a scope", "require --scope", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence, A: plan.ScopeSockets}}}, policy.Permitted},
		{"a scope that is tried", "require --scope", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence, B: plan.ScopeSockets}}}, policy.Required},
		{"such a scope is refused, though", "refuse --scope", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence, B: plan.ScopeSockets}}}, policy.Refused},
		{"what each new PID namespace tries", "refuse --scope", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence, B: plan.ScopeSignals}}}, policy.Permitted},
		{"another scope", "require --scope-abstract-unix-sockets", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence, A: plan.ScopeSignals}}}, policy.Required},
		{"a domain without scopes", "require --scope", true, sketch{source: "/usr", payload: []plan.Step{{Op: plan.OpFence}}}, policy.Required},
		{"a label", "refuse --exec-label", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpLabel, A: plan.LabelExec, B: 1}}}, policy.Refused},
		{"the default label", "refuse --file-label", true, sketch{source: "/usr", after: []plan.Step{{Op: plan.OpLabel, A: plan.LabelNew}}}, policy.Permitted},
		{"a file system's label", "refuse --file-label", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpMount, C: 1}}}, policy.Refused},
		{"the other label", "refuse --exec-label", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpMount, C: 1}}}, policy.Permitted},
		{"a substitute for proc", "refuse --fallback-proc", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpProc, Flags: plan.FlagOrNone}}}, policy.Refused},
		{"a proc without one", "refuse --fallback-proc", true, sketch{source: "/usr", root: []plan.Step{{Op: plan.OpProc}}}, policy.Permitted},
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
