package fault

import (
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// TestDestinationHint: what stands at a place is what the last operation before put there.
func TestDestinationHint(t *testing.T) {
	b := &planbuild.Builder{}
	b.Add(plan.Step{Op: plan.OpSlave})
	b.From(plan.Origin{Words: []string{"--ro-bind", "/src", "/a"}})
	src := b.Len()
	b.Add(plan.Step{Op: plan.OpSource, A: b.Str("/src")})
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpRoot})
	for _, op := range []struct {
		words string
		step  plan.Step
	}{
		{"--ro-bind /src /a", plan.Step{Op: plan.OpBind, A: src, B: b.Str("/a")}},
		{"--dir /a/d", plan.Step{Op: plan.OpDir, B: b.Str("/a/d")}},
		{"--tmpfs /a/f", plan.Step{Op: plan.OpMount, B: b.Str("/a/f")}},
		{"--dir /a/f/x/y", plan.Step{Op: plan.OpDir, B: b.Str("/a/f/x/y")}},
	} {
		b.From(plan.Origin{Words: strings.Fields(op.words)})
		b.Add(op.step)
	}
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpPivot})
	b.EndSetup()
	b.From(plan.Origin{Words: []string{"cmd"}})
	b.Add(plan.Step{Op: plan.OpExec})
	b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
	b.Fds(nil, nil, nil, -1)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	last := planbuild.Nth(t, p, plan.OpDir, 1)
	for _, c := range []struct {
		step  uint32
		sub   plan.Sub
		errno unix.Errno
		part  string
		want  string
	}{
		{last, plan.SubParents, unix.ENOTDIR, "/a/f", "/a/f is not a directory: --tmpfs /a/f created it"},
		{last, plan.SubParents, unix.ENOTDIR, "/a/f/x", "/a/f/x is not a directory: it is part of --tmpfs /a/f"},
		{last, plan.SubParents, unix.ENOTDIR, "/a", "/a is not a directory: --ro-bind /src /a created it"},
		{last, plan.SubParents, unix.EACCES, "/a/f/x", "/a/f does not admit the user: it is part of --tmpfs /a/f"},
		{last, plan.SubParents, unix.ENOSPC, "/a/f/x", ""},
		{last, plan.SubParents, unix.ENOTDIR, "", ""},
		{planbuild.Nth(t, p, plan.OpDir, 0), plan.SubMakeDir, unix.EROFS, "/a/d", "the destination lies on a read-only mount (--ro-bind /src /a); mount a tmpfs or a writable bind above it first"},
		{planbuild.Nth(t, p, plan.OpBind, 0), plan.SubMakeDir, unix.ENOTDIR, "", ""},
	} {
		m := plan.Message{Kind: plan.MsgFault, Step: c.step, Sub: c.sub, Errno: uint32(c.errno), Extra: uint32(len(c.part))}
		if got := destinationHint(p, m); got != c.want {
			t.Errorf("%q, errno %d: %q, want %q", c.part, c.errno, got, c.want)
		}
	}
	// A length that the path does not have is not believed.
	m := plan.Message{Kind: plan.MsgFault, Step: last, Sub: plan.SubParents, Errno: uint32(unix.ENOTDIR), Extra: 1 << 31}
	if got := destinationHint(p, m); got != "" {
		t.Errorf("an impossible length: %q", got)
	}
}
