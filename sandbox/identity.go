package sandbox

import (
	"errors"
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"golang.org/x/sys/unix"
)

// axis is the map of user ids, or of group ids.
type axis struct {
	kind   string // "uid" or "gid"
	own    uint32 // the caller's id outside
	want   ID
	lines  idmap.Map
	sub    string // the text of /etc/subuid or /etc/subgid
	inside uint32 // the payload's
	ids    idmap.Map
}

// who settles the ids.
func who(s *wanted, h *facts) (uids, gids axis, err error) {
	id := &s.Identity
	uids = axis{kind: "uid", own: h.UID, want: id.UID, lines: id.UIDMap, sub: h.SubUID}
	gids = axis{kind: "gid", own: h.GID, want: id.GID, lines: id.GIDMap, sub: h.SubGID}
	for _, a := range []*axis{&uids, &gids} {
		a.settle()
		if err == nil && id.ranges() {
			err = a.complete(s, h)
		}
	}
	return uids, gids, err
}

// complete adds what the system grants, and checks the map.
func (a *axis) complete(s *wanted, h *facts) error {
	if s.Identity.MapAuto {
		if err := a.grant(s, h); err != nil {
			return err
		}
	}
	if err := a.check(s); err != nil {
		return err
	}
	if hasDev(s) && !a.ids.Has(0) {
		return a.unmapped(&front.Unmapped{Device: true, Field: a.maps()})
	}
	return nil
}

// has reports whether there is an operation of such a kind.
func (w *wanted) has(is func(tree.Kind) bool) bool {
	return slices.ContainsFunc(w.files, func(op tree.Op) bool { return is(op.Kind) })
}

func hasDev(w *wanted) bool { return w.has(func(k tree.Kind) bool { return k == tree.Dev }) }

// settle chooses the payload's id, and maps it to the caller if the map does not contain it.
func (a *axis) settle() {
	a.ids = append(a.ids, a.lines...)
	a.inside = a.own
	if at, ok := a.ids.Inside(a.own); ok {
		a.inside = at
	}
	if a.want.Given() {
		a.inside = a.want.N()
	}
	if !a.ids.Has(a.inside) {
		a.ids = append(a.ids, idmap.Range{Inside: a.inside, Outside: a.own, Count: 1})
	}
}

// grant maps what the system grants to the caller.
func (a *axis) grant(s *wanted, h *facts) error {
	ranges := idmap.SubIDs(a.sub, host.Names(h)...)
	if len(ranges) == 0 {
		return &SetupError{
			Stage: "options", Field: s.name("Identity.MapAuto"),
			Err:  errors.New(s.name("Identity.MapAuto") + ": /etc/sub" + a.kind + " grants no " + a.kind + "s to " + host.Names(h)[0]),
			Hint: host.SubHint(h, a.kind, idmap.FreeRange(a.sub)),
		}
	}
	a.ids = idmap.Auto(a.own, a.inside, ranges)
	return nil
}

// check reports what the kernel would refuse.
func (a *axis) check(s *wanted) error {
	err := a.ids.Check()
	switch _, given := a.ids.Inside(a.own); {
	case err == nil:
		return nil
	case len(a.lines) == 0:
		return s.badField("Identity.MapAuto", err.Error())
	case given && a.want.Given() && len(a.ids) > len(a.lines):
		return a.unmapped(&front.Unmapped{ID: a.want.N(), Field: a.field(), Detail: err.Error()})
	}
	return s.badField(a.maps(), err.Error())
}

// unmapped completes an error about an id that is not mapped.
func (a *axis) unmapped(u *front.Unmapped) error {
	u.Kind = a.kind
	return &SetupError{Stage: "options", Field: u.Field, Err: u}
}

// field and maps are the fields of the Spec that say the id, and the maps.
func (a *axis) field() string { return "Identity." + strings.ToUpper(a.kind) }
func (a *axis) maps() string  { return a.field() + "Map" }

// mapsField returns the first field that asks for ranges.
func mapsField(s *wanted) string {
	switch {
	case len(s.Identity.UIDMap) > 0:
		return "Identity.UIDMap[0]"
	case len(s.Identity.GIDMap) > 0:
		return "Identity.GIDMap[0]"
	}
	return "Identity.MapAuto"
}

func (a *axis) isCaller() bool {
	out, ok := a.ids.Outside(a.inside)
	return ok && out == a.own
}

// losesGroups reports whether the caller's supplementary groups are given up. The kernel
// permits that only if groups other than the caller's are mapped, by a process that may set
// them (user_namespaces(7), setgroups); otherwise newgidmap denies it.
func losesGroups(s *wanted, h *facts, gids *axis) bool {
	writes := h.UID == 0 && h.Caps>>unix.CAP_SETGID&1 != 0 // the map, by themselves
	return s.Identity.ranges() && !s.Identity.KeepGroups && (writes || len(gids.ids) > 1 || !gids.isCaller())
}

// payloadUID returns the payload's uid inside, for a caller whose uid is own outside.
func (w *wanted) payloadUID(own uint32) uint32 {
	a := axis{own: own, want: w.Identity.UID, lines: w.Identity.UIDMap}
	a.settle()
	return a.inside
}

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
