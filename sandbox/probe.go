package sandbox

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/doctor"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Diagnosis is what Probe has found.
type Diagnosis struct {
	Mode  string // what works: "direct", "setuid", or "" for nothing
	Why   string
	Steps []ProbeStep
	text  string
}

// ProbeStep is one thing that sandboxes may need of the kernel, and what came of it.
type ProbeStep struct {
	Name  string // as in --doctor=json
	State string // "ok", "failed" or "untried"
	Err   error  // what the kernel said
	Cause string // why that is so here, in a sentence; "": not known
}

// String is the whole report, with what to type to mend what does not work: the text of
// --doctor.
func (d *Diagnosis) String() string { return d.text }

// Probe tries what sandboxes need here, step by step, as this user. It takes a few dozen
// milliseconds, and leaves nothing behind.
func Probe() *Diagnosis {
	engine := Features().MountEngine
	var r *doctor.Report
	if child.Entered() {
		r = doctor.Examine(engine)
	} else {
		l, err := (&Cmd{}).launcher()
		if err != nil {
			return &Diagnosis{Why: err.Error(), text: err.Error() + "\n"}
		}
		r = doctor.ExamineFor(l.path, engine, attempt)
	}
	d := &Diagnosis{Mode: r.Mode, Why: r.Why, text: r.Text("(package sandbox)")}
	for _, s := range r.Results {
		step := ProbeStep{Name: string(s.Step), State: s.State.String()}
		if s.State == doctor.Failed {
			step.Err = &failure{s.Message, s.Errno}
			step.Cause = r.Says(s.Step)
		}
		d.Steps = append(d.Steps, step)
	}
	return d
}

// attempt is a launch for the doctor, who thinks in options.
func attempt(options []string) (stage string, errno syscall.Errno, message string) {
	c := Command("/there is nothing")
	c.Env = []string{}
	if err := plainly(&c.Spec, options); err != nil {
		return "options", 0, err.Error()
	}
	err := c.Run()
	var e *SetupError
	if !errors.As(err, &e) {
		e = &SetupError{Stage: "exec", Err: errors.Join(err)} // it ran, whatever it was
	}
	message = "ok"
	if e.Err != nil {
		message = e.Error()
	}
	return e.Stage, errnoOf(err), message
}

// plainly makes a Spec of the options of the doctor's attempts. It is no parser: it knows
// these, and says which it does not know.
func plainly(s *Spec, options []string) error {
	s.Namespaces = Namespaces{User: Share, PID: Share, Net: Share, IPC: Share, UTS: Share, Cgroup: Share}
	s.Files = []mounts.Op{mounts.ReadOnly(selfExe).At("/gobwrap")}
	for len(options) > 0 {
		option := options[0]
		o, known := plain[option]
		if !known || len(options) <= o.operands {
			return errors.New("the doctor asks for " + option + ", which this package does not know")
		}
		o.fill(s, options[1:1+o.operands])
		options = options[1+o.operands:]
	}
	return nil
}

// plain are these options.
//
//nolint:gochecknoglobals // read-only table
var plain = map[string]struct {
	operands int
	fill     func(s *Spec, words []string)
}{
	"--mode": {1, func(s *Spec, words []string) {
		s.Mode = map[string]Mode{"direct": Direct, "setuid": Setuid}[words[0]]
	}},
	"--unshare-user":   {0, func(s *Spec, _ []string) { s.Namespaces.User = Want }},
	"--unshare-pid":    {0, func(s *Spec, _ []string) { s.Namespaces.PID = Want }},
	"--unshare-net":    {0, func(s *Spec, _ []string) { s.Namespaces.Net = Want }},
	"--unshare-ipc":    {0, func(s *Spec, _ []string) { s.Namespaces.IPC = Want }},
	"--unshare-uts":    {0, func(s *Spec, _ []string) { s.Namespaces.UTS = Want }},
	"--unshare-cgroup": {0, func(s *Spec, _ []string) { s.Namespaces.Cgroup = Want }},
	"--disable-userns": {0, func(s *Spec, _ []string) { s.Namespaces.DisableUsers = true }},
	"--map-auto":       {0, func(s *Spec, _ []string) { s.Identity.MapAuto, s.Namespaces.User = true, Want }},
	"--uid":            {1, func(s *Spec, words []string) { s.Identity.UID = plainID(words[0]) }},
	"--gid":            {1, func(s *Spec, words []string) { s.Identity.GID = plainID(words[0]) }},
	"--ro-bind": {2, func(s *Spec, words []string) {
		s.Files = append(s.Files, mounts.ReadOnly(words[0]).At(words[1]))
	}},
	"--proc": {1, func(s *Spec, words []string) { s.Files = append(s.Files, mounts.Proc(words[0])) }},
	"--dev":  {1, func(s *Spec, words []string) { s.Files = append(s.Files, mounts.Dev(words[0])) }},
	"--overlay-src": {1, func(s *Spec, words []string) {
		s.Files = append(s.Files, mounts.TmpOverlay("", words...))
	}},
	"--tmp-overlay": {1, func(s *Spec, words []string) {
		o := &s.Files[len(s.Files)-1]
		*o = o.At(words[0])
	}},
	"--seccomp": {1, func(s *Spec, _ []string) { s.Lockdown.Filters = []Filter{{Profile: "no-tty-injection"}} }},
}

func plainID(word string) ID {
	n, _ := strconv.ParseUint(word, 10, 32)
	return SetID(uint32(n))
}
