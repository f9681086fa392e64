package sandbox

import (
	"errors"
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/sandbox/plan"
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
func (c *compiler) who() error {
	id := &c.s.Identity
	c.uids = axis{kind: "uid", own: c.h.UID, want: id.UID, lines: id.UIDMap, sub: c.h.SubUID}
	c.gids = axis{kind: "gid", own: c.h.GID, want: id.GID, lines: id.GIDMap, sub: c.h.SubGID}
	for _, a := range []*axis{&c.uids, &c.gids} {
		a.settle()
		if !id.ranges() {
			continue
		}
		if id.MapAuto {
			if err := a.grant(c.h); err != nil {
				return err
			}
		}
		if err := a.check(c.h); err != nil {
			return err
		}
		if c.hasDev() && !a.ids.Has(0) {
			return c.h.badIDs("--dev", a.maps(), " needs "+a.kind+" 0 inside, to whom its devpts belongs: add it with --"+a.kind+"-map or --"+a.kind+" 0",
				"must map "+a.kind+" 0, to whom the devpts of kind Dev belongs")
		}
	}
	return nil
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

// ranges is the step that has the maps written.
func (c *compiler) ranges() {
	c.b.From(c.mapOrigin())
	c.b.Add(plan.Step{
		Op: plan.OpIDMap, Flags: plan.FlagOutside,
		A: c.b.Str(c.uids.ids.Text()), B: c.b.Str(c.gids.ids.Text()),
	})
	c.b.From(plan.Origin{})
}

// mapOrigin is the first option that asked for ranges.
func (c *compiler) mapOrigin() plan.Origin {
	for _, lines := range [][]MapLine{c.s.Identity.UIDMap, c.s.Identity.GIDMap} {
		if len(lines) > 0 {
			return lines[0].From
		}
	}
	return plan.Origin{Words: []string{c.h.mapAuto()}}
}

// become returns the steps that switch to the payload's ids, if it has others than the
// caller.
func (c *compiler) become() []plan.Step {
	switch {
	case c.s.Namespaces.JoinUser.Given():
		return c.becomeInGiven()
	case !c.s.Identity.ranges() || c.uids.isCaller() && c.gids.isCaller():
		return nil
	}
	return []plan.Step{{Op: plan.OpBecome, A: c.uids.inside, B: c.gids.inside}}
}

// becomeInGiven switches to UID and GID inside a given user namespace, whose maps are not
// known here. The caller's own number may mean "as I am": where the namespace does not
// map it, the process keeps the id that it has there.
func (c *compiler) becomeInGiven() (steps []plan.Step) {
	id := &c.s.Identity
	add := func(want ID, own, uid, gid uint32) {
		s := plan.Step{Op: plan.OpBecome, A: uid, B: gid}
		if want.N() == own {
			s.Flags = plan.FlagTry
		}
		if want.Given() {
			steps = append(steps, s)
		}
	}
	add(id.GID, c.h.GID, plan.SameID, id.GID.N()) // first: it takes a capability
	add(id.UID, c.h.UID, id.UID.N(), plan.SameID)
	return steps
}

func (a *axis) isCaller() bool {
	out, ok := a.ids.Outside(a.inside)
	return ok && out == a.own
}

// losesGroups tells whether the caller's supplementary groups are given up. The kernel
// permits that only where groups beside the caller's own are mapped with somebody's
// permission (user_namespaces(7), setgroups): newgidmap denies it otherwise.
func (c *compiler) losesGroups() bool {
	writes := c.h.UID == 0 && c.h.Caps>>unix.CAP_SETGID&1 != 0 // the map, by himself
	return c.s.Identity.ranges() && !c.s.Identity.KeepGroups && (writes || len(c.gids.ids) > 1 || !c.gids.isCaller())
}

// nest is the second user namespace that --disable-userns takes, with the same ids.
func (c *compiler) nest() {
	c.b.Add(plan.Step{
		Op: plan.OpNest,
		A:  c.b.Str(c.uids.ids.Identity().Text()), B: c.b.Str(c.gids.ids.Identity().Text()),
	})
}

// payloadUID is who the payload is inside, for a caller who is own outside.
func (s *Spec) payloadUID(own uint32) uint32 {
	a := axis{own: own, want: s.Identity.UID, lines: s.Identity.UIDMap}
	a.settle()
	return a.inside
}
