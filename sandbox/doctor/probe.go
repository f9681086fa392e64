package doctor

import (
	"slices"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// prober makes the attempts and keeps their results.
type prober struct {
	facts  *facts
	launch func(sandbox.Spec) outcome
	seen   []Result
}

// probe tries every step as the calling user.
func probe(f *facts, launch func(sandbox.Spec) outcome) []Result {
	p := &prober{facts: f, launch: launch}
	p.clones()
	p.launches()
	p.ranges()
	p.landlock()
	p.setuid()
	return p.inOrder()
}

// restoreLimits gives this process, and so the attempts, the caller's limits, which the monitor
// still has: the front end's own are lifted (package child), and by package syscall.
func restoreLimits() {
	for _, resource := range []int{unix.RLIMIT_AS, unix.RLIMIT_DATA, unix.RLIMIT_NOFILE} {
		var theirs unix.Rlimit
		if unix.Prlimit(syscall.Getppid(), resource, nil, &theirs) != nil && unix.Prlimit(0, resource, nil, &theirs) != nil {
			continue
		}
		_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: theirs.Cur, Max: theirs.Max})
	}
	var core syscall.Rlimit // what a filter kills leaves none
	if syscall.Getrlimit(unix.RLIMIT_CORE, &core) == nil {
		core.Cur = 0
		_ = syscall.Setrlimit(unix.RLIMIT_CORE, &core)
	}
}

func (p *prober) note(r Result) { p.seen = append(p.seen, r) }

// state returns what is known of a step.
func (p *prober) state(s Step) State {
	for _, r := range p.seen {
		if r.Step == s {
			return r.State
		}
	}
	return Untried
}

// inOrder returns a result for every step, in the order of the table.
func (p *prober) inOrder() (all []Result) {
	for _, row := range stepRows {
		r := Result{Step: row.step}
		for _, seen := range p.seen {
			if seen.Step == row.step {
				r = seen
				break
			}
		}
		if r.Step == SetuidUser && r.State == Untried {
			continue // it is tried only where direct mode does not work
		}
		all = append(all, r)
	}
	return all
}

// byPrivilege reports whether direct mode does without a user namespace: for root who has
// CAP_SYS_ADMIN.
func (f *facts) byPrivilege() bool { return f.UID == 0 && f.hasCap(unix.CAP_SYS_ADMIN) }

// clones tries the namespaces one by one, as the launcher would make them: in a new user
// namespace, unless the caller has the privilege to do without.
func (p *prober) clones() {
	with := uintptr(unix.CLONE_NEWUSER)
	if p.facts.byPrivilege() {
		with = 0
	}
	for _, row := range stepRows {
		if row.clone == 0 || with != 0 && row.step != UserNS && p.state(UserNS) != OK {
			continue
		}
		r := Result{Step: row.step, State: OK}
		call := kernel.Call{Name: "clone", Nr: unix.SYS_CLONE, Operands: [5]uintptr{with | row.clone | uintptr(syscall.SIGCHLD)}}
		if call.Deadly() {
			r.State, r.Killed, r.Message = Failed, true, call.Name+": "+killedByFilter
		} else if e := clone(with | row.clone); e != 0 {
			r.State, r.Errno, r.Message = Failed, e, "clone: "+e.Error()
		}
		p.note(r)
	}
}

const killedByFilter = "killed by a seccomp filter"

// clone makes a process in new namespaces that ends at once, since there is nothing that
// it could run: ENOENT means that, and is not an answer of clone.
func clone(flags uintptr) syscall.Errno {
	pid, err := syscall.ForkExec("", []string{""}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: flags}})
	if err == nil {
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return 0
	}
	if e, ok := err.(syscall.Errno); ok && e != syscall.ENOENT {
		return e
	}
	return 0
}

// launches makes the attempts in direct mode. The first one settles whether that works.
func (p *prober) launches() {
	for i := range attempts {
		a := &attempts[i]
		last := a.stages[len(a.stages)-1].step
		if i > 0 && p.state(Command) != OK {
			break
		}
		if !p.needed(last) {
			continue
		}
		s := spec(sandbox.Direct, a.with)
		if !p.facts.byPrivilege() {
			newUser(&s)
		}
		p.judge(a, p.launch(s))
	}
}

// needed reports whether a step's attempt would say something new.
func (p *prober) needed(s Step) bool {
	for _, n := range needs {
		if n.step == s && p.state(n.on) == Failed {
			return false
		}
	}
	return true
}

// judge turns an outcome into results: what comes before the step that failed has worked.
func (p *prober) judge(a *attempt, o outcome) {
	failed := Step("")
	if !o.works {
		failed = a.byStage(o.stage)
		if o.stage == "launch" && (p.state(UserNS) == Failed || p.state(MountNS) == Failed) {
			return // known, and the rest is untried
		}
	}
	for i, s := range a.stages {
		if i > 0 && a.stages[i-1].step == s.step {
			continue
		}
		if s.step == failed {
			p.note(o.failure(s.step))
			return
		}
		if o.stage == "launch" {
			continue // it did not come to this
		}
		if (s.step == IDMaps || s.step == Nested) && p.facts.byPrivilege() {
			p.apart(s.step)
			continue
		}
		p.note(Result{Step: s.step, State: OK})
	}
}

// failure returns the result of a step whose launch has failed.
func (o outcome) failure(s Step) Result {
	return Result{Step: s, State: Failed, Errno: o.errno, Message: o.message, Killed: o.killed}
}

// apart tries what root's other attempts do not need: a user namespace, and one nested in it,
// which an id other than root's requires.
func (p *prober) apart(s Step) {
	if p.state(UserNS) != OK || p.state(s) != Untried {
		return
	}
	try := spec(sandbox.Direct, newUser)
	if s == Nested {
		try = spec(sandbox.Direct, newUser, another, file(mounts.Dev("/dev")))
	}
	r := Result{Step: s, State: OK}
	if o := p.launch(try); !o.works {
		r = o.failure(s)
	}
	p.note(r)
}

// ranges tries what the system grants to the caller, in /etc/subuid. Most are granted
// nothing, and need nothing: that is not a failure. Users who are granted some need the
// programs.
func (p *prober) ranges() {
	if p.state(Command) != OK || p.state(UserNS) != OK {
		return
	}
	r := Result{Step: Ranges, State: OK}
	switch o := p.launch(spec(sandbox.Direct, ranges)); {
	case o.missing: // newuidmap(1) or newgidmap(1)
		r = o.failure(Ranges)
	case !o.works:
		r = Result{Step: Ranges, Detail: o.message}
	}
	p.note(r)
}

// landlock asks for the version of Landlock's interface (landlock_create_ruleset(2)).
// Setuid mode uses it from version 2 on, scopes are of version 6, and programs inside may use it.
func (p *prober) landlock() {
	a := kernel.Landlock.Probe()
	switch {
	case a.Killed:
		p.note(Result{Step: Landlock, State: Failed, Killed: true, Message: a.Call + ": " + killedByFilter})
		return
	case a.Version == 0:
		p.note(Result{Step: Landlock, State: Failed, Errno: a.Errno, Message: a.Call + ": " + a.Errno.Error()})
		return
	}
	detail := "ABI " + strconv.Itoa(a.Version)
	if a.Version < 2 {
		detail += ", before Linux 5.19: setuid mode needs 2"
	}
	if a.Version < kernel.ScopesABI {
		detail += ", before Linux 6.12: commands can signal their caller's process group (--new-session)"
	}
	p.note(Result{Step: Landlock, State: OK, Detail: detail})
}

// overflowID is the owner of a file whose owner has no id in this user namespace
// (/proc/sys/kernel/overflowuid, by default).
const overflowID = 65534

// setuid tries setuid mode where the binary is installed for it. Where direct mode
// does not work, what setuid mode can do is what counts.
func (p *prober) setuid() {
	switch {
	case p.facts.UID == 0:
		p.note(Result{Step: Setuid, Detail: "not needed by root"})
		return
	case p.facts.Binary.Mode&syscall.S_ISUID != 0 && p.facts.Binary.UID == overflowID && p.facts.inUserNS():
		p.note(Result{Step: Setuid, State: Failed, Message: "the binary's owner has no id in this user namespace"})
		return
	case !p.facts.Binary.Setuid():
		p.note(Result{Step: Setuid, Detail: "this binary is not installed for that"})
		return
	}
	o := p.launch(spec(sandbox.Setuid))
	if !o.works {
		p.note(o.failure(Setuid))
		return
	}
	p.note(Result{Step: Setuid, State: OK})
	if p.state(Command) == OK {
		return
	}
	r := Result{Step: SetuidUser, State: OK}
	if o := p.launch(spec(sandbox.Setuid, newUser)); !o.works {
		r = o.failure(SetuidUser)
	}
	p.note(r)
	for _, n := range setuidNamespaces {
		p.noteSetuid(n.step, p.launch(spec(sandbox.Setuid, n.with)))
	}
	for i := range attempts[1:] {
		if a := &attempts[i+1]; a.setuid && p.needed(a.byStage("")) {
			p.noteSetuid(a.byStage(""), p.launch(spec(sandbox.Setuid, a.with)))
		}
	}
}

// noteSetuid records the result of a step in setuid mode, instead of its result in direct
// mode.
func (p *prober) noteSetuid(s Step, o outcome) {
	r := Result{Step: s, State: OK, Detail: "in setuid mode"}
	if !o.works {
		r = o.failure(s)
	}
	r.Setuid = true
	p.seen = slices.DeleteFunc(p.seen, func(old Result) bool { return old.Step == s })
	p.note(r)
}
