package suid_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// TestCheckPlan: what setuid mode cannot do is refused, by its reason and its step, and what is
// beside it is not.
func TestCheckPlan(t *testing.T) {
	step := func(op plan.Op, change ...func(*plan.Step)) plan.Step {
		s := plan.Step{Op: op}
		for _, f := range change {
			f(&s)
		}
		return s
	}
	size := func(n uint64) func(*plan.Step) {
		return func(s *plan.Step) { s.F, s.G = uint32(n), uint32(n>>32) }
	}
	a := func(n uint32) func(*plan.Step) { return func(s *plan.Step) { s.A = n } }
	c := func(n uint32) func(*plan.Step) { return func(s *plan.Step) { s.C = n } }
	flags := func(n uint16) func(*plan.Step) { return func(s *plan.Step) { s.Flags = n } }
	for _, c := range []struct {
		name         string
		clone, flags uint32
		step         plan.Step
		want         suid.Reason
	}{
		{"forgive", 0, plan.FlagForgive, plan.Step{}, suid.ReasonForgive},
		{"join", 0, plan.FlagJoin, plan.Step{}, suid.ReasonJoin},
		{"setns", 0, 0, step(plan.OpSetns), suid.ReasonSetns},
		{"idmap", 0, 0, step(plan.OpIDMap), suid.ReasonIDMap},
		{"nested", 0, 0, step(plan.OpUnshare), suid.ReasonNested},
		{"limit-userns", 0, 0, step(plan.OpLimitUserns), suid.ReasonNested},
		{"overlay", 0, 0, step(plan.OpOverlay), suid.ReasonOverlay},
		{"become", 0, 0, step(plan.OpBecome), suid.ReasonUnknown},
		{"groups", 0, 0, step(plan.OpGroups), suid.ReasonUnknown},
		{"nest", 0, 0, step(plan.OpNest), suid.ReasonUnknown},
		{"loopback", 0, 0, step(plan.OpLoopback), suid.ReasonLoopback},
		{"loopback of one's own", unix.CLONE_NEWNET, 0, step(plan.OpLoopback), suid.Permitted},
		{"hostname", 0, 0, step(plan.OpHostname), suid.ReasonHostname},
		{"hostname of one's own", unix.CLONE_NEWUTS, 0, step(plan.OpHostname), suid.Permitted},
		{"proc", 0, 0, step(plan.OpProc), suid.ReasonProc},
		{"proc of one's own", unix.CLONE_NEWPID, 0, step(plan.OpProc), suid.Permitted},
		{"proc of the host", 0, 0, step(plan.OpProc, a(1)), suid.Permitted},
		{"proc, or that of the host", 0, 0, step(plan.OpProc, a(1), flags(plan.FlagOrBind)), suid.ReasonProc},
		{"mqueue", 0, 0, step(plan.OpMount, a(plan.MountMqueue)), suid.ReasonMqueue},
		{"mqueue of one's own", unix.CLONE_NEWIPC, 0, step(plan.OpMount, a(plan.MountMqueue)), suid.Permitted},
		{"a tmpfs of the default size", 0, 0, step(plan.OpMount, a(plan.MountTmpfs)), suid.Permitted},
		{"a tmpfs of a page", 0, 0, step(plan.OpMount, a(plan.MountTmpfs), size(1)), suid.Permitted},
		{"a tmpfs of any size", 0, 0, step(plan.OpMount, a(plan.MountTmpfs), size(1<<64-1)), suid.Permitted},
		{"a label of files", 0, 0, step(plan.OpLabel, a(plan.LabelNew), func(s *plan.Step) { s.B = 1 }), suid.ReasonLabel},
		{"no label of files", 0, 0, step(plan.OpLabel, a(plan.LabelNew)), suid.Permitted},
		{"a label of the command", 0, 0, step(plan.OpLabel, a(plan.LabelExec), func(s *plan.Step) { s.B = 1 }), suid.Permitted},
		{"wait", 0, 0, step(plan.OpWaitFd), suid.Permitted},
		{"capabilities", 0, 0, step(plan.OpCaps, c(1)), suid.ReasonCapAdd},
		{"score", 0, 0, step(plan.OpScore), suid.Permitted},
	} {
		p := bare(t)
		if c.step.Op != 0 {
			p = with(t, c.clone, c.flags, c.step)
		} else {
			header(p).Flags |= c.flags
		}
		reason, at := check(p)
		want := plan.NoStep
		switch {
		case c.want == suid.Permitted || c.want == suid.ReasonJoin:
			want = 0
		case c.step.Op == plan.OpCaps:
			want = find(t, p, c.step.Op)
		case c.step.Op != 0:
			want = last(t, p, c.step)
		}
		if reason != c.want || at != want {
			t.Errorf("%s: reason %d, step %d; want reason %d, step %d", c.name, reason, int32(at), c.want, int32(want))
		}
	}
	// Nobody waits before the old root is gone.
	p := with(t, 0, 0, step(plan.OpWaitFd))
	i, j := find(t, p, plan.OpPivot), find(t, p, plan.OpWaitFd)
	*plan.StepAt(base(p), i), *plan.StepAt(base(p), j) = *plan.StepAt(base(p), j), *plan.StepAt(base(p), i)
	if reason, at := check(p); reason != suid.ReasonBlock || at != i {
		t.Errorf("wait before the pivot: reason %d, step %d", reason, at)
	}
}
