package profile

import (
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// Notes lists, in words, what of the profile is not in the filter for t, and what is
// there in another sense than one might read.
func (p *Profile) Notes(t Target) ([]string, error) {
	m, err := machineOf(t.Arch)
	if err != nil {
		return nil, err
	}
	_, foreign, err := p.doc.architectures(m)
	if err != nil {
		return nil, p.about(err)
	}
	var n notes
	for _, key := range p.extra {
		n.add("%q: ignored: unknown", key)
	}
	for _, flag := range p.doc.Flags {
		n.add("flags: ignored: %q says how a filter is installed, and is not part of it", string(flag))
	}
	if p.doc.ListenerPath != "" || p.doc.ListenerMetadata != "" {
		n.add("listenerPath, listenerMetadata: ignored: nobody listens")
	}
	for _, a := range foreign {
		n.add("architectures: ignored: %s is not one of %s's", a, m.native)
	}
	n.rules(&p.doc, t)
	return n.lines, nil
}

// notes collects lines, and what it takes to see that a rule counts for nothing.
type notes struct {
	lines  []string
	plain  map[string]int // the first rule without arguments that has a call
	argued map[string][]int
}

func (n *notes) add(format string, args ...any) {
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) rules(d *document, t Target) {
	n.plain, n.argued = map[string]int{}, map[string][]int{}
	base := action(d.DefaultAction, d.DefaultErrnoRet)
	for i := range d.Syscalls {
		r := &d.Syscalls[i]
		at := fmt.Sprintf("syscalls[%d]", i)
		n.unknown(at, r)
		if why, ok := t.applies(r); !ok {
			n.add("%s: left out: %s: %s", at, why, calls(r))
			continue
		}
		if action(r.Action, r.ErrnoRet) == base {
			n.add("%s: left out: that is the default action: %s", at, calls(r))
			continue
		}
		if r.sameArgument() {
			n.add("%s: two conditions are on the same argument, so each counts alone: %s", at, calls(r))
		}
		n.order(at, i, r)
		n.wide(at, r, d.DefaultAction)
	}
}

func (n *notes) unknown(at string, r *rule) {
	var names []string
	for _, name := range r.Names {
		if _, err := libseccomp.GetSyscallFromName(name); err != nil {
			names = append(names, fmt.Sprintf("%q", name))
		}
	}
	if names != nil {
		n.add("%s: unknown to libseccomp %s, left out: %s", at, Library(), strings.Join(names, " "))
	}
}

// order finds the calls for which another rule decides.
func (n *notes) order(at string, i int, r *rule) {
	for _, name := range r.Names {
		first, decided := n.plain[name]
		switch {
		case decided && first != i:
			n.add("%s: left out: syscalls[%d] has %s without a condition", at, first, name)
		case len(r.Args) == 0:
			n.plain[name] = i
			for _, j := range n.argued[name] {
				n.add("syscalls[%d]: left out: %s has %s without a condition", j, at, name)
			}
		default:
			n.argued[name] = append(n.argued[name], i)
		}
	}
}

// wide finds conditions that a caller can dodge by the upper half of a register, which
// the kernel cuts off where an argument is an int: a filter compares 64 bits
// (CVE-2019-10063). A rule that permits is dodged where it is for the unequal, one that
// refuses where it is for the equal.
func (n *notes) wide(at string, r *rule, base specs.LinuxSeccompAction) {
	permits := r.Action == specs.ActAllow || r.Action == specs.ActLog
	for i, a := range r.Args {
		unequal := a.Op == specs.OpNotEqual || a.Op == specs.OpGreaterThan || a.Op == specs.OpGreaterEqual
		masked := a.Op == specs.OpMaskedEqual && a.Value>>32 == 0
		if unequal && permits || !unequal && !permits && !masked && base == specs.ActAllow {
			n.add("%s.args[%d]: %s compares 64 bits: where the kernel looks at the lower 32 only, a caller can set others and pass: %s",
				at, i, a.Op, calls(r))
		}
	}
}

// calls returns the calls of a rule, a few of them.
func calls(r *rule) string {
	const most = 6
	if len(r.Names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(r.Names[:most], " "), len(r.Names)-most)
	}
	return strings.Join(r.Names, " ")
}
