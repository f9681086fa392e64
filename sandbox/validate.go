package sandbox

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
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
	v.once(&s.Spec)
	v.identity(&s.Identity)
	v.files(s.files)
	v.env(s.Env)
	for _, l := range s.lists() {
		for i, path := range *l.field {
			v.path(at(l.name, i), path)
		}
	}
	for i, fd := range s.Session.SyncFDs {
		v.descriptor(at("Session.SyncFDs", i), fd)
		if !fd.Given() {
			v.bad(at("Session.SyncFDs", i), "must be given (SetFD, or Pass of the Cmd)")
		}
	}
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

// check takes what is wrong with a field, "" if nothing is.
func (v *validator) check(field, problem string) {
	if problem != "" {
		v.bad(field, problem)
	}
}

func (v *validator) wish(field string, w Wish) {
	v.check(field, rules.NumberOf(field, &w, "Default", "Share", "Try", "Want").Problem())
}

// text refuses what no C string can hold.
func (v *validator) text(field, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		v.bad(field, "contains a NUL byte")
	}
}

func (v *validator) path(field, s string) {
	v.check(field, rules.Path(s))
	v.text(field, s)
}

// once looks at the fields that are given once, by their tables.
func (v *validator) once(s *Spec) {
	for _, n := range s.numbers() {
		v.check(n.Name, n.Problem())
	}
	for _, w := range s.wishes() {
		v.wish(w.name, *w.field)
	}
	for _, x := range s.scopes() {
		v.wish(x.name, *x.field)
	}
	for _, d := range s.descriptors() {
		v.descriptor(d.name, *d.field)
	}
	for _, t := range s.texts() {
		v.text(t.name, t.field.String())
		if t.check != nil && t.field.Given() {
			v.check(t.name, t.check(t.field.String()))
		}
	}
	for _, id := range s.ids() {
		if id.field.N() == 1<<32-1 { // (uid_t)-1
			v.bad(id.name, "4294967295 is not an id")
		}
	}
}

// descriptor looks at the number alone. Whether it stands for a file only the Cmd knows.
func (v *validator) descriptor(field string, fd FD) {
	if fd.Given() && (fd.N() < 0 || int64(fd.N()) > 1<<31-1) {
		v.bad(field, strconv.Itoa(fd.N())+" cannot be a descriptor")
	}
}

func (v *validator) identity(id *Identity) {
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

func (v *validator) lockdown(l *Lockdown) {
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
}

func (v *validator) command(c *CommandLine) {
	for i, arg := range c.Args {
		v.text(at("Command.Args", i), arg)
	}
}

// broken returns the error for a rule that is broken.
func (w *wanted) broken(r compile.Rule) error {
	field, problem := rules.Broken(r)
	if r == compile.LabelsNeedSELinux && !w.Lockdown.ExecLabel.Given() {
		field = "Lockdown.FileLabel"
	}
	field = w.name(field)
	return &SetupError{Stage: "options", Field: field, Err: &front.Broken{Rule: r, Field: field, Problem: problem}}
}
