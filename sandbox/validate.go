package sandbox

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/seccomp"
)

// badField is the error of a field that cannot be as it is. Where an option of the command
// line has set the field, it names the option.
func badField(field string, from plan.Origin, problem string) *SetupError {
	if len(from.Words) > 0 && strings.HasPrefix(from.Words[0], "--") {
		field = from.Words[0]
	}
	return &SetupError{Stage: "options", Option: field, Err: errors.New(field + ": " + problem)}
}

// validate looks at every field of a Spec for itself, and reports the first one that cannot
// be as it is. What fields say together is the matter of the rules.
func validate(s *Spec) error {
	v := validator{}
	v.enum("Mode", int(s.Mode), "Auto", "Direct", "Setuid")
	v.enum("ProcFallback", int(s.ProcFallback), "mounts.Fail", "mounts.Empty", "mounts.BindOuter")
	v.namespaces(&s.Namespaces)
	v.identity(&s.Identity)
	v.files(s.Files)
	v.env(s.Env)
	v.wish("Session.New", s.Session.New)
	for i, l := range s.Session.Locks {
		v.path(at("Session.Locks", i)+".Path", l.From, l.Path)
	}
	v.descriptors(s)
	v.lockdown(&s.Lockdown)
	v.command(&s.Command)
	if v.first == nil {
		return nil
	}
	return v.first
}

// validator keeps the first error.
type validator struct{ first *SetupError }

func (v *validator) bad(field string, from plan.Origin, problem string) {
	if v.first == nil {
		v.first = badField(field, from, problem)
	}
}

// at is the name of an entry of a list.
func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func (v *validator) enum(field string, value int, names ...string) {
	if value < 0 || value >= len(names) {
		v.bad(field, plan.Origin{}, "invalid value "+strconv.Itoa(value)+" (want "+
			strings.Join(names[:len(names)-1], ", ")+" or "+names[len(names)-1]+")")
	}
}

func (v *validator) wish(field string, w Wish) {
	v.enum(field, int(w), "Default", "Share", "Try", "Want")
}

// text refuses what no C string can hold.
func (v *validator) text(field string, from plan.Origin, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		v.bad(field, from, "holds a NUL byte")
	}
}

func (v *validator) path(field string, from plan.Origin, s string) {
	if s == "" {
		v.bad(field, from, "must not be empty")
	}
	v.text(field, from, s)
}

func (v *validator) namespaces(n *Namespaces) {
	for _, w := range []struct {
		field string
		wish  Wish
	}{{"User", n.User}, {"IPC", n.IPC}, {"PID", n.PID}, {"Net", n.Net}, {"UTS", n.UTS}, {"Cgroup", n.Cgroup}} {
		v.wish("Namespaces."+w.field, w.wish)
	}
	v.text("Namespaces.Hostname", n.Hostname.From, n.Hostname.String())
}

func (v *validator) identity(id *Identity) {
	const none = 1<<32 - 1 // (uid_t)-1 stands for no id
	for _, who := range []struct {
		field string
		id    ID
	}{{"Identity.UID", id.UID}, {"Identity.GID", id.GID}} {
		if who.id.N() == none {
			v.bad(who.field, plan.Origin{}, "4294967295 is not an id")
		}
	}
	for i, c := range id.Caps {
		if c.Caps == 0 {
			v.bad(at("Identity.Caps", i)+".Caps", plan.Origin{}, "must name a capability")
		}
	}
}

func (v *validator) files(list []mounts.Op) {
	read := map[int]string{} // what has read a descriptor to its end
	for i := range list {
		op, name := &list[i], at("Files", i)
		if e := op.Check(); e != nil {
			v.bad(name+"."+e.Field, op.From, e.Problem)
			continue
		}
		if op.Kind != mounts.File && op.Kind != mounts.Data {
			continue
		}
		if before, used := read[op.FD.N()]; used {
			v.bad(name+".FD", op.From, "descriptor "+strconv.Itoa(op.FD.N())+" was already used up by "+before)
		}
		read[op.FD.N()] = name
	}
}

func (v *validator) env(list []EnvOp) {
	for i, op := range list {
		name := at("Spec.Env", i)
		switch {
		case op.Clear && (op.Name != "" || op.Value != "" || op.Unset):
			v.bad(name+".Clear", plan.Origin{}, "excludes the other fields")
		case op.Clear:
		case op.Name == "" || strings.Contains(op.Name, "="):
			v.bad(name+".Name", plan.Origin{}, strconv.Quote(op.Name)+" is not the name of a variable")
		case op.Unset && op.Value != "":
			v.bad(name+".Value", plan.Origin{}, "is not used by Unset")
		}
		v.text(name+".Name", plan.Origin{}, op.Name)
		v.text(name+".Value", plan.Origin{}, op.Value)
	}
}

// descriptors looks at the numbers alone. Whether they stand for files only the Cmd knows.
func (v *validator) descriptors(s *Spec) {
	for _, d := range s.descriptors() {
		switch {
		case d.fd.Given() && (d.fd.N() < 0 || int64(d.fd.N()) > 1<<31-1):
			v.bad(d.field, d.fd.From, strconv.Itoa(d.fd.N())+" cannot be a descriptor")
		case !d.fd.Given() && d.needed:
			v.bad(d.field, d.fd.From, "must be given (SetFD, or Pass of the Cmd)")
		}
	}
}

func (v *validator) lockdown(l *Lockdown) {
	for i, f := range l.Filters {
		name := at("Lockdown.Filters", i)
		v.text(name+".Profile", f.From, f.Profile)
		switch {
		case len(f.BPF) > 0 && f.Profile != "":
			v.bad(name, f.From, "has both BPF and Profile")
		case len(f.BPF) == 0 && f.Profile == "":
			v.bad(name, f.From, "must have BPF or Profile")
		case len(f.BPF) > 0:
			if err := seccomp.Check(f.BPF); err != nil {
				v.bad(name+".BPF", f.From, err.Error())
			}
		}
	}
	for _, label := range []struct {
		field string
		text  Text
	}{{"Lockdown.ExecLabel", l.ExecLabel}, {"Lockdown.FileLabel", l.FileLabel}} {
		v.text(label.field, label.text.From, label.text.String())
		if badLabel(label.text.String()) {
			v.bad(label.field, label.text.From, "the label is longer than 1023 bytes or holds a quote, a backslash or a line's end")
		}
	}
}

// badLabel reports whether a label could not stand between the quotes of a mount option.
func badLabel(label string) bool {
	return len(label) >= plan.MaxLabel || strings.ContainsAny(label, "\"\\\n")
}

func (v *validator) command(c *CommandLine) {
	for i, arg := range c.Args {
		v.text(at("Command.Args", i), plan.Origin{}, arg)
	}
	v.text("Command.Argv0", c.Argv0.From, c.Argv0.String())
	if c.Chdir.Given() {
		v.path("Command.Chdir", c.Chdir.From, c.Chdir.String())
	}
	for _, list := range []struct {
		field string
		fds   []int
	}{{"Command.Used", c.Used}, {"Command.Read", c.Read}} {
		for i, n := range list.fds {
			if n < 0 || int64(n) > 1<<31-1 {
				v.bad(at(list.field, i), plan.Origin{}, strconv.Itoa(n)+" cannot be a descriptor")
			}
		}
	}
}

// named is a descriptor and the field that names it.
type named struct {
	field  string
	fd     FD
	needed bool // the field is there to hold one
}

// descriptors are the descriptors of s, but those of its Files, given or not.
func (s *Spec) descriptors() []named {
	n, r := &s.Namespaces, &s.Report
	list := []named{
		{"Namespaces.JoinUser", n.JoinUser, false},
		{"Namespaces.FinalUser", n.FinalUser, false},
		{"Namespaces.JoinPID", n.JoinPID, false},
		{"Namespaces.JoinNet", n.JoinNet, false},
		{"Session.BlockFD", s.Session.BlockFD, false},
		{"Report.InfoFD", r.InfoFD, false},
		{"Report.JSONStatusFD", r.JSONStatusFD, false},
		{"Report.UserBlockFD", r.UserBlockFD, false},
	}
	for i, fd := range s.Session.SyncFDs {
		list = append(list, named{at("Session.SyncFDs", i), fd, true})
	}
	return list
}

// origins is a copy of s in which everything that can fail on its own says where it comes
// from: by its option, or else by its field.
func (s *Spec) origins() *Spec {
	out := *s
	from := func(o *plan.Origin, field string) {
		if len(o.Words) == 0 {
			o.Words = []string{field}
		}
	}
	n, r, l := &out.Namespaces, &out.Report, &out.Lockdown
	from(&n.JoinUser.From, "Namespaces.JoinUser")
	from(&n.FinalUser.From, "Namespaces.FinalUser")
	from(&n.JoinPID.From, "Namespaces.JoinPID")
	from(&n.JoinNet.From, "Namespaces.JoinNet")
	from(&n.Hostname.From, "Namespaces.Hostname")
	from(&out.Session.BlockFD.From, "Session.BlockFD")
	from(&r.InfoFD.From, "Report.InfoFD")
	from(&r.JSONStatusFD.From, "Report.JSONStatusFD")
	from(&r.UserBlockFD.From, "Report.UserBlockFD")
	from(&l.ExecLabel.From, "Lockdown.ExecLabel")
	from(&l.FileLabel.From, "Lockdown.FileLabel")
	from(&out.Command.Chdir.From, "Command.Chdir")
	each(&out.Files, "Files", func(op *mounts.Op, name string) { from(&op.From, name) })
	each(&out.Identity.UIDMap, "Identity.UIDMap", func(m *MapLine, name string) { from(&m.From, name) })
	each(&out.Identity.GIDMap, "Identity.GIDMap", func(m *MapLine, name string) { from(&m.From, name) })
	each(&out.Session.Locks, "Session.Locks", func(l *LockFile, name string) { from(&l.From, name) })
	each(&out.Session.SyncFDs, "Session.SyncFDs", func(fd *FD, name string) { from(&fd.From, name) })
	each(&l.Filters, "Lockdown.Filters", func(f *Filter, name string) { from(&f.From, name) })
	return &out
}

// each gives a list entries of its own, and does something to each of them.
func each[T any](list *[]T, name string, do func(entry *T, name string)) {
	*list = append([]T(nil), *list...)
	for i := range *list {
		do(&(*list)[i], at(name, i))
	}
}
