package compile_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// line is a command line in which most kinds of steps occur.
const line = "--unshare-all --uid 5 --hostname box --setenv A B --setenv C D --unsetenv HOME --perms 0700 --tmpfs /t --ro-bind / / --bind-try x /y " +
	"--overlay-src /a --overlay-src /b --ro-overlay /o --proc /proc --dev /dev --symlink a /b --chmod 0700 /t --lock-file /l --seccomp-profile strict sh -c true"

func compiler(t testing.TB) *compile.Compiler {
	t.Helper()
	text := flat.Text("\x00" + strings.Join(strings.Fields(line), "\x00") + "\x00")
	var p cmdline.Parser
	p.Start(1, flat.Word(len(text)))
	items := make([]flat.Item, 100)
	if s := p.Run(text, nil, items); s != cmdline.Done {
		t.Fatalf("%d %+v", s, p.Fault)
	}
	f := &compile.Facts{UID: 1000, GID: 1000, Cwd: []byte("/home"), Tty: true, Env: flat.Word(len(text))}
	text = append(text, "PATH=/bin:/usr/bin\x00malformed\x00HOME=/h\x00PWD=/home\x00"...)
	f.EnvEnd = flat.Word(len(text))
	return &compile.Compiler{Spec: &p.Spec, Items: items[:p.Items], Facts: f, Parts: emit.Parts{Text: text}}
}

func buffers(steps, slots, arena int) emit.Buffers {
	return emit.Buffers{
		Steps: make([]plan.Step, steps), From: make([]flat.Word, steps), Slots: make([]uint64, slots), Arena: make([]byte, arena),
	}
}

func made(t *testing.T, c *compile.Compiler) []byte {
	t.Helper()
	if r := c.Check(); r != compile.Fine {
		t.Fatalf("rule %d", r)
	}
	for c.Run() == compile.Full {
		c.Buffers = buffers(c.Want())
	}
	n, ok := c.Size()
	if !ok {
		t.Fatal("too large")
	}
	out := make([]byte, n)
	c.Layout(out)
	return out
}

// TestSmallBuffers checks that buffers of any size lead to the same plan.
func TestSmallBuffers(t *testing.T) {
	roomy := compiler(t)
	roomy.Buffers = buffers(1000, 1000, 1<<16)
	want := made(t, roomy)
	if v := (&plan.Program{Bytes: want}).Verify(); v != plan.Good {
		t.Fatalf("verdict %d", v)
	}
	for _, size := range [][3]int{{0, 0, 0}, {1, 1, 1}, {1000, 0, 1 << 16}, {10, 1000, 1 << 16}, {1000, 5, 100}, {30, 10, 50}} {
		c := compiler(t)
		c.Buffers = buffers(size[0], size[1], size[2])
		if got := made(t, c); !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes, want %d, or others", size, len(got), len(want))
		}
	}
}

// TestRunAllocates checks that the compiler allocates nothing.
func TestRunAllocates(t *testing.T) {
	c := compiler(t)
	c.Buffers = buffers(1000, 1000, 1<<16)
	out := make([]byte, 1<<17)
	if n := testing.AllocsPerRun(100, func() {
		if c.Check() != compile.Fine || c.Run() != compile.Done {
			t.Error("not done")
		}
		c.Layout(out)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
