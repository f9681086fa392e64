package sandbox

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/internal/planner"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
)

// flattener turns a Spec into the form that the compiler reads.
type flattener struct{ planner.Description }

// flatten returns s on the machine h. Ranges of ids are settled here.
func flatten(s *wanted, h *facts, uids, gids *axis) (*flattener, compile.Facts) {
	f := &flattener{planner.New(s.origin)}
	f.once(s)
	f.files(s.files)
	f.listed(s)
	facts := compile.Facts{
		UID: h.UID, GID: h.GID, Caps: h.Caps, RootCaps: s.Identity.KeepCaps, Cwd: []byte(h.Cwd), Tty: h.Tty,
		UserNamespaces: h.UserNamespaces, CgroupNamespaces: h.CgroupNamespaces, SELinux: h.SELinux,
		Setuid: h.Setuid, Tentative: h.Tentative, Embedded: h.Embedded, Filtered: h.Filtered,
	}
	if s.Identity.ranges() {
		f.ranges(&facts, s, h, uids, gids)
	}
	facts.Env = flat.Word(len(f.Text))
	for _, entry := range h.Env {
		f.Word(entry)
	}
	facts.EnvEnd = flat.Word(len(f.Text))
	return f, facts
}

// once copies the fields that have one value.
func (f *flattener) once(s *wanted) {
	out := &f.Spec
	for i, w := range s.wishes() {
		out.Wishes[i] = flat.Wish(max(*w.field, Share) - Share)
	}
	for i, d := range s.descriptors() {
		if d.field.Given() {
			out.FDs[i] = flat.NewFD(int32(d.field.N()), f.From(d.name))
		}
	}
	for i, t := range s.texts() {
		if t.field.Given() {
			out.Strs[i] = flat.Str{Word: f.Word(t.field.String()), From: f.From(t.name)}
		}
	}
	for i, id := range s.ids() {
		out.IDs[i] = flat.ID{N: id.field.N(), Given: id.field.Given()}
	}
	for bit, on := range s.switches() {
		if *on {
			out.Switches |= bit
		}
	}
	for _, x := range s.scopes() {
		switch *x.field {
		case Try:
			out.TryScopes |= x.bit
		case Want:
			out.Scopes |= x.bit
			out.ScopesFrom = f.From(x.name)
		}
	}
	for _, e := range s.Identity.Caps {
		if e.Drop {
			out.DropCaps, out.AddCaps = out.DropCaps|uint64(e.Caps), out.AddCaps&^uint64(e.Caps)
		} else {
			out.AddCaps |= uint64(e.Caps)
		}
		out.Switches |= flat.CapsGiven
	}
	if s.Limits.Timeout > 0 {
		out.Timeout, _ = s.Limits.flat()
		out.Timeout.From = f.From("Limits.Timeout")
	}
	if s.line != nil {
		out.Switches |= s.line.Switches
	}
	for i, n := range s.numbers() {
		out.Numbers[i] = uint32(n.Get())
	}
	f.command(s.Command.Args)
}

// take is the other direction: it sets the fields that a command line gives once. from is told which option has
// set a field.
func (s *Spec) take(f *flat.Spec, text func(flat.Word) string, from func(field string, option flat.Word)) {
	for i, w := range s.wishes() {
		*w.field = Wish(f.Wishes[i]) + Share
	}
	for i, d := range s.descriptors() {
		if fd := f.FDs[i]; fd.Given() {
			*d.field = SetFD(int(fd.N()))
			from(d.name, fd.From)
		}
	}
	for i, t := range s.texts() {
		if str := f.Strs[i]; str.Given() {
			*t.field = SetText(text(str.Word))
			from(t.name, str.From)
		}
	}
	for i, id := range s.ids() {
		*id.field = ID{f.IDs[i].N, f.IDs[i].Given}
	}
	for bit, on := range s.switches() {
		*on = f.On(bit)
	}
	for _, x := range s.scopes() {
		switch {
		case f.Scopes&x.bit != 0:
			*x.field = Want
			from(x.name, f.ScopesFrom)
		case f.TryScopes&x.bit != 0:
			*x.field = Try
		}
	}
	if f.DropCaps != 0 {
		s.Identity.Caps = append(s.Identity.Caps, CapEdit{Drop: true, Caps: idmap.Caps(f.DropCaps)})
	}
	if f.AddCaps != 0 {
		s.Identity.Caps = append(s.Identity.Caps, CapEdit{Caps: idmap.Caps(f.AddCaps)})
	}
	if f.Timeout.After != 0 {
		s.Limits.Timeout, s.Limits.Grace = rules.Durations(f.Timeout)
		from("Limits.Timeout", f.Timeout.From)
	}
	for i, n := range s.numbers() {
		n.Set(int(f.Numbers[i]))
	}
}

// command puts the command's words one behind the other.
func (f *flattener) command(args []string) {
	f.Spec.Args = uint32(len(args))
	for i, arg := range args {
		if i == 0 {
			f.Spec.Command = f.Source(plan.Origin{Words: args[:1]})
			continue
		}
		f.Word(arg)
	}
}

// files are the operations on the sandbox's files.
func (f *flattener) files(ops []tree.Op) {
	for i := range ops {
		f.Items = append(f.Items, ops[i].Items(f.Word, f.From(at("Files", i)))...)
	}
}

// listed copies the other lists.
func (f *flattener) listed(s *wanted) {
	for _, e := range s.Env {
		switch {
		case e.Clear:
			f.Item(flat.Item{Kind: flat.ClearEnv})
		case e.Unset:
			f.Item(flat.Item{Kind: flat.UnsetEnv, A: f.Word(e.Name)})
		default:
			f.Item(flat.Item{Kind: flat.SetEnv, A: f.Word(e.Name), B: f.Word(e.Value)})
		}
	}
	for _, l := range s.lists() {
		for i, path := range *l.field {
			f.Item(flat.Item{Kind: l.kind, A: f.Word(path), From: f.From(at(l.name, i))})
		}
	}
	for i, fd := range s.Session.SyncFDs {
		f.Item(flat.Item{Kind: flat.SyncFD, FD: int32(fd.N()), From: f.From(at("Session.SyncFDs", i))})
	}
	for _, x := range s.Limits.settings() {
		f.Item(flat.Item{Kind: flat.Setting, N: uint32(x.kind), A: f.Word(x.text), From: f.From(x.field)})
	}
	for i, x := range s.Lockdown.Filters {
		it := flat.Item{Kind: flat.Filter, From: f.From(at("Lockdown.Filters", i)), A: flat.Word(len(f.Text)), N: uint32(len(x.BPF))}
		if len(x.BPF) == 0 {
			it.Kind = flat.Profile
		}
		f.Text = append(append(f.Text, x.BPF...), 0)
		f.Item(it)
	}
	for range s.Identity.UIDMap {
		f.Item(flat.Item{Kind: flat.UIDMap})
	}
	for range s.Identity.GIDMap {
		f.Item(flat.Item{Kind: flat.GIDMap})
	}
	if s.line != nil {
		for _, fd := range s.line.Keep {
			f.Item(flat.Item{Kind: flat.KeepFD, FD: int32(fd)})
		}
	}
	used, read := s.fds()
	for _, fd := range used {
		f.Item(flat.Item{Kind: flat.Used, FD: int32(fd)})
	}
	for _, fd := range read {
		f.Item(flat.Item{Kind: flat.Used, FD: int32(fd), Flags: flat.Early})
	}
}

// add is the other direction, for settings and lists of paths.
// It returns the field that an item has set, "" for other items.
func (s *Spec) add(it *flat.Item, text string) (field string) {
	if it.Kind == flat.Setting {
		return s.Limits.add(setting.Kind(it.N), text)
	}
	for _, l := range s.lists() {
		if l.kind == it.Kind {
			*l.field = append(*l.field, text)
			return at(l.name, len(*l.field)-1)
		}
	}
	return ""
}

// ranges is what has been settled about several ids.
func (f *flattener) ranges(facts *compile.Facts, s *wanted, h *facts, uids, gids *axis) {
	text := func(m idmap.Map) flat.Word { return f.Word(m.Text()) }
	facts.Ranges = true
	facts.UIDMap, facts.GIDMap = text(uids.ids), text(gids.ids)
	facts.UIDNest, facts.GIDNest = text(uids.ids.Identity()), text(gids.ids.Identity())
	facts.MapsFrom = f.From(mapsField(s))
	facts.RangeUID, facts.RangeGID = uids.inside, gids.inside
	facts.Becomes = !uids.isCaller() || !gids.isCaller()
	facts.DropsGroups = losesGroups(s, h, gids)
}
