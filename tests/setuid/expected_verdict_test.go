package setuid_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// judgement says what must come of a plan; it complains, or returns nothing.
type verdict func(l result) string

// ran: the command ran, and has nothing.
func ran(l result) string {
	if l.first == 0 || l.status != 0 || len(l.faults) > 0 {
		return "it did not run"
	}
	return powerless(l.said)
}

// faulted looks for the one fault that there must be, and that nothing ran.
func faulted(l result, sub plan.Sub) (m plan.Message, complaint string) {
	switch {
	case len(l.faults) == 0:
		return m, "nobody says why"
	case l.said != "":
		return m, "something was printed"
	case !l.answered || l.status != 0:
		return m, "something still runs"
	}
	m = l.faults[0]
	if m.Kind != plan.MsgFault || m.Sub != sub {
		complaint = "another fault"
	}
	return m, complaint
}

// denied: the plan is carried out as for the user, who may not do one of its steps.
func denied(errnos ...unix.Errno) verdict {
	if len(errnos) == 0 {
		errnos = []unix.Errno{unix.EACCES, unix.EPERM}
	}
	return func(l result) string {
		if l.first == 0 || len(l.faults) == 0 || l.said != "" || l.status != 0 {
			return "want a fault of the first process, and nothing else"
		}
		for _, e := range errnos {
			if l.faults[0].Kind == plan.MsgFault && l.faults[0].Errno == uint32(e) {
				return ""
			}
		}
		return "it failed for another reason"
	}
}

// either of several judgements.
func either(all ...verdict) verdict {
	return func(l result) (complaint string) {
		for _, j := range all {
			if complaint = j(l); complaint == "" {
				return ""
			}
		}
		return complaint
	}
}

// attack is a plan that differs from a good one in one thing.
type attack struct {
	name string
	// control is a change without the one hostile thing; the plan runs then. Without one,
	// the good plan itself is the control.
	control func(d *draft)
	edit    func(d *draft)
	bytes   func(p []byte) []byte // and of what is sent
	want    verdict
}

// try has a plan carried out, and looks at the bait afterwards.
func (s *userThread) try(t *testing.T, at startOptions, baitDir string, p []byte, want verdict) {
	t.Helper()
	before := snapshot(baitDir)
	l := s.attempt(t, at, wholeLaunch(p))
	if complaint := want(l); complaint != "" {
		t.Errorf("%s: %s", complaint, l)
	}
	if after := snapshot(baitDir); after != before {
		t.Errorf("files of the host have changed:\n%s%s", difference(before, after), l)
	}
}

// raid tries attacks one after another, each with its control.
func runAttacks(t *testing.T, at startOptions, clone uint32, attacks []attack) {
	t.Helper()
	s, baitDir := newUserThread(t, me), bait(t)
	base := func() *draft { return good(baitDir).with(func(d *draft) { d.clone = clone }) }
	t.Run("control", func(t *testing.T) { s.try(t, at, baitDir, base().program(t), ran) })
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			if a.control != nil {
				s.try(t, at, baitDir, base().with(a.control).program(t), ran)
			}
			d := base()
			if a.edit != nil {
				a.edit(d)
			}
			p := d.program(t)
			if a.bytes != nil {
				p = a.bytes(p)
			}
			s.try(t, at, baitDir, p, a.want)
		})
	}
}

// eachNamespace runs a test without new namespaces, with a user namespace, and with all
// but that.
func eachNamespace(t *testing.T, test func(t *testing.T, clone uint32)) {
	t.Helper()
	for name, clone := range map[string]uint32{"plain": plain, "user": user, "roomy": allButUser, "all": allButUser | user} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, clone)
		})
	}
}
