package sandbox

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// wantedCaps returns the payload's capabilities: root's own where KeepCaps is set, those
// that dealing with id ranges takes for a payload that is root over ranges, none for others;
// then the edits, in order.
func wantedCaps(s *Spec, h *Host) idmap.Caps {
	want := idmap.Caps(0)
	switch {
	case h.UID == 0 && s.Identity.KeepCaps:
		want = idmap.Caps(h.Caps)
	case s.Identity.ranges() && s.payloadUID(h.UID) == 0:
		want = idmap.RangeCaps
	}
	for _, e := range s.Identity.Caps {
		if e.Drop {
			want &^= e.Caps
		} else {
			want |= e.Caps
		}
	}
	return want
}

// caps settles what the payload may do.
func (c *compiler) caps() {
	want := wantedCaps(c.s, c.h)
	step := plan.Step{Op: plan.OpCaps}
	ambient := idmap.Caps(0)
	if len(c.s.Identity.Caps) > 0 {
		ambient = want
	}
	if c.newUser || c.s.Namespaces.JoinUser.Given() || c.h.Setuid {
		step.Flags |= plan.FlagBounding
	} else if have := idmap.Caps(c.h.Caps); want&^have != 0 {
		// What the caller does not have cannot be added. The rest is as it would be for
		// bwrap's root after a refused capset, but for what was to be dropped.
		want &= have
		ambient = 0
	}
	if c.h.UID == 0 {
		step.Flags |= plan.FlagLenient
	}
	step.A, step.B = want.Halves()
	step.C, step.D = want.Halves()
	step.E, step.F = ambient.Halves()
	c.b.Add(step)
}
