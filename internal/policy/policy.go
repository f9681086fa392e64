// Package policy reads the administrator's policy.conf, and judges plans by it.
//
// The launcher asks it about every plan, wherever that comes from, before it makes the first
// process. It binds a caller that can get a user namespace only through the launcher: see
// SECURITY.md. Setuid mode also has a file of its own (package suid), which its
// privileged side reads.
package policy

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
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
	Limited  bool   // a line "groups"
	Member   bool   // the caller is in one of its groups
	Refused  uint64 // bit n: no plan may have feature n
	Required uint64 // bit n: each plan must have feature n
}

// feature is what an option makes of a plan.
type feature struct {
	option string
	kind   featureKind
	value  uint32 // a CLONE_NEW* flag, an operation, a kind, as kind says
}

type featureKind uint8

const (
	byClone    featureKind = iota // a new namespace
	byOp                          // any step with the operation
	byMount                       // a new file system of a kind
	byOverlay                     // an overlay of a kind
	byJoin                        // a namespace that exists
	byWritable                    // files of the host's that are not read-only
	byCaps                        // a capability for the command
	byRange                       // several ids
	byEnd                         // the end of the sandbox with its caller
	byLast                        // no user namespaces below the last one
)

// features are the options that a line can name. --unshare-user is not one of them, since direct mode
// needs it.
//
//nolint:gochecknoglobals // read-only table
var features = [...]feature{
	{"--unshare-pid", byClone, unix.CLONE_NEWPID},
	{"--unshare-net", byClone, unix.CLONE_NEWNET},
	{"--unshare-ipc", byClone, unix.CLONE_NEWIPC},
	{"--unshare-uts", byClone, unix.CLONE_NEWUTS},
	{"--unshare-cgroup", byClone, unix.CLONE_NEWCGROUP},
	{"--userns", byJoin, unix.CLONE_NEWUSER},
	{"--pidns", byJoin, unix.CLONE_NEWPID},
	{"--disable-userns", byLast, 0},
	{"--die-with-parent", byEnd, 0},
	{"--new-session", byOp, uint32(plan.OpSetsid)},
	{"--seccomp", byOp, uint32(plan.OpSeccomp)}, // and --add-seccomp-fd, --seccomp-profile
	{"--cap-add", byCaps, 0},                    // and what keeps root's capabilities
	{"--map-auto", byRange, 0},                  // and --uid-map, --gid-map
	{"--bind", byWritable, 0},                   // and --dev-bind, --bind-fd, the devices of --dev
	{"--overlay", byOverlay, plan.OverlayRW},
	{"--tmp-overlay", byOverlay, plan.OverlayTmp},
	{"--ro-overlay", byOverlay, plan.OverlayRO},
	{"--dev", byMount, plan.MountDevpts},
	{"--tmpfs", byMount, plan.MountTmpfs},
	{"--mqueue", byMount, plan.MountMqueue},
	{"--proc", byOp, uint32(plan.OpProc)},
	{"--dir", byOp, uint32(plan.OpDir)},
	{"--file", byOp, uint32(plan.OpFile)},
	{"--bind-data", byOp, uint32(plan.OpData)}, // and --ro-bind-data
	{"--symlink", byOp, uint32(plan.OpSymlink)},
	{"--chmod", byOp, uint32(plan.OpChmod)},
	{"--remount-ro", byOp, uint32(plan.OpRemountRO)},
	{"--hostname", byOp, uint32(plan.OpHostname)},
	{"--block-fd", byOp, uint32(plan.OpWaitFd)},
	{"--lock-file", byOp, uint32(plan.OpLock)},
	{"--timeout", byOp, uint32(plan.OpTimeout)},
	{"--close-fds", byOp, uint32(plan.OpClose)},
}

// Options returns those that "refuse" and "require" may name.
// Help and messages list them in the order of the table.
func Options() []string {
	// Only programs with a runtime ask: the launcher has no use for the names.
	out := make([]string, 0, len(features))
	for _, f := range features {
		out = append(out, f.option)
	}
	return out
}

// Verdict is what a policy says of a plan.
type Verdict uint32

// Verdicts.
const (
	Permitted Verdict = iota
	NotMember         // the caller is in none of the groups
	Refused           // the plan has a feature that is refused
	Required          // it lacks one that is required
)

// Pack puts a verdict and the feature that it is about into a message's one number.
func Pack(v Verdict, feature uint32) uint32 { return uint32(v) | feature<<8 }

// Unpack returns the verdict, and the option that it is about, or "".
func Unpack(n uint32) (v Verdict, option string) {
	v = Verdict(n & 0xff)
	// The number comes in a message, of which nothing is believed: one that names no feature gives no
	// option.
	if f := n >> 8; (v == Refused || v == Required) && f < uint32(len(features)) {
		option = features[f].option
	}
	return v, option
}

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
	var set *uint64
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

// option sets the bit of an option. One that is not in the table makes the file invalid: it may be of a
// newer version, and what it forbids would be permitted.
func option(w []byte, set *uint64) bool {
	for i := range features {
		if flat.Equal(w, features[i].option) {
			*set |= 1 << (uint(i) & 63)
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

// Judge says whether a plan is permitted; if not, which feature it is about, and which step
// of the plan has what is refused, or plan.NoStep. embedded: it comes from an embedding program.
//
// Such a program can be the caller's own, and its plan one that the compiler does not make. So
// what may have a feature counts for what is refused, and what surely has it for what is required.
func (p *Policy) Judge(v plan.View, embedded bool) (verdict Verdict, feature, step uint32) {
	// First of all: what the plan wants does not matter to a caller that may run nothing.
	if p.Limited && !p.Member {
		return NotMember, 0, plan.NoStep
	}
	for i := range features {
		// The mask stands for a check of the shift; there are fewer features than bits.
		bit := uint64(1) << (uint(i) & 63)
		if p.Refused&bit != 0 {
			if may, at := features[i].in(v); may {
				return Refused, uint32(i), at
			}
		}
		if p.Required&bit != 0 && !features[i].surelyIn(v, embedded) {
			return Required, uint32(i), plan.NoStep
		}
	}
	return Permitted, 0, plan.NoStep
}

// in reports whether a plan may have a feature, and the first step that has it, or plan.NoStep.
func (f *feature) in(v plan.View) (has bool, at uint32) {
	switch {
	// What the plan's header says concerns no step.
	case f.kind == byClone && v.Clone&f.value != 0, f.kind == byEnd && v.Has(plan.FlagDieWithParent):
		return true, plan.NoStep
	}
	for i := uint32(0); i < v.Steps; i++ {
		if f.by(v, v.Step(i)) {
			return true, i
		}
	}
	// Without a step that sets them, the command has those that set-up has: as if they were given.
	return f.kind == byCaps && !gives(v), plan.NoStep
}

// surelyIn reports whether a plan has a feature, and cannot undo it.
func (f *feature) surelyIn(v plan.View, embedded bool) bool {
	switch f.kind {
	case byClone:
		return v.Clone&f.value != 0
	case byEnd: // each sandbox of an embedding program ends with its monitor, but not each with the program
		return v.Has(plan.FlagDieWithParent) && (!embedded || v.Has(plan.FlagLifeline))
	case byLast:
		return last(v)
	}
	// For the others, to have a step is to have its effect: no later step undoes it.
	has, _ := f.in(v)
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

// by reports whether a step is of the feature.
func (f *feature) by(v plan.View, s *plan.Step) bool {
	switch f.kind {
	case byClone:
		return s.Op == plan.OpUnshare && s.A&f.value != 0
	case byOp:
		return uint32(s.Op) == f.value
	case byMount:
		return s.Op == plan.OpMount && s.A == f.value
	case byOverlay:
		return s.Op == plan.OpOverlay && s.D == f.value
	case byJoin: // setns(2) takes 0 for any type, and several for those of a process
		return s.Op == plan.OpSetns && (s.B&f.value != 0 || s.B == 0)
	// A proc is bound without MS_RDONLY. If its source is any directory, that would be a writable bind
	// under another name.
	case byWritable:
		return s.Op == plan.OpBind && s.C&unix.MS_RDONLY == 0 || s.Op == plan.OpProc && s.A != 0 && !isProc(v, v.Step(s.A))
	case byCaps:
		return s.Op == plan.OpCaps && s.C|s.D != 0
	case byRange:
		return s.Op == plan.OpIDMap && s.Flags&plan.FlagOutside != 0
	case byLast:
		return s.Op == plan.OpLimitUserns
	}
	return false
}

// isProc reports whether a source is the host's /proc, the only one that an OpProc of the
// compiler's binds.
func isProc(v plan.View, s *plan.Step) bool {
	return s.Flags == 0 && s.A != 0 && raw.Equal(v.Str(s.A), raw.Text("/proc\x00"))
}
