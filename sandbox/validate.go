package sandbox

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/seccomp"
)

// badField returns the error for a field that is not valid.
func badField(field, problem string) *SetupError {
	return &SetupError{Stage: "options", Field: field, Err: errors.New(field + ": " + problem)}
}

// badField returns the error of a field, under the name that its author knows.
func (w *wanted) badField(field, problem string) *SetupError { return badField(w.name(field), problem) }

// validate looks at every field of a Spec for itself, and reports the first one that cannot
// be as it is. What fields say together is the matter of the rules.
func validate(s *wanted) error {
	v := validator{of: s}
	v.enum("Mode", int(s.Mode), "Auto", "Direct", "Setuid")
	v.enum("ProcFallback", int(s.ProcFallback), "mounts.Fail", "mounts.Empty", "mounts.BindOuter")
	v.namespaces(&s.Namespaces)
	v.identity(&s.Identity)
	v.files(s.files)
	v.env(s.Env)
	v.wish("Session.New", s.Session.New)
	for i, path := range s.Session.Locks {
		v.path(at("Session.Locks", i), path)
	}
	v.descriptors(s)
	v.lockdown(&s.Lockdown)
	if _, ok := s.Limits.flat(); !ok {
		v.bad("Limits.Timeout", "must be from 0 to 4294967 seconds, and Grace not longer")
	}
	for _, x := range s.Limits.settings() {
		if !setting.Parse(x.kind, []byte(x.text), new(setting.Values)) {
			v.bad(x.field, "invalid value "+strconv.Quote(x.text)+" (want "+x.wants+")")
		}
	}
	v.command(&s.Command)
	if v.first == nil {
		return nil
	}
	return v.first
}

// validator keeps the first error.
type validator struct {
	of    *wanted
	first *SetupError
}

func (v *validator) bad(field, problem string) {
	if v.first == nil {
		v.first = v.of.badField(field, problem)
	}
}

func (v *validator) enum(field string, value int, names ...string) {
	if value < 0 || value >= len(names) {
		v.bad(field, "invalid value "+strconv.Itoa(value)+" (want "+
			strings.Join(names[:len(names)-1], ", ")+" or "+names[len(names)-1]+")")
	}
}

func (v *validator) wish(field string, w Wish) {
	v.enum(field, int(w), "Default", "Share", "Try", "Want")
}

// text refuses what no C string can hold.
func (v *validator) text(field, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		v.bad(field, "contains a NUL byte")
	}
}

func (v *validator) path(field, s string) {
	if s == "" {
		v.bad(field, "must not be empty")
	}
	v.text(field, s)
}

func (v *validator) namespaces(n *Namespaces) {
	for _, w := range []struct {
		field string
		wish  Wish
	}{{"User", n.User}, {"IPC", n.IPC}, {"PID", n.PID}, {"Net", n.Net}, {"UTS", n.UTS}, {"Cgroup", n.Cgroup}} {
		v.wish("Namespaces."+w.field, w.wish)
	}
	v.text("Namespaces.Hostname", n.Hostname.String())
}

func (v *validator) identity(id *Identity) {
	const none = 1<<32 - 1 // (uid_t)-1 stands for no id
	for _, who := range []struct {
		field string
		id    ID
	}{{"Identity.UID", id.UID}, {"Identity.GID", id.GID}} {
		if who.id.N() == none {
			v.bad(who.field, "4294967295 is not an id")
		}
	}
	for i, c := range id.Caps {
		if c.Caps == 0 {
			v.bad(at("Identity.Caps", i)+".Caps", "must name a capability")
		}
	}
}

func (v *validator) files(list []tree.Op) {
	read := map[int]string{} // what has read a descriptor to its end
	for i := range list {
		op, name := &list[i], at("Files", i)
		if e := op.Check(); e != nil {
			v.bad(strings.TrimSuffix(name+"."+e.Field, "."), e.Problem)
			continue
		}
		if !tree.Reads(op.Kind) || op.Content != nil {
			continue
		}
		if before, used := read[op.FD.N]; used {
			v.bad(name+".FD", "descriptor "+strconv.Itoa(op.FD.N)+" was already used up by "+before)
		}
		read[op.FD.N] = name
	}
}

func (v *validator) env(list []EnvOp) {
	for i, op := range list {
		name := at("Spec.Env", i)
		switch {
		case op.Clear && (op.Name != "" || op.Value != "" || op.Unset):
			v.bad(name+".Clear", "cannot be combined with the other fields")
		case op.Clear:
		case op.Name == "" || strings.Contains(op.Name, "="):
			v.bad(name+".Name", strconv.Quote(op.Name)+" is not the name of a variable")
		case op.Unset && op.Value != "":
			v.bad(name+".Value", "is not used by Unset")
		}
		v.text(name+".Name", op.Name)
		v.text(name+".Value", op.Value)
	}
}

// descriptors looks at the numbers alone. Whether they stand for files only the Cmd knows.
func (v *validator) descriptors(s *wanted) {
	for _, d := range s.descriptors() {
		switch {
		case d.fd.Given() && (d.fd.N() < 0 || int64(d.fd.N()) > 1<<31-1):
			v.bad(d.field, strconv.Itoa(d.fd.N())+" cannot be a descriptor")
		case !d.fd.Given() && d.needed:
			v.bad(d.field, "must be given (SetFD, or Pass of the Cmd)")
		}
	}
}

func (v *validator) lockdown(l *Lockdown) {
	v.wish("Lockdown.Scopes.Signals", l.Scopes.Signals)
	v.wish("Lockdown.Scopes.AbstractSockets", l.Scopes.AbstractSockets)
	v.wish("Lockdown.Scopes.Sockets", l.Scopes.Sockets)
	for i, path := range l.AllowSockets {
		v.path(at("Lockdown.AllowSockets", i), path)
	}
	for i, f := range l.Filters {
		name := at("Lockdown.Filters", i)
		v.text(name+".Profile", f.Profile)
		switch {
		case len(f.BPF) > 0 && f.Profile != "":
			v.bad(name, "has both BPF and Profile")
		case len(f.BPF) == 0 && f.Profile == "":
			v.bad(name, "must have BPF or Profile")
		case len(f.BPF) > 0:
			if err := seccomp.Check(f.BPF); err != nil {
				v.bad(name+".BPF", err.Error())
			}
		}
	}
	for _, label := range []struct {
		field string
		text  Text
	}{{"Lockdown.ExecLabel", l.ExecLabel}, {"Lockdown.FileLabel", l.FileLabel}} {
		v.text(label.field, label.text.String())
		if badLabel(label.text.String()) {
			v.bad(label.field, "the label is longer than 1023 bytes, or contains a quote, a backslash or a newline")
		}
	}
}

// badLabel reports whether a label could not stand between the quotes of a mount option.
func badLabel(label string) bool {
	return len(label) >= plan.MaxLabel || strings.ContainsAny(label, "\"\\\n")
}

func (v *validator) command(c *CommandLine) {
	for i, arg := range c.Args {
		v.text(at("Command.Args", i), arg)
	}
	v.text("Command.Argv0", c.Argv0.String())
	if c.Chdir.Given() {
		v.path("Command.Chdir", c.Chdir.String())
	}
}

// named is a descriptor and the field that names it.
type named struct {
	field  string
	fd     FD
	needed bool // the field is there to hold one
}

// descriptors returns the descriptors of s, except those of its Files, given or not: first
// those that it names once, by their indexes in package flat.
func (w *wanted) descriptors() []named {
	n, r := &w.Namespaces, &w.Report
	list := []named{
		flat.JoinUser:    {"Namespaces.JoinUser", n.JoinUser, false},
		flat.FinalUser:   {"Namespaces.FinalUser", n.FinalUser, false},
		flat.JoinPID:     {"Namespaces.JoinPID", n.JoinPID, false},
		flat.JoinNet:     {"Namespaces.JoinNet", n.JoinNet, false},
		flat.BlockFD:     {"Session.BlockFD", w.Session.BlockFD, false},
		flat.InfoFD:      {"Report.InfoFD", r.InfoFD, false},
		flat.StatusFD:    {"Report.JSONStatusFD", r.JSONStatusFD, false},
		flat.UserBlockFD: {"Report.UserBlockFD", r.UserBlockFD, false},
		flat.CgroupFD:    {"Limits.Cgroup", w.Limits.Cgroup, false},
	}
	for i, fd := range w.Session.SyncFDs {
		list = append(list, named{at("Session.SyncFDs", i), fd, true})
	}
	return list
}

// rules are about fields of a Spec that cannot be combined (see compile.Rule): the field to
// change, and why.
//
//nolint:gochecknoglobals // read-only table
var rules = [...]struct{ field, problem string }{
	compile.NoCommand:         {"Command.Args", "must not be empty"},
	compile.Uncompiled:        {"Lockdown.Filters", "a profile was not compiled"},
	compile.RangesJoin:        {"Namespaces.JoinUser", "cannot be combined with Identity.UIDMap, GIDMap and MapAuto: the ids of a given namespace are mapped already"},
	compile.JoinNewUser:       {"Namespaces.JoinUser", "cannot be combined with a new user namespace (Namespaces.User)"},
	compile.RangesNeedUser:    {"Namespaces.User", "must be Want or Default with Identity.UIDMap, GIDMap or MapAuto"},
	compile.AutoAndMaps:       {"Identity.MapAuto", "cannot be combined with Identity.UIDMap and GIDMap"},
	compile.DisableNeedsUser:  {"Namespaces.DisableUsers", "needs a new user namespace (Namespaces.User: Want or Default)"},
	compile.DisableAndBlock:   {"Namespaces.DisableUsers", "excludes Report.UserBlockFD"},
	compile.BlockNeedsUser:    {"Report.UserBlockFD", "needs a new user namespace (Namespaces.User: Want or Default)"},
	compile.BlockNeedsInfo:    {"Report.UserBlockFD", "needs Report.InfoFD"},
	compile.UIDNeedsUser:      {"Identity.UID", "needs a user namespace (Namespaces.User or JoinUser)"},
	compile.GIDNeedsUser:      {"Identity.GID", "needs a user namespace (Namespaces.User or JoinUser)"},
	compile.HostnameNeedsUTS:  {"Namespaces.Hostname", "needs a new UTS namespace (Namespaces.UTS)"},
	compile.PID1NeedsPID:      {"Session.AsPID1", "needs a new PID namespace (Namespaces.PID)"},
	compile.PID1AndLocks:      {"Session.AsPID1", "cannot be combined with Session.Locks, which an init holds"},
	compile.AdminOfGiven:      {"Identity.Caps", "with Namespaces.JoinUser or Report.UserBlockFD, CAP_SYS_ADMIN takes away what mounts.Mask and mounts.Protect do"},
	compile.UsageNeedsStatus:  {"Report.Usage", "needs Report.JSONStatusFD"},
	compile.SocketsNeedScope:  {"Lockdown.AllowSockets", "needs Lockdown.Scopes.Sockets"},
	compile.ForegroundSession: {"Session.Foreground", "needs the caller's session (Session.New: Share), which has the terminal"},
	compile.LabelsNeedSELinux: {"Lockdown.ExecLabel", "needs SELinux, which this system does not have"},
}

// broken returns the error for a rule that is broken.
func (w *wanted) broken(r compile.Rule) error {
	field := rules[r].field
	if r == compile.LabelsNeedSELinux && !w.Lockdown.ExecLabel.Given() {
		field = "Lockdown.FileLabel"
	}
	field = w.name(field)
	return &SetupError{Stage: "options", Field: field, Err: &front.Broken{Rule: r, Field: field, Problem: rules[r].problem}}
}
