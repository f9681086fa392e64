package setuid_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// verdict checks the result of a plan. It returns a complaint, or "".
type verdict func(l result) string

// ran requires that the payload ran without privilege.
func ran(l result) string {
	if l.first == 0 || l.status != 0 || len(l.faults) > 0 {
		return "it did not run"
	}
	return powerless(l.said)
}

// faulted requires exactly this fault, and that the payload did not run.
func faulted(l result, sub plan.Sub) (m plan.Message, complaint string) {
	switch {
	case len(l.faults) == 0:
		return m, "no fault was reported"
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

// denied requires that a step failed for lack of the user's rights.
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

// attack is a plan with one hostile change.
type attack struct {
	name string
	// control is a change without the one hostile thing; the plan runs then. Without one,
	// the good plan itself is the control.
	control func(d *draft)
	edit    func(d *draft)
	bytes   func(p []byte) []byte // a change of the bytes that are sent
	want    verdict
}

// try sends a plan and compares the bait before and after.
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

// runAttacks runs attacks one after another, each with its control.
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
