// Package policy reads the administrator's policy.conf, and judges plans by it.
//
// The launcher asks it about every plan, wherever that comes from, before it makes the first
// process. It binds a caller that can get a user namespace only through the launcher: see
// SECURITY.md. Setuid mode also has a file of its own (package suid), which its
// privileged side reads.
package policy

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/setting"
	"golang.org/x/sys/unix"
)

// The administrator's file. It must be a regular file that belongs to root and that only root can
// write. If it is missing, everything is permitted. If it cannot be trusted or understood, nothing runs.
const (
	Path    = "/etc/gobwrap/policy.conf"
	MaxSize = 1 << 15 // bytes
)

// Policy is what the file says. The zero value permits everything.
type Policy struct {
	Limited  bool // a line "groups"
	Member   bool // the caller is in one of its groups
	Refused  Set  // what no plan may have
	Required Set  // what each plan must have
}

// Set is a set of options: bit n stands for row n of cmdline.Options.
type Set [(len(cmdline.Options) + 63) / 64]uint64

// Has reports whether an option is in the set.
func (s *Set) Has(row int) bool { return s[row/64]>>(row%64)&1 != 0 }

// Add puts an option into the set.
func (s *Set) Add(row int) { s[row/64] |= 1 << (row % 64) }

// Options returns those that "refuse" and "require" may name: all that leave something of their own in
// a plan. Some names stand for other options too, whose steps are the same: --bind for --dev-bind, say.
func Options() []string {
	// Only programs with a runtime ask: the launcher has no use for the names.
	var out []string
	for i := range cmdline.Options {
		if o := &cmdline.Options[i]; o.InPlan().By != cmdline.Unseen {
			out = append(out, o.Name)
		}
	}
	return out
}

// Verdict is what a policy says of a plan.
type Verdict uint32

// Verdicts.
const (
	Permitted Verdict = iota
	NotMember         // the caller is in none of the groups
	Refused           // the plan has what is refused
	Required          // it lacks what is required
)

// Read reads a file's text: a directive a line,
//
//	# only for these, by number (getent group NAME)
//	groups 100 1001
//	refuse --bind --cap-add
//	require --unshare-net --new-session
//
// groups are the caller's. It returns 0, or the number of the first line that it does not
// understand, all of it.
func (p *Policy) Read(text []byte, groups []uint32) (line uint32) {
	// The file is small (MaxSize), and is read again at each launch: nothing of it is kept.
	for at := 0; at < len(text); {
		line++
		end := at
		for end < len(text) && text[end] != '\n' {
			end++
		}
		if !p.directive(text[at:end], groups) {
			return line
		}
		at = end + 1
	}
	return 0
}

// directive reads one line.
func (p *Policy) directive(line []byte, groups []uint32) bool {
	key, rest := word(line)
	var set *Set
	switch {
	// An empty line, or a comment.
	case len(key) == 0:
		return true
	case flat.Equal(key, "groups"):
		p.Limited = true
	case flat.Equal(key, "refuse"):
		set = &p.Refused
	case flat.Equal(key, "require"):
		set = &p.Required
	default:
		return false
	}
	for count := 0; ; count++ {
		w, more := word(rest)
		// A directive without operands is a mistake: a "refuse" whose operands were forgotten would
		// refuse nothing.
		if len(w) == 0 {
			return count > 0
		}
		if set == nil && !p.group(w, groups) || set != nil && !option(w, set) {
			return false
		}
		rest = more
	}
}

// word splits the next word off a line. A comment counts as the end.
func word(line []byte) (w, rest []byte) {
	at := 0
	for at < len(line) && blank(line[at]) {
		at++
	}
	if at == len(line) || line[at] == '#' {
		return nil, nil
	}
	end := at
	for end < len(line) && !blank(line[end]) {
		end++
	}
	return line[at:end], line[end:]
}

// blank reports whether a byte separates words. A carriage return does not: a file with them is
// refused, not read in another way.
func blank(c byte) bool { return c == ' ' || c == '\t' }

// option adds an option to a set. One that cannot be named makes the file invalid: it may be of a
// newer version, and what it forbids would be permitted.
func option(w []byte, set *Set) bool {
	for i := range cmdline.Options {
		if o := &cmdline.Options[i]; o.InPlan().By != cmdline.Unseen && flat.Equal(w, o.Name) {
			set.Add(i)
			return true
		}
	}
	return false
}

// group reads a group id, decimal; ids go up to 2³²-2 (user_namespaces(7)).
func (p *Policy) group(w []byte, groups []uint32) bool {
	id, ok := flat.Decimal(w, 1<<32-2)
	// Group 2³²-1 is refused: the kernel uses it for "no id".
	for _, g := range groups {
		p.Member = p.Member || ok && g == uint32(id)
	}
	return ok
}

// Judge says whether a plan is permitted; if not, which option it is about, and which step
// of the plan has what is refused, or plan.NoStep. embedded: it comes from an embedding program.
//
// Such a program can be the caller's own, and its plan one that the compiler does not make. So
// what may have a trace counts for what is refused, and what surely has it for what is required.
func (p *Policy) Judge(v plan.View, embedded bool) (verdict Verdict, option string, step uint32) {
	// First of all: what the plan wants does not matter to a caller that may run nothing.
	if p.Limited && !p.Member {
		return NotMember, "", plan.NoStep
	}
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		if p.Refused.Has(i) {
			if may, at := in(o.InPlan(), v, false); may {
				return Refused, o.Name, at
			}
		}
		if p.Required.Has(i) && !surelyIn(o.InPlan(), v, embedded) {
			return Required, o.Name, plan.NoStep
		}
	}
	return Permitted, "", plan.NoStep
}

// in reports whether a plan may have a trace, and the first step that has it, or plan.NoStep. With surely, it
// reports whether the plan has it whatever the kernel and the host are.
func in(t cmdline.Trace, v plan.View, surely bool) (has bool, at uint32) {
	switch {
	// What the plan's header says concerns no step.
	case t.By == cmdline.ByClone && v.Clone&t.Of != 0,
		t.By == cmdline.ByFlag && v.Has(t.Of),
		t.By == cmdline.ByEnd && v.Has(plan.FlagDieWithParent):
		return true, plan.NoStep
	}
	for i := uint32(0); i < v.Steps; i++ {
		if leaves(t, v, v.Step(i), surely) {
			return true, i
		}
	}
	// Without a step that sets them, the command has those that set-up has: as if they were given.
	return t.By == cmdline.ByCaps && !gives(v), plan.NoStep
}

// surelyIn reports whether a plan has a trace, and cannot undo it.
func surelyIn(t cmdline.Trace, v plan.View, embedded bool) bool {
	switch t.By {
	case cmdline.ByClone:
		return v.Clone&t.Of != 0
	case cmdline.ByEnd: // each sandbox of an embedding program ends with its monitor, but not each with the program
		return v.Has(plan.FlagDieWithParent) && (!embedded || v.Has(plan.FlagLifeline))
	case cmdline.ByLast:
		return last(v)
	}
	// For the others, to have a step is to have its effect: no later step undoes it.
	has, _ := in(t, v, true)
	return has
}

// gives reports whether the command's capabilities are set. Without that it keeps those that set-up has.
func gives(v plan.View) bool {
	// Steps before Setup are set-up's own; OpCaps is one of the payload's.
	for i := v.Setup; i < v.Steps; i++ {
		if v.Step(i).Op == plan.OpCaps {
			return true
		}
	}
	return false
}

// last reports whether the number of user namespaces is limited, and whether that is proved in
// the one that the command is in.
func last(v plan.View) (proved bool) {
	// The order counts: a limit that is set after the proof, or a namespace made behind it, proves
	// nothing.
	limited := false
	for i := uint32(0); i < v.Steps; i++ {
		switch v.Step(i).Op {
		case plan.OpLimitUserns:
			limited = true
		case plan.OpNoUserns:
			proved = limited
		// Each may lead to a namespace in which the proof does not hold: it would have to be made
		// again.
		case plan.OpUnshare, plan.OpNest, plan.OpSetns:
			proved = false
		}
	}
	return proved
}

// leaves reports whether a step has a trace. surely: also
// where the kernel lacks something, or a file is missing.
func leaves(t cmdline.Trace, v plan.View, s *plan.Step, surely bool) bool {
	switch t.By {
	case cmdline.ByClone:
		return s.Op == plan.OpUnshare && s.A&t.Of != 0
	case cmdline.ByOp: // of these, a mask and a protection can be tried
		return uint32(s.Op) == t.Of && (!surely || s.Flags&plan.FlagTry == 0)
	case cmdline.ByMount:
		return s.Op == plan.OpMount && s.A == t.Of
	case cmdline.ByOverlay:
		return s.Op == plan.OpOverlay && s.D == t.Of
	case cmdline.ByJoin: // setns(2) takes 0 for any type, and several for those of a process
		return s.Op == plan.OpSetns && (s.B&t.Of != 0 || s.B == 0 && !surely)
	case cmdline.BySetting:
		// As the payload's process takes the number, which Verify does not bound.
		if k := setting.Kind(t.Of); !k.InSetUp() {
			return s.Op == plan.OpSet && setting.Kind(s.A) == k
		}
		return s.Op == plan.OpScore
	// A new PID namespace tries the scope of signals without being asked.
	case cmdline.ByScope:
		return s.Op == plan.OpFence && (s.A&t.Of != 0 || s.B&^plan.ScopeSignals&t.Of != 0 && !surely)
	// Label 0 is the default. A tmpfs has its label in its own step.
	case cmdline.ByLabel:
		return s.Op == plan.OpLabel && s.A == t.Of && s.B != 0 || s.Op == plan.OpMount && t.Of == plan.LabelNew && s.C != 0
	case cmdline.ByFallback:
		return s.Op == plan.OpProc && s.Flags&(plan.FlagOrBind|plan.FlagOrNone) != 0
	// A proc is bound without MS_RDONLY. If its source is any directory, that would be a writable bind
	// under another name.
	case cmdline.ByWritable:
		return s.Op == plan.OpBind && s.C&unix.MS_RDONLY == 0 || s.Op == plan.OpProc && s.A != 0 && !isProc(v, v.Step(s.A))
	case cmdline.ByCaps:
		return s.Op == plan.OpCaps && s.C|s.D != 0
	case cmdline.ByRange:
		return s.Op == plan.OpIDMap && s.Flags&plan.FlagOutside != 0
	case cmdline.ByLast:
		return s.Op == plan.OpLimitUserns
	}
	return false
}

// isProc reports whether a source is the host's /proc, the only one that an OpProc of the
// compiler's binds.
func isProc(v plan.View, s *plan.Step) bool {
	return s.Flags == 0 && s.A != 0 && raw.Equal(v.Str(s.A), raw.Text("/proc\x00"))
}
