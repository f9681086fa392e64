package sandbox

import (
	"errors"
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"golang.org/x/sys/unix"
)

// axis is who is who, of users or of groups.
type axis struct {
	kind   string // "uid" or "gid"
	own    uint32 // the caller's id outside
	want   ID
	lines  []MapLine
	sub    string // the text of /etc/subuid or /etc/subgid
	inside uint32 // the payload's
	ids    idmap.Map
}

// who settles the ids.
func who(s *Spec, h *Host) (uids, gids axis, err error) {
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
func (a *axis) complete(s *Spec, h *Host) error {
	if s.Identity.MapAuto {
		if err := a.grant(h); err != nil {
			return err
		}
	}
	if err := a.check(h); err != nil {
		return err
	}
	if hasDev(s) && !a.ids.Has(0) {
		return h.badIDs("--dev", a.maps(), " needs "+a.kind+" 0 inside, to whom its devpts belongs: add it with --"+a.kind+"-map or --"+a.kind+" 0",
			"must map "+a.kind+" 0, to whom the devpts of kind Dev belongs")
	}
	return nil
}

func hasDev(s *Spec) bool {
	return slices.ContainsFunc(s.Files, func(op mounts.Op) bool { return op.Kind == mounts.Dev })
}

// settle decides who the payload is, and completes the map by the caller where nobody
// stands for that id.
func (a *axis) settle() {
	for _, l := range a.lines {
		a.ids = append(a.ids, l.Range)
	}
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
func (a *axis) grant(h *Host) error {
	ranges := idmap.SubIDs(a.sub, h.names()...)
	if len(ranges) == 0 {
		return &SetupError{
			Stage: "options", Option: h.mapAuto(),
			Err:  errors.New(h.mapAuto() + ": /etc/sub" + a.kind + " grants no " + a.kind + "s to " + h.names()[0]),
			Hint: h.subHint(a.kind, idmap.FreeRange(a.sub)),
		}
	}
	a.ids = idmap.Auto(a.own, a.inside, ranges)
	return nil
}

// subHint words how a range is granted, in shadow's terms (subuid(5)). newuidmap serves
// nobody whom the system has no name for.
func (h *Host) subHint(kind string, r idmap.Range) string {
	name := h.UserName
	if name == "" {
		if h.UID != 0 {
			return h.nameHint()
		}
		name = "root"
	}
	return `add the line "` + name + ":" + dec(r.Outside) + ":" + dec(r.Count) + `" to /etc/sub` + kind + ", as root"
}

// nameHint says what a caller lacks whom the system knows by number only.
func (h *Host) nameHint() string {
	return "the system has no user " + dec(h.UID) + " (getent passwd " + dec(h.UID) + "), and newuidmap serves only users that it knows by name"
}

// check words what the kernel would refuse.
func (a *axis) check(h *Host) error {
	err := a.ids.Check()
	switch _, given := a.ids.Inside(a.own); {
	case err == nil:
		return nil
	case len(a.lines) == 0:
		return h.badIDs("--map-auto: ", "Identity.MapAuto", err.Error(), err.Error())
	case given && a.want.Given() && len(a.ids) > len(a.lines):
		return h.badIDs("--"+a.kind+" "+dec(a.want.N())+": ", a.field(),
			"no --"+a.kind+"-map has this id, and the caller's own has another one there ("+err.Error()+")",
			dec(a.want.N())+" is not mapped, and the caller's own id has another one there ("+err.Error()+")")
	}
	return h.badIDs("--"+a.kind+"-map: ", a.maps(), err.Error(), err.Error())
}

// field and maps are the fields of the Spec that say the id, and the maps.
func (a *axis) field() string { return "Identity." + strings.ToUpper(a.kind) }
func (a *axis) maps() string  { return a.field() + "Map" }

// badIDs is an error about ids, in the words of the command line or, for a program, about a
// field.
func (h *Host) badIDs(option, field, text, problem string) error {
	if h.Hosted {
		return badField(field, plan.Origin{}, problem)
	}
	return errors.New(option + text)
}

func (h *Host) mapAuto() string {
	if h.Hosted {
		return "Identity.MapAuto"
	}
	return "--map-auto"
}

// mapOrigin is the first option that asked for ranges.
func mapOrigin(s *Spec, h *Host) plan.Origin {
	for _, lines := range [][]MapLine{s.Identity.UIDMap, s.Identity.GIDMap} {
		if len(lines) > 0 {
			return lines[0].From
		}
	}
	return plan.Origin{Words: []string{h.mapAuto()}}
}

func (a *axis) isCaller() bool {
	out, ok := a.ids.Outside(a.inside)
	return ok && out == a.own
}

// losesGroups reports whether the caller's supplementary groups are given up. The kernel
// permits that only where groups beside the caller's own are mapped with somebody's
// permission (user_namespaces(7), setgroups): newgidmap denies it otherwise.
func losesGroups(s *Spec, h *Host, gids *axis) bool {
	writes := h.UID == 0 && h.Caps>>unix.CAP_SETGID&1 != 0 // the map, by themselves
	return s.Identity.ranges() && !s.Identity.KeepGroups && (writes || len(gids.ids) > 1 || !gids.isCaller())
}

// payloadUID is who the payload is inside, for a caller who is own outside.
func (s *Spec) payloadUID(own uint32) uint32 {
	a := axis{own: own, want: s.Identity.UID, lines: s.Identity.UIDMap}
	a.settle()
	return a.inside
}
