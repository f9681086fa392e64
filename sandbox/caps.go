package sandbox

import "github.com/gobwrap/gobwrap/idmap"

// wantedCaps returns the payload's capabilities: root's own where KeepCaps is set, those
// that dealing with id ranges takes for a payload that is root over ranges, none for others;
// then the edits, in order.
func wantedCaps(s *wanted, h *facts) idmap.Caps {
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
