package sandbox

import (
	"errors"
	"runtime"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/doctor"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/seccomp"
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
	for _, fill := range plainly(options) {
		fill(&c.Spec)
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

// plainly are the options of the doctor's attempts, as changes of a Spec.
func plainly(options []string) (all []func(*Spec)) {
	add := func(change func(*Spec)) { all = append(all, change) }
	op := func(op mounts.Op) { add(func(s *Spec) { s.Files = append(s.Files, op) }) }
	add(func(s *Spec) {
		s.Namespaces = Namespaces{User: Share, PID: Share, Net: Share, IPC: Share, UTS: Share, Cgroup: Share}
		s.Files = []mounts.Op{{Kind: mounts.Bind, Source: "/proc/self/exe", Dest: "/gobwrap"}}
	})
	for i, word := range options {
		after := func(n int) string { return options[min(i+n, len(options)-1)] }
		switch word {
		case "--mode":
			add(func(s *Spec) { s.Mode = map[string]Mode{"direct": Direct, "setuid": Setuid}[after(1)] })
		case "--unshare-user":
			add(func(s *Spec) { s.Namespaces.User = Want })
		case "--unshare-pid":
			add(func(s *Spec) { s.Namespaces.PID = Want })
		case "--unshare-net":
			add(func(s *Spec) { s.Namespaces.Net = Want })
		case "--disable-userns":
			add(func(s *Spec) { s.Namespaces.DisableUsers = true })
		case "--uid":
			add(func(s *Spec) { s.Identity.UID, s.Identity.GID = ID{N: 1, Set: true}, ID{N: 1, Set: true} })
		case "--ro-bind":
			op(mounts.Op{Kind: mounts.Bind, Source: after(1), Dest: after(2)})
		case "--proc":
			op(mounts.Op{Kind: mounts.Proc, Dest: after(1)})
		case "--dev":
			op(mounts.Op{Kind: mounts.Dev, Dest: after(1)})
		case "--tmp-overlay":
			op(mounts.Op{Kind: mounts.Overlay, Layers: []string{"/usr"}, Writes: mounts.Forgotten, Dest: after(1)})
		case "--seccomp":
			bpf, _ := seccomp.Builtin("no-userns", runtime.GOARCH)
			add(func(s *Spec) { s.Lockdown.Filters = []Filter{{BPF: bpf}} })
		}
	}
	return all
}
