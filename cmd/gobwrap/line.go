package main

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/seccomp"
)

// line is a command line that has been read: the parser with what it found, and the text
// in which its words lie.
type line struct {
	cmdline.Parser
	text  flat.Text
	items []flat.Item
	known []cmdline.Known
}

// read parses the words behind argv[0]. A caller may start us without even that. What the
// launcher has read already, before there was a Go runtime, is not read again.
func read(argv []string) (*line, cmdline.Status) {
	l := &line{items: make([]flat.Item, 32)}
	text, first, end, known, ok := child.Words()
	if !ok {
		text, first = make(flat.Text, 1, 4096), 1
		for _, word := range argv[min(1, len(argv)):] {
			text = append(append(text, word...), 0)
		}
		end = flat.Word(len(text))
	}
	l.text, l.known = slices.Clip(text), slices.Clip(known)
	l.Start(first, end)
	for {
		switch s := l.Run(l.text, l.known, l.items); s {
		case cmdline.Full:
			l.items = append(l.items, make([]flat.Item, len(l.items))...)
		case cmdline.Ask:
			l.known = append(l.known, cmdline.Known{FD: l.FD, Open: child.Passed(int(l.FD)), Write: child.Writable(int(l.FD))})
		case cmdline.Read:
			l.readAll(&l.known[slices.IndexFunc(l.known, func(k cmdline.Known) bool { return k.FD == l.FD })])
		default:
			return l, s
		}
	}
}

// readAll reads a descriptor from where it stands to its end, and keeps what it holds at
// the end of the text.
func (l *line) readAll(k *cmdline.Known) {
	k.Read, k.At = true, flat.Word(len(l.text))
	for {
		l.text = slices.Grow(l.text, 4096)
		n, err := syscall.Read(child.Here(int(k.FD)), l.text[len(l.text):cap(l.text)])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			k.Errno = uint32(errno(err))
			return
		}
		l.text = l.text[:len(l.text)+n]
		k.Len = uint32(len(l.text)) - uint32(k.At)
		if k.Long = k.Len > l.Limit; n == 0 || k.Long {
			break
		}
	}
	k.Bad = l.Filter && seccomp.Check(l.text[k.At:]) != nil
	l.text = append(l.text, 0)
}

func errno(err error) syscall.Errno {
	e, ok := err.(syscall.Errno)
	if !ok {
		return syscall.EIO
	}
	return e
}

// word is the string at w.
func (l *line) word(w flat.Word) string { return string(l.text.At(w)) }

// origin is the option at w, for messages and listings: its name and its operands.
func (l *line) origin(w flat.Word) plan.Origin {
	if w == 0 {
		return plan.Origin{}
	}
	name, value, given := strings.Cut(l.word(w), "=")
	words := []string{name}
	if given {
		return plan.Origin{Words: append(words, value)}
	}
	if i := cmdline.Lookup([]byte(name)); i >= 0 {
		for range cmdline.Options[i].Arity() {
			w = l.text.Next(w)
			words = append(words, l.word(w))
		}
	}
	return plan.Origin{Words: words}
}

// spec is what can be said once.
func (l *line) spec() sandbox.Spec {
	s := &l.Spec
	wish := func(i int) sandbox.Wish { return sandbox.Wish(s.Wishes[i]) + sandbox.Share }
	fd := func(i int) sandbox.FD {
		if f := s.FDs[i]; f.Given() {
			return l.fd(f.N(), f.From)
		}
		return sandbox.FD{}
	}
	str := func(i int) sandbox.Text {
		if t := s.Strs[i]; t.Given() {
			out := sandbox.SetText(l.word(t.Word))
			out.From = l.origin(t.From)
			return out
		}
		return sandbox.Text{}
	}
	id := func(i int) sandbox.ID {
		if s.IDs[i].Given {
			return sandbox.SetID(s.IDs[i].N)
		}
		return sandbox.ID{}
	}
	out := sandbox.Spec{
		Mode: sandbox.Mode(s.Mode),
		Namespaces: sandbox.Namespaces{
			User: wish(flat.User), IPC: wish(flat.IPC), PID: wish(flat.PID), Net: wish(flat.Net), UTS: wish(flat.UTS), Cgroup: wish(flat.Cgroup),
			JoinUser: fd(flat.JoinUser), FinalUser: fd(flat.FinalUser), JoinPID: fd(flat.JoinPID), JoinNet: fd(flat.JoinNet),
			DisableUsers: s.On(flat.DisableUsers), AssertUsersDisabled: s.On(flat.AssertUsersDisabled), Hostname: str(flat.Hostname),
		},
		Identity: sandbox.Identity{
			UID: id(flat.UID), GID: id(flat.GID), MapAuto: s.On(flat.MapAuto), KeepGroups: s.On(flat.KeepGroups), KeepCaps: true,
		},
		ProcFallback: mounts.Fallback(s.Fallback),
		Session: sandbox.Session{
			New: wish(flat.Session), DieWithParent: s.On(flat.DieWithParent), AsPID1: s.On(flat.AsPID1), BlockFD: fd(flat.BlockFD),
		},
		Report: sandbox.Report{
			InfoFD: fd(flat.InfoFD), JSONStatusFD: fd(flat.StatusFD), UserBlockFD: fd(flat.UserBlockFD), FailStatus: s.FailStatus,
		},
		Lockdown: sandbox.Lockdown{ExecLabel: str(flat.ExecLabel), FileLabel: str(flat.FileLabel), Forgive: s.On(flat.Forgive)},
		Command:  sandbox.CommandLine{Argv0: str(flat.Argv0), Chdir: str(flat.Chdir)},
	}
	if s.DropCaps != 0 {
		out.Identity.Caps = append(out.Identity.Caps, sandbox.CapEdit{Drop: true, Caps: idmap.Caps(s.DropCaps)})
	}
	if s.AddCaps != 0 {
		out.Identity.Caps = append(out.Identity.Caps, sandbox.CapEdit{Caps: idmap.Caps(s.AddCaps)})
	}
	w := s.Command
	for range s.Args {
		out.Command.Args = append(out.Command.Args, l.word(w))
		w = l.text.Next(w)
	}
	return out
}

// fd is descriptor n, named by the option at from.
func (l *line) fd(n int32, from flat.Word) sandbox.FD {
	f := sandbox.SetFD(int(n))
	f.From = l.origin(from)
	return f
}

// item adds item i of the list.
func (l *line) item(to *options, i int) {
	it := &l.items[i]
	s, from := &to.spec, l.origin(it.From)
	switch it.Kind {
	case flat.SetEnv:
		s.Env = append(s.Env, sandbox.EnvOp{Name: l.word(it.A), Value: l.word(it.B)})
	case flat.UnsetEnv:
		s.Env = append(s.Env, sandbox.EnvOp{Name: l.word(it.A), Unset: true})
	case flat.ClearEnv:
		s.Env = append(s.Env, sandbox.EnvOp{Clear: true})
	case flat.UIDMap, flat.GIDMap:
		r, _ := idmap.ParseRange(l.word(it.A))
		lines := &s.Identity.UIDMap
		if it.Kind == flat.GIDMap {
			lines = &s.Identity.GIDMap
		}
		*lines = append(*lines, sandbox.MapLine{Range: r, From: from})
	case flat.Lock:
		s.Session.Locks = append(s.Session.Locks, sandbox.LockFile{Path: l.word(it.A), From: from})
	case flat.SyncFD:
		s.Session.SyncFDs = append(s.Session.SyncFDs, l.fd(it.FD, it.From))
	case flat.Filter:
		bpf := slices.Clone(l.text[it.A : uint32(it.A)+it.N])
		s.Lockdown.Filters = append(s.Lockdown.Filters, sandbox.Filter{BPF: bpf, From: from})
	case flat.Builtin:
		bpf, _ := seccomp.Named(l.word(it.A))
		s.Lockdown.Filters = append(s.Lockdown.Filters, sandbox.Filter{BPF: bpf, From: from})
	case flat.Profile:
		s.Lockdown.Filters = append(s.Lockdown.Filters, sandbox.Filter{Profile: l.word(it.A), From: from})
	case flat.Used:
		l.used(&s.Command, it)
	case flat.Warning:
		to.warnings = append(to.warnings, "Only the last "+from.Words[0]+" option will take effect")
	case flat.NotOpen:
		to.warnings = append(to.warnings, notOpen(from.Words[0], strconv.Itoa(int(it.FD)), ""))
	case flat.Invalid, flat.Layer:
	default:
		s.Files = append(s.Files, l.file(i))
	}
}

func (l *line) used(c *sandbox.CommandLine, it *flat.Item) {
	fd := int(it.FD)
	if !slices.Contains(c.Used, fd) {
		c.Used = append(c.Used, fd)
	}
	if it.Has(flat.Early) && !slices.Contains(c.Read, fd) {
		c.Read = append(c.Read, fd)
	}
}

// file is item i as an operation on files.
func (l *line) file(i int) mounts.Op {
	it := &l.items[i]
	op := mounts.Op{
		Kind: mounts.Kind(it.Kind), Dest: l.word(it.B), From: l.origin(it.From),
		Access: mounts.Access(it.Access), Try: it.Has(flat.Absent), Size: it.Size,
	}
	if it.Has(flat.HasMode) {
		op.Perms = mounts.Mode(it.Mode)
	}
	switch it.Kind {
	case flat.BindFD, flat.File, flat.Data:
		op.FD = mounts.SetFD(int(it.FD))
	case flat.Bind:
		op.Source = l.word(it.A)
	case flat.Symlink:
		op.Target = l.word(it.A)
	case flat.Overlay:
		op.Writes, op.Upper, op.Work = mounts.Writes(it.Writes), l.word(it.A), l.word(it.C)
		for _, layer := range l.items[i-int(it.N) : i] {
			op.Layers = append(op.Layers, l.word(layer.A))
		}
	}
	return op
}
