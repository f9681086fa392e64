package sandbox

import (
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"github.com/gobwrap/gobwrap/sandbox/internal/planner"
)

// compileFor turns what is wanted (s) on this machine (h) into a plan.
func compileFor(s *wanted, h facts) (*plan.Program, error) {
	if err := validate(s); err != nil {
		return nil, err
	}
	uids, gids, err := who(s, &h)
	f, facts := flatten(s, &h, &uids, &gids)
	c := f.Compiler(&facts)
	c.Buffers = planner.Buffers(64, 256, 1<<14)
	if r := c.Check(); r != compile.Fine {
		return nil, s.broken(r)
	}
	if err != nil {
		return nil, err
	}
	if f.NUL {
		return nil, plan.ErrNUL
	}
	return f.Plan(c, &h)
}

// wantsUser reports whether there will be a user namespace of the sandbox's own.
func wantsUser(s *wanted, h *facts) bool {
	f, facts := flatten(&wanted{Spec: Spec{Namespaces: s.Namespaces, Identity: Identity{UID: s.Identity.UID, GID: s.Identity.GID}}}, h, nil, nil)
	return f.Compiler(&facts).WantsUser()
}

// environment applies the changes to the caller's environment, as a launch does. What contains
// a NUL byte, which a launch refuses, is left out, as package os/exec does.
func environment(base []string, ops []EnvOp) []string {
	base = slices.DeleteFunc(slices.Clone(base), func(entry string) bool { return strings.Contains(entry, "\x00") })
	ops = slices.DeleteFunc(slices.Clone(ops), func(op EnvOp) bool { return strings.Contains(op.Name+op.Value, "\x00") })
	f, facts := flatten(&wanted{Spec: Spec{Env: ops, Command: CommandLine{Chdir: SetText("/")}}}, &facts{Env: base}, nil, nil)
	c := f.Compiler(&facts)
	c.Buffers = planner.Buffers(0, len(base)+len(ops)+1, len(f.Text)+len("PWD=/\x00"))
	n := c.Environment()
	out := make([]string, n)
	for i := range out {
		out[i] = string(flat.Text(c.Arena).At(flat.Word(c.Slots[i])))
	}
	return out
}

// facts is everything that a plan may depend on besides the Spec.
type facts = front.Facts

// readFacts reads the facts that s depends on.
func readFacts(s *wanted) facts {
	h := host.Read()
	h.Setuid = s.Mode == Setuid
	probe(&h, s)
	return h
}

// probe reads the facts that only some command lines need.
func probe(h *facts, s *wanted) {
	if s.Namespaces.User == Try && h.UID == 0 {
		h.UserNamespaces = host.Exists("/proc/self/ns/user") && !host.Zero("/proc/sys/user/max_user_namespaces")
	}
	if s.Namespaces.Cgroup == Try {
		h.CgroupNamespaces = host.Exists("/proc/self/ns/cgroup")
	}
	if s.Identity.MapAuto {
		host.ReadSubIDs(h)
	}
	if s.Lockdown.ExecLabel.Given() || s.Lockdown.FileLabel.Given() {
		h.SELinux = host.Exists("/sys/fs/selinux/enforce") || host.Exists("/selinux/enforce")
	}
}
