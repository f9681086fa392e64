package plan_test

import (
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
	"golang.org/x/sys/unix"
)

// refusals are ways to spoil the sample, each with what Verify must say. A verdict
// is for the log; that it is not Good is the contract.
var refusals = []struct {
	name  string
	want  plan.Verdict
	spoil func(t *testing.T, p *plan.Program)
}{
	{"nothing", plan.BadHeader, func(_ *testing.T, p *plan.Program) { p.Bytes = nil }},
	{"short header", plan.BadHeader, func(_ *testing.T, p *plan.Program) { p.Bytes = p.Bytes[:plan.HeaderSize-1] }},
	{"header alone", plan.BadHeader, func(_ *testing.T, p *plan.Program) { p.Bytes = p.Bytes[:plan.HeaderSize] }},
	{"other magic", plan.BadHeader, head(func(h *plan.Header) { h.Magic++ })},
	{"longer than it says", plan.BadHeader, func(_ *testing.T, p *plan.Program) { p.Bytes = append(p.Bytes, 0) }},
	{"shorter than it says", plan.BadHeader, func(_ *testing.T, p *plan.Program) { p.Bytes = p.Bytes[:len(p.Bytes)-1] }},

	{"too many steps", plan.BadLayout, head(func(h *plan.Header) { h.Steps = plan.MaxSteps + 1 })},
	{"no steps", plan.BadLayout, head(func(h *plan.Header) { h.Steps = 0 })},
	{"steps overflow", plan.BadLayout, head(func(h *plan.Header) { h.Steps += 1 << 27 })},
	{"too many slots", plan.BadLayout, head(func(h *plan.Header) { h.Slots = plan.MaxSlots + 1 })},
	{"slots overflow", plan.BadLayout, head(func(h *plan.Header) { h.Slots += 1 << 29 })},
	{"one step more", plan.BadLayout, head(func(h *plan.Header) { h.Steps++ })},
	{"one slot more", plan.BadLayout, head(func(h *plan.Header) { h.Slots++ })},
	{"join after setup", plan.BadLayout, head(func(h *plan.Header) { h.Join = h.Setup + 1 })},
	{"setup after the end", plan.BadLayout, head(func(h *plan.Header) { h.Setup = h.Steps + 1 })},
	{"arena elsewhere", plan.BadLayout, head(func(h *plan.Header) { h.Arena += 8; h.ArenaLen -= 8 })},
	{"arena too long", plan.BadLayout, head(func(h *plan.Header) { h.ArenaLen++ })},
	{"arena without first NUL", plan.BadLayout, func(_ *testing.T, p *plan.Program) { p.Bytes[header(p).Arena] = 'x' }},
	{"arena without last NUL", plan.BadLayout, func(_ *testing.T, p *plan.Program) { p.Bytes[len(p.Bytes)-1] = 'x' }},
	{"unknown flag", plan.BadLayout, head(func(h *plan.Header) { h.Flags |= 1 << 31 })},
	{"unknown namespace", plan.BadLayout, head(func(h *plan.Header) { h.Clone |= unix.CLONE_VM })},
	{"thread instead of process", plan.BadLayout, head(func(h *plan.Header) { h.Clone |= unix.CLONE_THREAD })},
	{"no mount namespace", plan.BadLayout, head(func(h *plan.Header) { h.Clone &^= unix.CLONE_NEWNS })},
	{"status 0 for failures", plan.BadLayout, head(func(h *plan.Header) { h.Failed = 0 })},
	{"status that is none", plan.BadLayout, head(func(h *plan.Header) { h.Failed = 256 })},
	{"tell in set-up", plan.BadOrder, swap(plan.OpTell, plan.OpSetsid)},
	{"a setting in set-up", plan.BadOrder, swap(plan.OpSet, plan.OpSetsid)},
	{"status fd below -1", plan.BadLayout, head(func(h *plan.Header) { h.JSONFd = -2 })},

	{"join without its flag", plan.BadOrder, head(func(h *plan.Header) { h.Flags &^= plan.FlagJoin })},
	{"flag without join", plan.BadOrder, head(func(h *plan.Header) { h.Join = 0 })},
	{"exec inside of set-up", plan.BadOrder, head(func(h *plan.Header) { h.Setup = h.Steps })},
	{"set-up without a payload", plan.BadOrder, func(_ *testing.T, p *plan.Program) {
		h := header(p)
		for i := h.Setup; i < h.Steps; i++ {
			*step(p, i) = plan.Step{Op: plan.OpSetsid}
		}
		h.Setup = h.Steps
	}},
	{"exec before the end", plan.BadOrder, swap(plan.OpSeccomp, plan.OpExec)},
	{"exec twice", plan.BadOrder, replace(plan.OpSeccomp, plan.Step{Op: plan.OpExec})},
	{"no exec", plan.BadOrder, replace(plan.OpExec, plan.Step{Op: plan.OpCaps})},
	{"filter in set-up", plan.BadOrder, swap(plan.OpSeccomp, plan.OpSetsid)},
	{"capabilities in set-up", plan.BadOrder, swap(plan.OpCaps, plan.OpSetsid)},
	{"no root", plan.BadOrder, replace(plan.OpRoot, plan.Step{Op: plan.OpSlave})},
	{"no pivot", plan.BadOrder, replace(plan.OpPivot, plan.Step{Op: plan.OpSetsid})},
	{"two roots", plan.BadOrder, replace(plan.OpSlave, plan.Step{Op: plan.OpRoot})},
	{"two pivots", plan.BadOrder, replace(plan.OpSetsid, plan.Step{Op: plan.OpPivot})},
	{"pivot before root", plan.BadOrder, swap(plan.OpRoot, plan.OpPivot)},
	{"source after root", plan.BadOrder, func(t *testing.T, p *plan.Program) {
		*step(p, find(t, p, plan.OpRemountRO)) = plan.Step{Op: plan.OpSource, A: step(p, find(t, p, plan.OpSource)).A}
	}},
	{"bind before root", plan.BadOrder, swap(plan.OpDir, plan.OpSlave)},
	{"directory after pivot", plan.BadOrder, swap(plan.OpDir, plan.OpSetsid)},
	{"chdir while the old root is there", plan.BadOrder, swap(plan.OpChdir, plan.OpLoopback)},
	{"label in the payload", plan.BadOrder, swap(plan.OpLabel, plan.OpSeccomp)},
	{"maps in the payload", plan.BadOrder, replace(plan.OpSeccomp, plan.Step{Op: plan.OpIDMap})},
	{"setns in the payload", plan.BadOrder, replace(plan.OpSeccomp, plan.Step{Op: plan.OpSetns})},
	{"flag of another operation", plan.BadOrder, at(plan.OpBind, func(s *plan.Step) { s.Flags = plan.FlagTry })},
	{"unknown step flag", plan.BadOrder, at(plan.OpCaps, func(s *plan.Step) { s.Flags |= 1 << 15 })},

	{"operation 0", plan.BadStep, at(plan.OpSetsid, func(s *plan.Step) { s.Op = 0 })},
	{"operation beyond the table", plan.BadStep, at(plan.OpSetsid, func(s *plan.Step) { s.Op = plan.NumOps })},
	{"the last operation number", plan.BadStep, at(plan.OpSetsid, func(s *plan.Step) { s.Op = 0xffff })},

	{"operand of nothing", plan.BadOperand, at(plan.OpSetsid, func(s *plan.Step) { s.A = 1 })},
	{"last operand of nothing", plan.BadOperand, at(plan.OpSetsid, func(s *plan.Step) { s.G = 1 })},
	{"the child's operand", plan.BadOperand, at(plan.OpSource, func(s *plan.Step) { s.G = 3 })},
	{"negative fd", plan.BadOperand, at(plan.OpFile, func(s *plan.Step) { s.A = 1 << 31 })},
	{"mode with more bits", plan.BadOperand, at(plan.OpDir, func(s *plan.Step) { s.D = 0o10000 })},
	{"parents with more bits", plan.BadOperand, at(plan.OpDir, func(s *plan.Step) { s.E = 0o10000 })},
	{"mount flag that loosens", plan.BadOperand, at(plan.OpBind, func(s *plan.Step) { s.C |= unix.MS_REMOUNT })},
	{"mode of a new mount with more bits", plan.BadOperand, at(plan.OpMount, func(s *plan.Step) { s.D |= unix.MS_BIND })},
	{"unknown kind of mount", plan.BadOperand, at(plan.OpMount, func(s *plan.Step) { s.A = plan.MountMqueue + 1 })},
	{"unknown kind of label", plan.BadOperand, at(plan.OpLabel, func(s *plan.Step) { s.A = plan.LabelNew + 1 })},
	{"label that ends its quotes", plan.BadString, text(plan.OpLabel, `l",x`)},
	{"label with a backslash", plan.BadString, text(plan.OpLabel, `la\el`)},
	{"label of two lines", plan.BadString, text(plan.OpLabel, "la\nel")},
	{"label after the end", plan.BadString, at(plan.OpMount, func(s *plan.Step) { s.C = 1 << 31 })},
	{"namespace of setns", plan.BadOperand, at(plan.OpSetns, func(s *plan.Step) { s.B |= unix.CLONE_FS })},
	{"source that is none", plan.BadOperand, at(plan.OpBind, func(s *plan.Step) { s.A-- })},
	{"source before join", plan.BadOperand, at(plan.OpBind, func(s *plan.Step) { s.A = 0 })},
	{"source after itself", plan.BadOperand, at(plan.OpBind, func(s *plan.Step) { s.A = 1 << 30 })},
	{"proc or a bind of nothing", plan.BadOperand, at(plan.OpProc, func(s *plan.Step) { s.Flags |= plan.FlagOrBind })},
	{"proc with two fallbacks", plan.BadOperand, func(t *testing.T, p *plan.Program) {
		s := step(p, find(t, p, plan.OpProc))
		s.A, s.Flags = find(t, p, plan.OpSource), plan.FlagOrBind|plan.FlagOrNone
	}},
	{"proc or a bind of what is not a source", plan.BadOperand, func(t *testing.T, p *plan.Program) {
		s := step(p, find(t, p, plan.OpProc))
		s.A, s.Flags = find(t, p, plan.OpSlave), plan.FlagOrBind
	}},
	{"overlay without layers", plan.BadOperand, at(plan.OpOverlay, func(s *plan.Step) { s.C = 0 })},
	{"overlay with too many", plan.BadOperand, at(plan.OpOverlay, func(s *plan.Step) { s.C = plan.MaxLayers + 1 })},
	{"overlay over the end", plan.BadOperand, at(plan.OpOverlay, func(s *plan.Step) { s.C = 4 })},
	{"overlay without its work directory", plan.BadOperand, at(plan.OpOverlay, func(s *plan.Step) { s.C = 2 })},
	{"unknown overlay", plan.BadOperand, at(plan.OpOverlay, func(s *plan.Step) { s.D = plan.OverlayRO + 1 })},

	{"string after the end", plan.BadString, at(plan.OpHostname, func(s *plan.Step) { s.A = 1 << 31 })},
	{"string at the end", plan.BadString, func(t *testing.T, p *plan.Program) {
		step(p, find(t, p, plan.OpHostname)).A = header(p).ArenaLen
	}},
	{"relative destination", plan.BadString, func(t *testing.T, p *plan.Program) {
		step(p, find(t, p, plan.OpDir)).B = step(p, find(t, p, plan.OpHostname)).A
	}},
	{"empty destination", plan.BadString, at(plan.OpDir, func(s *plan.Step) { s.B = 0 })},
	{"host path after the end", plan.BadString, at(plan.OpSource, func(s *plan.Step) { s.A = 1<<32 - 1 })},

	{"empty filter", plan.BadFilter, at(plan.OpSeccomp, func(s *plan.Step) { s.B = 0 })},
	{"filter longer than the kernel takes", plan.BadFilter, at(plan.OpSeccomp, func(s *plan.Step) { s.B = plan.MaxFilter + 1 })},
	{"filter over the end", plan.BadFilter, at(plan.OpSeccomp, func(s *plan.Step) { s.B = plan.MaxFilter })},
	{"filter after the end", plan.BadFilter, at(plan.OpSeccomp, func(s *plan.Step) { s.A = 1<<32 - 8 })},
	{"filter not aligned", plan.BadFilter, at(plan.OpSeccomp, func(s *plan.Step) { s.A -= 4 })},

	{"no arguments", plan.BadSlot, head(func(h *plan.Header) { h.Argc = 0 })},
	{"no file to run", plan.BadSlot, head(func(h *plan.Header) { h.Pathc = 0 })},
	{"arguments over the end", plan.BadSlot, head(func(h *plan.Header) { h.Argc = h.Slots })},
	{"arguments overflow", plan.BadSlot, head(func(h *plan.Header) { h.Argc = 1<<32 - 1 })},
	{"environment overflow", plan.BadSlot, head(func(h *plan.Header) { h.Env = 1<<32 - 1; h.Envc = 2 })},
	{"environment is the arguments", plan.BadSlot, head(func(h *plan.Header) { h.Env = h.Argv; h.Envc = h.Argc; h.Pwd = h.Env })},
	{"files are the arguments", plan.BadSlot, head(func(h *plan.Header) { h.Paths = h.Argv })},
	{"script over the environment", plan.BadSlot, head(func(h *plan.Header) { h.Script = h.Env })},
	{"closed fds over the end", plan.BadSlot, head(func(h *plan.Header) { h.Close = h.Slots; h.Closec = 1 })},
	{"early fds over the end", plan.BadSlot, head(func(h *plan.Header) { h.Early = h.Slots; h.Earlyc = 1 })},
	{"sync fds over the end", plan.BadSlot, head(func(h *plan.Header) { h.Sync = h.Slots; h.Syncc = 1 })},
	{"PWD before the environment", plan.BadSlot, head(func(h *plan.Header) { h.Pwd = h.Env - 1 })},
	{"PWD after the environment", plan.BadSlot, head(func(h *plan.Header) { h.Pwd = h.Env + h.Envc })},
	{"argument after the end", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Argv + 1, uint64(h.ArenaLen) })},
	{"argument beyond 32 bits", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Argv, 1 << 32 })},
	{"variable after the end", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Env + 2, 1 << 20 })},
	{"file after the end", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Paths + 1, 1 << 63 })},
	{"arguments without an end", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Argv + h.Argc, 1 })},
	{"environment without an end", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Env + h.Envc, 1 })},
	{"closed fd is none", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Close, 1 << 31 })},
	{"early fd is none", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Early, 1<<64 - 1 })},
	{"sync fd is none", plan.BadSlot, slots(func(h *plan.Header) (uint32, uint64) { return h.Sync, 1 << 40 })},
}

type spoiler = func(*testing.T, *plan.Program)

func head(f func(*plan.Header)) spoiler {
	return func(_ *testing.T, p *plan.Program) { f(header(p)) }
}

func at(op plan.Op, f func(*plan.Step)) spoiler {
	return func(t *testing.T, p *plan.Program) { f(step(p, find(t, p, op))) }
}

func replace(op plan.Op, by plan.Step) spoiler {
	return at(op, func(s *plan.Step) { *s = by })
}

func swap(a, b plan.Op) spoiler {
	return func(t *testing.T, p *plan.Program) {
		x, y := step(p, find(t, p, a)), step(p, find(t, p, b))
		*x, *y = *y, *x
	}
}

// text writes another string over the beginning of operand B.
func text(op plan.Op, s string) spoiler {
	return func(t *testing.T, p *plan.Program) {
		copy(p.Bytes[header(p).Arena+step(p, find(t, p, op)).B:], s)
	}
}

func slots(f func(*plan.Header) (uint32, uint64)) spoiler {
	return func(_ *testing.T, p *plan.Program) {
		i, v := f(header(p))
		*slot(p, i) = v
	}
}

func TestVerifyRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			p := sample(t)
			c.spoil(t, p)
			if got := p.Verify(); got != c.want {
				t.Errorf("verdict %d, want %d", got, c.want)
			}
			if judge.Sound(p.Bytes) == nil {
				t.Error("the other judge has nothing against it")
			}
		})
	}
}

// TestVerdictsReached: every verdict has a case above.
func TestVerdictsReached(t *testing.T) {
	for v := plan.BadHeader; v <= plan.BadOrder; v++ {
		if !slices.ContainsFunc(refusals, func(c struct {
			name  string
			want  plan.Verdict
			spoil func(*testing.T, *plan.Program)
		},
		) bool {
			return c.want == v
		}) {
			t.Errorf("no case for verdict %d", v)
		}
	}
}

// TestVerifyTruncated: no prefix of a plan is a plan, even if its size says so.
func TestVerifyTruncated(t *testing.T) {
	whole := sample(t)
	for n := plan.HeaderSize; n < len(whole.Bytes); n++ {
		p := &plan.Program{Bytes: slices.Clone(whole.Bytes[:n])}
		if v := p.Verify(); v == plan.Good {
			t.Fatalf("the first %d bytes are Good", n)
		}
		h := header(p)
		h.Size = uint32(n)
		if v := p.Verify(); v == plan.Good {
			t.Fatalf("the first %d bytes are Good, once the size fits", n)
		}
		if h.Arena < uint32(n) {
			h.ArenaLen = uint32(n) - h.Arena
			if v, err := p.Verify(), judge.Sound(p.Bytes); (v == plan.Good) != (err == nil) {
				t.Fatalf("the first %d bytes: verdict %d, but %v", n, v, err)
			}
		}
	}
}

func TestSoundSample(t *testing.T) {
	if err := judge.Sound(sample(t).Bytes); err != nil {
		t.Error(err)
	}
}
