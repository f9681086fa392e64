package sandbox

import (
	"strconv"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/internal/tree"
)

// describe returns lines that say what a sandbox will contain and which risks remain. It uses
// the Spec only, and does not look at files.
func describe(s *wanted, h facts) []string {
	if err := validate(s); err != nil {
		return []string{"impossible: " + err.Error()}
	}
	d := describer{s: s, h: &h}
	d.files()
	d.namespaces()
	d.ids()
	d.privilege()
	d.limits()
	d.risks()
	return d.lines
}

type describer struct {
	s     *wanted
	h     *facts
	lines []string
}

// say adds a line, if there is something to list.
func (d *describer) say(what string, list ...string) {
	if len(list) > 0 {
		d.lines = append(d.lines, what+": "+strings.Join(list, ", "))
	}
}

// files sorts what the options make of the file system. A later operation on the same
// destination, or above it, hides an earlier one.
func (d *describer) files() {
	kinds := map[string][]string{}
	for i := range d.s.files {
		if op := &d.s.files[i]; !d.hidden(tree.BoxPath(op.Dest), i) {
			kind := kindOf(op)
			kinds[kind] = append(kinds[kind], place(op))
		}
	}
	for _, k := range []struct{ kind, what string }{
		{"ro", "read-only from the host"},
		{"rw", "WRITABLE from the host"},
		{"dev", "WRITABLE from the host, with its devices"},
		{"tight", "made read-only"},
		{"mask", "masked, so that nobody opens it"},
		{"mask-glob", "masked where it matches now, not what comes later"},
		{"protect", "protected, so that it stays as it is"},
		{"protect-glob", "protected where it matches now, not what comes later"},
		{"new", "new, removed at the end"},
		{"link", "links"},
		{"proc", "proc mounted at"},
	} {
		d.say(k.what, kinds[k.kind]...)
	}
	if len(d.s.files) == 0 {
		d.say("files", "none, the root directory is empty")
	}
}

// kindOf returns the line on which an operation is listed.
func kindOf(op *tree.Op) string {
	switch op.Kind {
	case tree.Bind, tree.BindFD:
		return [...]string{tree.ReadOnly: "ro", tree.ReadWrite: "rw", tree.WithDevice: "dev"}[op.Access]
	case tree.Overlay:
		return [...]string{tree.Refused: "ro", tree.Forgotten: "new", tree.Kept: "rw"}[op.Writes]
	case tree.Tmpfs, tree.Dir, tree.File, tree.Data, tree.Mqueue, tree.Dev:
		return "new"
	case tree.Proc:
		return "proc"
	case tree.Symlink:
		return "link"
	case tree.RemountRO:
		return "tight"
	case tree.Mask, tree.Protect:
		return denialKind(op)
	default: // a mode says nothing about what can be reached
		return ""
	}
}

// denialKind returns kindOf for a Mask or a Protect.
func denialKind(op *tree.Op) string {
	kind := "mask"
	if op.Kind == tree.Protect {
		kind = "protect"
	}
	if op.Glob {
		kind += "-glob"
	}
	return kind
}

// place returns where an operation acts, and what it takes for that.
func place(op *tree.Op) string {
	dest := tree.BoxPath(op.Dest)
	switch op.Kind {
	case tree.Bind:
		if tree.BoxPath(op.Source) != dest {
			return dest + " (" + op.Source + ")"
		}
	case tree.BindFD:
		return dest + " (fd " + strconv.Itoa(op.FD.N) + ")"
	case tree.Overlay:
		text := dest + " (over " + strings.Join(op.Layers, ", ")
		if op.Writes == tree.Kept {
			text += ", changes in " + op.Upper
		}
		return text + ")"
	case tree.Dev:
		return dest + " (null, zero, full, random, urandom, tty, pts)"
	case tree.Symlink:
		return dest + " (to " + op.Target + ")"
	}
	return dest
}

// hidden reports whether an operation after the i-th puts something on a path, or above it.
func (d *describer) hidden(path string, i int) bool {
	for k := i + 1; k < len(d.s.files); k++ {
		later := &d.s.files[k]
		dest := tree.BoxPath(later.Dest)
		switch later.Kind {
		case tree.Bind:
			if !later.Try && lies(path, dest) {
				return true
			}
		case tree.Mask:
			if !later.Try && !later.Glob && lies(path, dest) {
				return true
			}
		case tree.BindFD, tree.Tmpfs, tree.Overlay, tree.Proc, tree.Dev, tree.Mqueue:
			if lies(path, dest) {
				return true
			}
		case tree.Data:
			if path == dest {
				return true
			}
		default: // adds or changes a file, and mounts nothing
		}
	}
	return false
}

// lies reports whether a path is the directory dir, or in it. Both are as BoxPath has them.
func lies(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

func (d *describer) namespaces() {
	n := &d.s.Namespaces
	var own, joined, shared []string
	for _, ns := range []struct {
		name          string
		isNew, joined bool
	}{
		{"user", wantsUser(d.s, d.h), n.JoinUser.Given()},
		{"mount", true, false},
		{"processes", n.PID.isNew(), n.JoinPID.Given() && !n.PID.isNew()},
		{"network", n.Net.isNew(), n.JoinNet.Given()},
		{"IPC", n.IPC.isNew(), false},
		{"host name", n.UTS.isNew(), false},
		{"cgroup", n.Cgroup == Want || n.Cgroup == Try && d.h.CgroupNamespaces, false},
	} {
		switch {
		case ns.joined:
			joined = append(joined, ns.name)
		case ns.isNew:
			own = append(own, ns.name)
		default:
			shared = append(shared, ns.name)
		}
	}
	d.say("new namespaces", own...)
	d.say("namespaces entered", joined...)
	d.say("namespaces shared with the caller", shared...)
}

// ids describes the id maps, if several ids are mapped.
func (d *describer) ids() {
	if !d.s.Identity.ranges() {
		return
	}
	uids, gids, err := who(d.s, d.h)
	if err != nil {
		return // the launch reports it
	}
	for _, a := range []*axis{&uids, &gids} {
		var list []string
		for _, r := range a.ids {
			list = append(list, span(r.Inside, r.Count)+" (outside "+span(r.Outside, r.Count)+")")
		}
		d.say(a.kind+"s", list...)
	}
	groups := "the caller's supplementary groups stay usable"
	if losesGroups(d.s, d.h, &gids) {
		groups = "no supplementary groups of the caller"
	}
	d.say("groups", groups)
}

// span formats a range of ids.
func span(first, count uint32) string {
	if count == 1 {
		return dec(first)
	}
	return dec(first) + " to " + dec(first+count-1)
}

// privilege describes the capabilities and the filters.
func (d *describer) privilege() {
	inside := ""
	if wantsUser(d.s, d.h) || d.s.Namespaces.JoinUser.Given() {
		inside = ", inside its user namespace only"
	}
	caps := "none"
	switch {
	case wantedCaps(d.s, d.h) == 0:
	case len(d.s.Identity.Caps) == 0 && (d.h.UID != 0 || !d.s.Identity.KeepCaps):
		caps = "what package managers need for these ids" + inside
	case len(d.s.Identity.Caps) == 0:
		caps = "all of the caller's" + inside
	default:
		caps = "as set by Identity.Caps" + inside
	}
	d.say("capabilities", caps)
	filters := "none"
	if n := len(d.s.Lockdown.Filters); n > 0 {
		filters = strconv.Itoa(n)
	}
	d.say("system call filters", filters)
	d.say("reached only inside", d.scopes()...)
}

// scopes lists what the command reaches in the sandbox only.
func (d *describer) scopes() (list []string) {
	l := &d.s.Lockdown
	add := func(what string, w Wish) {
		switch w {
		case Want:
			list = append(list, what)
		case Try:
			list = append(list, what+" (if the kernel has the scope)")
		}
	}
	signals := l.Scopes.Signals
	if signals != Want && d.s.Namespaces.PID.isNew() && !d.h.Unscoped {
		signals = Want
	}
	add("signals", signals)
	add("abstract sockets", l.Scopes.AbstractSockets)
	sockets := "sockets with a path"
	if len(l.AllowSockets) > 0 {
		sockets += " other than " + strings.Join(l.AllowSockets, ", ")
	}
	add(sockets, l.Scopes.Sockets)
	return list
}

// limits describes the resource limits and the time-out.
func (d *describer) limits() {
	l := &d.s.Limits
	var list []string
	for _, x := range l.settings() {
		list = append(list, strings.TrimPrefix(x.kind.String()+" ", "rlimit ")+x.text)
	}
	if l.Cgroup.Given() {
		list = append(list, "those of the cgroup that fd "+strconv.Itoa(l.Cgroup.N())+" has open")
	}
	d.say("limits", list...)
	if l.Timeout == 0 {
		return
	}
	end := "the command only"
	switch {
	case d.s.Namespaces.PID.isNew():
		end = "everything in the sandbox"
	case l.Cgroup.Given():
		end = "everything in its cgroup"
	case d.s.Session.New.isNew():
		end = "everything in its session"
	}
	t, _ := l.flat()
	d.say("after "+(time.Duration(t.After)*time.Millisecond).String(), "SIGTERM to the command, and "+(time.Duration(t.Grace)*time.Millisecond).String()+" later SIGKILL to "+end)
}
