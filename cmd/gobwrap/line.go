package main

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/seccomp"
)

// line is a parsed command line: the parser with its results, and the text that they refer to.
type line struct {
	cmdline.Parser
	text  flat.Text
	items []flat.Item
	known []cmdline.Known

	fields map[string]flat.Word // the options that have set the fields of the Spec
}

// read parses the arguments after argv[0], which may be missing. Files that the launcher has read before the
// Go runtime started are not read again.
func read(argv []string) (*line, cmdline.Status) {
	l := &line{items: make([]flat.Item, 32), fields: map[string]flat.Word{}}
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

// word returns the string at w.
func (l *line) word(w flat.Word) string { return string(l.text.At(w)) }

// origin returns the option at w, for messages and listings: its name and its operands.
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

// spec returns what can be said once, and the command.
func (l *line) spec() (out sandbox.Spec) {
	out.Identity.KeepCaps = true
	front.Take(&out, &l.Spec, l.word, func(field string, option flat.Word) { l.fields[field] = option })
	w := l.Spec.Command
	for range l.Spec.Args {
		out.Command.Args = append(out.Command.Args, l.word(w))
		w = l.text.Next(w)
	}
	return out
}

// entry says where the next entry of a list in the Spec, which has n so far, comes from.
func (l *line) entry(list string, n int, from flat.Word) {
	l.fields[list+"["+strconv.Itoa(n)+"]"] = from
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
		lines, name := &s.Identity.UIDMap, "Identity.UIDMap"
		if it.Kind == flat.GIDMap {
			lines, name = &s.Identity.GIDMap, "Identity.GIDMap"
		}
		l.entry(name, len(*lines), it.From)
		*lines = append(*lines, r)
	case flat.SyncFD:
		l.entry("Session.SyncFDs", len(s.Session.SyncFDs), it.From)
		s.Session.SyncFDs = append(s.Session.SyncFDs, sandbox.SetFD(int(it.FD)))
	case flat.Filter, flat.Builtin, flat.Profile:
		l.entry("Lockdown.Filters", len(s.Lockdown.Filters), it.From)
		s.Lockdown.Filters = append(s.Lockdown.Filters, l.filter(it))
	case flat.Used:
		to.use(it)
	case flat.KeepFD:
		to.line.Keep = append(to.line.Keep, int(it.FD))
	case flat.Warning:
		to.warnings = append(to.warnings, "Only the last "+from.Words[0]+" option will take effect")
	case flat.NotOpen:
		to.warnings = append(to.warnings, notOpen(from.Words[0], strconv.Itoa(int(it.FD)), ""))
	case flat.Invalid, flat.Layer:
	default:
		if field := front.Add(s, it, l.word(it.A)); field != "" {
			l.fields[field] = it.From
			return
		}
		l.entry("Files", len(s.Files), it.From)
		s.Files = append(s.Files, mounts.FromTree(tree.FromItems(l.items[i-int(it.N):i+1], l.word)))
	}
}

// filter returns an item as a filter.
func (l *line) filter(it *flat.Item) sandbox.Filter {
	switch it.Kind {
	case flat.Filter:
		return sandbox.Filter{BPF: slices.Clone(l.text[it.A : uint32(it.A)+it.N])}
	case flat.Builtin:
		bpf, _ := seccomp.Named(l.word(it.A))
		return sandbox.Filter{BPF: bpf}
	default:
		return sandbox.Filter{Profile: l.word(it.A)}
	}
}

// use notes a descriptor that an option names.
func (o *options) use(it *flat.Item) {
	fd := int(it.FD)
	if !slices.Contains(o.line.Used, fd) {
		o.line.Used = append(o.line.Used, fd)
	}
	if it.Has(flat.Early) && !slices.Contains(o.line.Read, fd) {
		o.line.Read = append(o.line.Read, fd)
	}
}
