package sandbox

import (
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// flattener turns a Spec into the form that the compiler reads. It remembers which field each
// text came from, because the compiler knows an option only by the offset of its text.
type flattener struct {
	of      *wanted
	spec    flat.Spec
	items   []flat.Item
	text    flat.Text
	origins map[flat.Word]plan.Origin
	nul     bool
}

// flatten returns s on the machine h. Ranges of ids are settled here.
func flatten(s *wanted, h *facts, uids, gids *axis) (*flattener, compile.Facts) {
	f := &flattener{of: s, text: make(flat.Text, 1, 1<<12), origins: map[flat.Word]plan.Origin{}}
	f.once(s)
	f.files(s.files)
	f.listed(s)
	facts := compile.Facts{
		UID: h.UID, GID: h.GID, Caps: h.Caps, RootCaps: s.Identity.KeepCaps, Cwd: []byte(h.Cwd), Tty: h.Tty,
		UserNamespaces: h.UserNamespaces, CgroupNamespaces: h.CgroupNamespaces, SELinux: h.SELinux,
		Setuid: h.Setuid, Tentative: h.Tentative, Hosted: h.Hosted, Filtered: h.Filtered,
	}
	if s.Identity.ranges() {
		f.ranges(&facts, s, h, uids, gids)
	}
	facts.Env = flat.Word(len(f.text))
	for _, entry := range h.Env {
		f.word(entry)
	}
	facts.EnvEnd = flat.Word(len(f.text))
	return f, facts
}

// word puts a string into the text.
func (f *flattener) word(s string) flat.Word {
	if strings.IndexByte(s, 0) >= 0 {
		f.nul = true
	}
	at := flat.Word(len(f.text))
	f.text = append(append(f.text, s...), 0)
	return at
}

// from returns the place of the option, or the field, that asks for something.
func (f *flattener) from(field string) flat.Word {
	o := f.of.origin(field)
	at := f.word(o.Words[0])
	f.origins[at] = o
	return at
}

func (f *flattener) item(i flat.Item) { f.items = append(f.items, i) }

// once copies the fields that have one value.
func (f *flattener) once(s *wanted) {
	out, n := &f.spec, &s.Namespaces
	for i, w := range map[int]Wish{
		flat.User: n.User, flat.IPC: n.IPC, flat.PID: n.PID, flat.Net: n.Net, flat.UTS: n.UTS, flat.Cgroup: n.Cgroup,
		flat.Session: s.Session.New,
	} {
		out.Wishes[i] = flat.Wish(max(w, Share) - Share)
	}
	for i, d := range s.descriptors()[:len(out.FDs)] {
		if d.fd.Given() {
			out.FDs[i] = flat.NewFD(int32(d.fd.N()), f.from(d.field))
		}
	}
	for i, t := range [...]struct {
		field string
		text  Text
	}{
		flat.Hostname: {"Namespaces.Hostname", n.Hostname}, flat.Chdir: {s.chdir, s.Command.Chdir}, flat.Argv0: {"Command.Argv0", s.Command.Argv0},
		flat.ExecLabel: {"Lockdown.ExecLabel", s.Lockdown.ExecLabel}, flat.FileLabel: {"Lockdown.FileLabel", s.Lockdown.FileLabel},
	} {
		if t.text.Given() {
			out.Strs[i] = flat.Str{Word: f.word(t.text.String()), From: f.from(t.field)}
		}
	}
	for i, id := range map[int]ID{flat.UID: s.Identity.UID, flat.GID: s.Identity.GID} {
		out.IDs[i] = flat.ID{N: id.N(), Given: id.Given()}
	}
	for bit, on := range s.switches() {
		if *on {
			out.Switches |= bit
		}
	}
	f.scopes(&s.Lockdown.Scopes)
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
		out.Timeout.From = f.from("Limits.Timeout")
	}
	if s.line != nil {
		out.Switches |= s.line.Switches
	}
	out.Mode, out.Fallback, out.FailStatus = flat.Mode(s.Mode), uint8(s.ProcFallback), s.Report.FailStatus
	f.command(s.Command.Args)
}

// scopes are the wishes as bits.
func (f *flattener) scopes(s *Scopes) {
	for _, one := range [...]struct {
		wish  Wish
		bit   uint8
		field string
	}{
		{s.Signals, flat.ScopeSignals, "Lockdown.Scopes.Signals"},
		{s.AbstractSockets, flat.ScopeAbstractSockets, "Lockdown.Scopes.AbstractSockets"},
		{s.Sockets, flat.ScopeSockets, "Lockdown.Scopes.Sockets"}, // the last: it is the youngest
	} {
		switch one.wish {
		case Try:
			f.spec.TryScopes |= one.bit
		case Want:
			f.spec.Scopes |= one.bit
			f.spec.ScopesFrom = f.from(one.field)
		}
	}
}

// command puts the command's words one behind the other.
func (f *flattener) command(args []string) {
	f.spec.Args = uint32(len(args))
	for i, arg := range args {
		at := f.word(arg)
		if i == 0 {
			f.spec.Command = at
			f.origins[at] = plan.Origin{Words: args[:1]}
		}
	}
}

// files are the operations on the sandbox's files.
func (f *flattener) files(ops []tree.Op) {
	for i := range ops {
		op := &ops[i]
		it := flat.Item{
			Kind: flat.Kind(op.Kind), Access: uint8(op.Access), Writes: uint8(op.Writes), FD: -1,
			From: f.from(at("Files", i)), B: f.word(op.Dest), Mode: op.Perms.Bits, Size: op.Size.Bytes, N: uint32(len(op.Layers)),
		}
		if op.FD.Given {
			it.FD = int32(op.FD.N)
		}
		if op.Perms.Given {
			it.Flags |= flat.HasMode
		}
		if op.Try {
			it.Flags |= flat.Absent
		}
		if op.Glob {
			it.Flags |= flat.Glob
		}
		switch op.Kind {
		case tree.Bind:
			it.A = f.word(op.Source)
		case tree.Symlink:
			it.A = f.word(op.Target)
		case tree.Overlay:
			for _, layer := range op.Layers {
				f.item(flat.Item{Kind: flat.Layer, A: f.word(layer), From: it.From})
			}
			it.A, it.C = f.word(op.Upper), f.word(op.Work)
		}
		f.item(it)
	}
}

// listed copies the other lists.
func (f *flattener) listed(s *wanted) {
	for _, e := range s.Env {
		switch {
		case e.Clear:
			f.item(flat.Item{Kind: flat.ClearEnv})
		case e.Unset:
			f.item(flat.Item{Kind: flat.UnsetEnv, A: f.word(e.Name)})
		default:
			f.item(flat.Item{Kind: flat.SetEnv, A: f.word(e.Name), B: f.word(e.Value)})
		}
	}
	for i, path := range s.Session.Locks {
		f.item(flat.Item{Kind: flat.Lock, A: f.word(path), From: f.from(at("Session.Locks", i))})
	}
	for i, path := range s.Lockdown.AllowSockets {
		f.item(flat.Item{Kind: flat.Socket, A: f.word(path), From: f.from(at("Lockdown.AllowSockets", i))})
	}
	for i, fd := range s.Session.SyncFDs {
		f.item(flat.Item{Kind: flat.SyncFD, FD: int32(fd.N()), From: f.from(at("Session.SyncFDs", i))})
	}
	for _, x := range s.Limits.settings() {
		f.item(flat.Item{Kind: flat.Setting, N: uint32(x.kind), A: f.word(x.text), From: f.from(x.field)})
	}
	for i, x := range s.Lockdown.Filters {
		it := flat.Item{Kind: flat.Filter, From: f.from(at("Lockdown.Filters", i)), A: flat.Word(len(f.text)), N: uint32(len(x.BPF))}
		if len(x.BPF) == 0 {
			it.Kind = flat.Profile
		}
		f.text = append(append(f.text, x.BPF...), 0)
		f.item(it)
	}
	for range s.Identity.UIDMap {
		f.item(flat.Item{Kind: flat.UIDMap})
	}
	for range s.Identity.GIDMap {
		f.item(flat.Item{Kind: flat.GIDMap})
	}
	if s.line != nil {
		for _, fd := range s.line.Keep {
			f.item(flat.Item{Kind: flat.KeepFD, FD: int32(fd)})
		}
	}
	used, read := s.fds()
	for _, fd := range used {
		f.item(flat.Item{Kind: flat.Used, FD: int32(fd)})
	}
	for _, fd := range read {
		f.item(flat.Item{Kind: flat.Used, FD: int32(fd), Flags: flat.Early})
	}
}

// ranges is what has been settled about several ids.
func (f *flattener) ranges(facts *compile.Facts, s *wanted, h *facts, uids, gids *axis) {
	text := func(m idmap.Map) flat.Word { return f.word(m.Text()) }
	facts.Ranges = true
	facts.UIDMap, facts.GIDMap = text(uids.ids), text(gids.ids)
	facts.UIDNest, facts.GIDNest = text(uids.ids.Identity()), text(gids.ids.Identity())
	facts.MapsFrom = f.from(mapsField(s))
	facts.RangeUID, facts.RangeGID = uids.inside, gids.inside
	facts.Becomes = !uids.isCaller() || !gids.isCaller()
	facts.DropsGroups = losesGroups(s, h, gids)
}
