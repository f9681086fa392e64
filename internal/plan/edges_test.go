package plan_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// TestVerifyShort: what is shorter than a header is not read as one.
func TestVerifyShort(t *testing.T) {
	whole := sample(t).Bytes
	for n := range plan.HeaderSize {
		fence.Around(t, whole[:n], func(data []byte) {
			if v := plan.Verify(unsafe.Pointer(unsafe.SliceData(data)), uint32(n)); v != plan.BadHeader {
				t.Errorf("%d bytes: verdict %d", n, v)
			}
		})
	}
}

// TestVerifyLabel: a label has to fit between the quotes of a mount option, with its NUL.
func TestVerifyLabel(t *testing.T) {
	for n, want := range map[int]plan.Verdict{
		0: plan.Good, 1: plan.Good, plan.MaxLabel - 1: plan.Good,
		plan.MaxLabel: plan.BadString, plan.MaxLabel + 1: plan.BadString, 1 << 16: plan.BadString,
	} {
		b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
		label := b.Str(strings.Repeat("l", n))
		for _, op := range []plan.Op{plan.OpSlave, plan.OpRoot} {
			b.Add(plan.Step{Op: op})
		}
		b.Add(plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: b.Str("/tmp"), C: label})
		b.Add(plan.Step{Op: plan.OpPivot})
		b.EndSetup()
		b.Add(plan.Step{Op: plan.OpExec})
		b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Verify(); v != want || (judge.Sound(p.Bytes) == nil) != (want == plan.Good) {
			t.Errorf("a label of %d bytes: verdict %d, want %d", n, v, want)
		}
	}
}

// TestVerifyFrame: mounts stop to propagate, then there is the frame, then it is left:
// each once, in set-up, also where a plan has nothing else.
func TestVerifyFrame(t *testing.T) {
	ops := map[string]plan.Op{
		"slave": plan.OpSlave, "root": plan.OpRoot, "pivot": plan.OpPivot, "setsid": plan.OpSetsid, "exec": plan.OpExec,
		"source": plan.OpSource, "bind": plan.OpBind, // of what is step 0
	}
	for text, want := range map[string]plan.Verdict{
		"slave root pivot | exec":             plan.Good,
		"slave slave root pivot | exec":       plan.Good,
		"source slave root bind pivot | exec": plan.Good,
		"slave source root bind pivot | exec": plan.BadOperand,
		"setsid slave root setsid pivot|exec": plan.Good,
		"root pivot | exec":                   plan.BadOrder,
		"setsid root pivot | exec":            plan.BadOrder,
		"root slave pivot | exec":             plan.BadOrder,
		"root pivot slave | exec":             plan.BadOrder,
		"slave pivot root | exec":             plan.BadOrder,
		"slave root | exec":                   plan.BadOrder,
		"slave pivot | exec":                  plan.BadOrder,
		"setsid | exec":                       plan.BadOrder,
		"| exec":                              plan.BadOrder,
		"slave root root pivot | exec":        plan.BadOrder,
		"slave root pivot root | exec":        plan.BadOrder,
		"slave root pivot pivot | exec":       plan.BadOrder,
		"slave root | pivot exec":             plan.BadOrder,
		"slave | root pivot exec":             plan.BadOrder,
		"| slave root pivot exec":             plan.BadOrder,
	} {
		b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
		setup, payload, _ := strings.Cut(text, "|")
		add := func(names string) {
			for _, name := range strings.Fields(names) {
				s := plan.Step{Op: ops[name]}
				if s.Op == plan.OpBind {
					s.B = b.Str("/dst")
				}
				b.Add(s)
			}
		}
		add(setup)
		b.EndSetup()
		add(payload)
		b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Verify(); v != want || (judge.Sound(p.Bytes) == nil) != (want == plan.Good) {
			t.Errorf("%s: verdict %d, want %d", text, v, want)
		}
	}
}

// TestVerifyLimits: the most steps that there may be, and no arena at all.
func TestVerifyLimits(t *testing.T) {
	b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
	b.Str("/x") // so that there is an arena, and it has its first NUL
	for range plan.MaxSteps - 3 {
		b.Add(plan.Step{Op: plan.OpSlave})
	}
	b.Add(plan.Step{Op: plan.OpRoot})
	b.Add(plan.Step{Op: plan.OpPivot})
	b.EndSetup()
	b.Add(plan.Step{Op: plan.OpExec})
	b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	if v := p.Verify(); v != plan.Good || header(p).Steps != plan.MaxSteps {
		t.Errorf("%d steps: verdict %d", header(p).Steps, v)
	}
	p = sample(t)
	h := header(p)
	p.Bytes = p.Bytes[:h.Arena]
	h.Size, h.ArenaLen = h.Arena, 0
	fence.Around(t, p.Bytes, func(data []byte) {
		if v := plan.Verify(unsafe.Pointer(unsafe.SliceData(data)), uint32(len(data))); v != plan.BadLayout {
			t.Errorf("no arena: verdict %d", v)
		}
	})
}

// TestVerifyMost: as many layers and instructions as there may be, and one more.
func TestVerifyMost(t *testing.T) {
	build := func(layers, kind uint32, instructions int) *plan.Program {
		b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
		b.Add(plan.Step{Op: plan.OpSlave})
		more := map[uint32]uint32{plan.OverlayRW: 2}[kind]
		for range layers + more {
			b.Add(plan.Step{Op: plan.OpSource, A: b.Str("/layer")})
		}
		b.Add(plan.Step{Op: plan.OpRoot})
		b.Add(plan.Step{Op: plan.OpOverlay, A: 1, B: b.Str("/o"), C: layers, D: kind})
		b.Add(plan.Step{Op: plan.OpPivot})
		b.EndSetup()
		b.Add(plan.Step{Op: plan.OpSeccomp, A: b.Blob(make([]byte, 8*instructions)), B: uint32(instructions)})
		b.Add(plan.Step{Op: plan.OpExec})
		b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		layers, kind uint32
		instructions int
		want         plan.Verdict
	}{
		{1, plan.OverlayRO, 1, plan.Good},
		{plan.MaxLayers, plan.OverlayRW, 1, plan.Good},
		{plan.MaxLayers, plan.OverlayTmp, 1, plan.Good},
		{plan.MaxLayers, plan.OverlayRO, plan.MaxFilter, plan.Good},
		{plan.MaxLayers + 1, plan.OverlayRW, 1, plan.BadOperand},
		{plan.MaxLayers + 1, plan.OverlayRO, 1, plan.BadOperand},
		{1, plan.OverlayRO, plan.MaxFilter + 1, plan.BadFilter},
		{1, plan.OverlayRO, 0, plan.BadFilter},
	} {
		p := build(c.layers, c.kind, c.instructions)
		if v := p.Verify(); v != c.want || (judge.Sound(p.Bytes) == nil) != (v == plan.Good) {
			t.Errorf("%d layers of kind %d, %d instructions: verdict %d, want %d", c.layers, c.kind, c.instructions, v, c.want)
		}
	}
	// A filter up to the plan's last byte, and one beyond it.
	p := build(1, plan.OverlayRO, 1)
	p.Bytes = append(p.Bytes, make([]byte, (8-header(p).ArenaLen%8)%8)...)
	s, h := step(p, find(t, p, plan.OpSeccomp)), header(p)
	h.Size, h.ArenaLen = uint32(len(p.Bytes)), uint32(len(p.Bytes))-h.Arena
	for beyond, want := range []plan.Verdict{plan.Good, plan.BadFilter} {
		s.B = (h.ArenaLen-s.A)/8 + uint32(beyond)
		if v := p.Verify(); v != want || (judge.Sound(p.Bytes) == nil) != (v == plan.Good) {
			t.Errorf("a filter that ends %d instructions beyond the plan: verdict %d, want %d", beyond, v, want)
		}
	}
}
