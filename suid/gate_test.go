package suid_test

import (
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// refusal is a way to spoil the sample, with the row that has to refuse it. The change
// returns the step that is to be named.
type refusal struct {
	name   string
	want   suid.Row
	change func(t *testing.T, p *plan.Program) uint32
}

// at changes the first step with an operation.
func at(op plan.Op, f func(*plan.Step)) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		i := find(t, p, op)
		f(step(p, i))
		return i
	}
}

// become puts a step in the place of the first one with an operation.
func become(op plan.Op, s plan.Step) func(*testing.T, *plan.Program) uint32 {
	return at(op, func(old *plan.Step) { *old = s })
}

// head changes the header; the plan as a whole is to blame.
func head(f func(*plan.Header)) func(*testing.T, *plan.Program) uint32 {
	return func(_ *testing.T, p *plan.Program) uint32 {
		f(header(p))
		return plan.NoStep
	}
}

// without takes a namespace away; the step with op is to blame.
func without(flag uint32, op plan.Op, nth int) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		header(p).Clone &^= flag
		i := find(t, p, op)
		for range nth {
			for i++; step(p, i).Op != op; i++ {
				continue
			}
		}
		return i
	}
}

// exchange lets two steps change places; the one with b, which now stands in front, or
// the first one with a, is to blame.
func exchange(a, b plan.Op, blame func(i, j uint32) uint32) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		i, j := find(t, p, a), find(t, p, b)
		x, y := step(p, i), step(p, j)
		*x, *y = *y, *x
		return blame(i, j)
	}
}

func first(i, _ uint32) uint32 { return i }

var refusals = []refusal{
	{"a joining part", suid.RowJoin, func(_ *testing.T, p *plan.Program) uint32 {
		h := header(p)
		h.Join, h.Flags = 1, h.Flags|plan.FlagJoin
		*step(p, 0) = plan.Step{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWUSER}
		return 0
	}},
	{"the flag of a joining part alone", suid.RowJoin, func(_ *testing.T, p *plan.Program) uint32 {
		header(p).Flags |= plan.FlagJoin
		return 0
	}},
	{"a joining part without its flag", suid.RowJoin, func(_ *testing.T, p *plan.Program) uint32 {
		header(p).Join = 1
		return 0
	}},
	{"forgiveness", suid.RowForgive, head(func(h *plan.Header) { h.Flags |= plan.FlagForgive })},

	{"a namespace entered in set-up", suid.RowSetns, become(plan.OpSetsid, plan.Step{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWNET})},
	{"a namespace entered first", suid.RowSetns, become(plan.OpLoopback, plan.Step{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWNS})},
	{"maps", suid.RowIDMap, become(plan.OpLoopback, plan.Step{Op: plan.OpIDMap})},
	{"maps after the pivot", suid.RowIDMap, become(plan.OpSetsid, plan.Step{Op: plan.OpIDMap})},
	{"maps that somebody else writes", suid.RowIDMap, become(plan.OpLoopback, plan.Step{Op: plan.OpIDMap, Flags: plan.FlagOutside})},
	{"other ids", suid.RowUnknown, become(plan.OpLoopback, plan.Step{Op: plan.OpBecome})},
	{"other ids after the pivot", suid.RowUnknown, become(plan.OpSetsid, plan.Step{Op: plan.OpBecome, A: 1})},
	{"groups given up", suid.RowUnknown, become(plan.OpSetsid, plan.Step{Op: plan.OpGroups})},
	{"a namespace below, with maps", suid.RowUnknown, become(plan.OpSetsid, plan.Step{Op: plan.OpNest})},
	{"a namespace unshared", suid.RowNested, become(plan.OpSetsid, plan.Step{Op: plan.OpUnshare, A: unix.CLONE_NEWUSER})},
	{"nothing unshared", suid.RowNested, become(plan.OpSetsid, plan.Step{Op: plan.OpUnshare})},
	{"a limit on user namespaces", suid.RowNested, become(plan.OpSetsid, plan.Step{Op: plan.OpLimitUserns})},
	{"a score of the kernel's", suid.RowScore, become(plan.OpSetsid, plan.Step{Op: plan.OpScore})},
	{"an overlay with writes", suid.RowOverlay, overlay(plan.OverlayRW)},
	{"an overlay that forgets", suid.RowOverlay, overlay(plan.OverlayTmp)},
	{"an overlay that is read", suid.RowOverlay, overlay(plan.OverlayRO)},

	{"loopback of the host", suid.RowLoopback, without(unix.CLONE_NEWNET, plan.OpLoopback, 0)},
	{"hostname of the host", suid.RowHostname, without(unix.CLONE_NEWUTS, plan.OpHostname, 0)},
	{"a new proc of the host's processes", suid.RowProc, without(unix.CLONE_NEWPID, plan.OpProc, 0)},
	{"a new proc of the host's processes, or its own", suid.RowProc, func(t *testing.T, p *plan.Program) uint32 {
		header(p).Clone &^= unix.CLONE_NEWPID
		i := find(t, p, plan.OpProc)
		step(p, i).A, step(p, i).Flags = step(p, i+1).A, plan.FlagOrBind
		return i
	}},
	{"a new proc, or a bind of something else", suid.RowProc, func(t *testing.T, p *plan.Program) uint32 {
		i := find(t, p, plan.OpProc)
		step(p, i).A, step(p, i).Flags = find(t, p, plan.OpSource), plan.FlagOrBind
		return i
	}},
	{"queues of the host", suid.RowMqueue, without(unix.CLONE_NEWIPC, plan.OpMount, 2)},
	{"proc by its source: another path", suid.RowProc, procFrom(plan.OpSource, 0)},
	{"proc by its source: a descriptor", suid.RowProc, procFrom(plan.OpSource, 1)},
	{"proc by its source: the terminal", suid.RowProc, procFrom(plan.OpSource, 2)},
	{"proc by its source: may be missing", suid.RowProc, func(t *testing.T, p *plan.Program) uint32 {
		i := find(t, p, plan.OpProc) + 1
		step(p, step(p, i).A).Flags = plan.FlagTry
		return i
	}},
	{"proc by its source: a path below", suid.RowProc, procPath("/proc/sys", 0)},
	{"proc by its source: a longer name", suid.RowProc, procPath("/proc2", 0)},
	{"proc by its source: relative", suid.RowProc, procPath("/proc", 1)},
	{"proc by its source: a part of the name", suid.RowProc, procPath("/proc", 4)},
	{"proc by its source: empty", suid.RowProc, procPath("/proc", 5)},

	{"a tmpfs of a byte more than half", suid.RowSize, sized(half + 1)},
	{"a tmpfs of all that a number holds", suid.RowSize, sized(1<<64 - 1)},
	{"a tmpfs that is large in its high half alone", suid.RowSize, sized(3 << 32)},

	{"a wait while the old root is there", suid.RowBlock, become(plan.OpLoopback, plan.Step{Op: plan.OpWaitFd, A: 12})},
	{"a wait in the frame", suid.RowBlock, become(plan.OpGo, plan.Step{Op: plan.OpWaitFd, A: 12})},
	{"a wait just before the pivot", suid.RowBlock, func(t *testing.T, p *plan.Program) uint32 {
		i := find(t, p, plan.OpPivot) - 1
		*step(p, i) = plan.Step{Op: plan.OpWaitFd, A: 12}
		return i
	}},

	{"capabilities kept: none given up", suid.RowCapsKept, func(t *testing.T, p *plan.Program) uint32 {
		i := find(t, p, plan.OpCaps)
		*step(p, i) = plan.Step{Op: plan.OpLock}
		return i + 1
	}},
	{"capabilities kept until exec", suid.RowCapsKept, func(t *testing.T, p *plan.Program) uint32 {
		h := header(p)
		for i := h.Setup; i < h.Steps-1; i++ {
			*step(p, i) = plan.Step{Op: plan.OpLock}
		}
		return h.Steps - 1
	}},
	{"a place entered first", suid.RowCapsKept, exchange(plan.OpCaps, plan.OpChdir, first)},
	{"a fence first", suid.RowCapsKept, exchange(plan.OpCaps, plan.OpFence, first)},
	{"a cgroup", suid.RowCgroup, become(plan.OpSeccomp, plan.Step{Op: plan.OpCgroup})},
	{"a limit first", suid.RowCapsKept, exchange(plan.OpCaps, plan.OpSet, first)},
	{"a filter first", suid.RowCapsKept, exchange(plan.OpCaps, plan.OpSeccomp, first)},
	{"the bounding set kept", suid.RowCapsKept, at(plan.OpCaps, func(s *plan.Step) { s.Flags = 0 })},
	{"leniency", suid.RowCapsKept, at(plan.OpCaps, func(s *plan.Step) { s.Flags |= plan.FlagLenient })},
	{"leniency alone", suid.RowCapsKept, at(plan.OpCaps, func(s *plan.Step) { s.Flags = plan.FlagLenient })},
	{"a second word about capabilities", suid.RowCapAdd, become(plan.OpSeccomp, plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding, C: 1})},
	{"a second word, lenient", suid.RowCapsKept, become(plan.OpSeccomp, plan.Step{Op: plan.OpCaps, Flags: plan.FlagLenient})},

	{"an unknown file system", suid.RowUnknown, at(plan.OpMount, func(s *plan.Step) { s.A = plan.MountMqueue + 1 })},
	{"any file system", suid.RowUnknown, at(plan.OpMount, func(s *plan.Step) { s.A = 1<<32 - 1 })},
}

// overlay puts an overlay into the frame, with what Verify wants of one.
func overlay(kind uint32) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		src := find(t, p, plan.OpSource)
		for k := range uint32(4) {
			step(p, src+k).Flags = 0
		}
		i := find(t, p, plan.OpDir)
		*step(p, i) = plan.Step{Op: plan.OpOverlay, A: src, B: step(p, i).B, C: 2, D: kind}
		if v := p.Verify(); v != plan.Good {
			t.Errorf("Verify refuses it with %d", v)
		}
		return i
	}
}

// procFrom lets the host's proc come from the nth source.
func procFrom(op plan.Op, nth uint32) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		i := find(t, p, plan.OpProc) + 1
		step(p, i).A = find(t, p, op) + nth
		return i
	}
}

// procPath lets the source of the host's proc be path, or what follows on its first skip
// bytes. It uses the room of the arena's last strings, which nothing here reads.
func procPath(path string, skip uint32) func(*testing.T, *plan.Program) uint32 {
	return func(t *testing.T, p *plan.Program) uint32 {
		t.Helper()
		h := header(p)
		off := h.ArenaLen - uint32(len(path)) - 1
		copy(p.Bytes[h.Arena+off:], path)
		i := find(t, p, plan.OpProc) + 1
		step(p, step(p, i).A).A = off + skip
		return i
	}
}

// sized gives the tmpfs a size.
func sized(n uint64) func(*testing.T, *plan.Program) uint32 {
	return at(plan.OpMount, func(s *plan.Step) { s.F, s.G = uint32(n), uint32(n>>32) })
}

// cases are refusals, and those that follow a pattern.
func cases() []refusal {
	out := slices.Clone(refusals)
	for c := range uint32(16) { // every set of the flags that a bind can add
		if c&unix.MS_NOSUID != 0 {
			continue
		}
		out = append(
			out,
			refusal{"a bind without nosuid", suid.RowSetuidBind, at(plan.OpBind, func(s *plan.Step) { s.C = c })},
			refusal{"data without nosuid", suid.RowSetuidBind, at(plan.OpData, func(s *plan.Step) { s.C = c })},
		)
	}
	operands := []func(*plan.Step) *uint32{
		func(s *plan.Step) *uint32 { return &s.A },
		func(s *plan.Step) *uint32 { return &s.B },
		func(s *plan.Step) *uint32 { return &s.C },
		func(s *plan.Step) *uint32 { return &s.D },
		func(s *plan.Step) *uint32 { return &s.E },
		func(s *plan.Step) *uint32 { return &s.F },
	}
	for _, operand := range operands {
		for bit := range 32 {
			out = append(out, refusal{"a capability", suid.RowCapAdd, at(plan.OpCaps, func(s *plan.Step) { *operand(s) = 1 << bit })})
		}
	}
	return out
}

func TestGateRefuses(t *testing.T) {
	for _, c := range cases() {
		p := sample(t)
		i := c.change(t, p)
		row, at := gate(p, half)
		if row != c.want || at != i {
			t.Errorf("%s: row %d, step %d; want row %d, step %d", c.name, row, int32(at), c.want, int32(i))
		}
	}
}

// TestRowsReached: every row of the policy has a case, here or with the administrator's
// restrictions.
func TestRowsReached(t *testing.T) {
	reached := map[suid.Row]bool{
		suid.RowBytes: true, suid.RowSteps: true, // TestLimits
		// Not of the plan but of the caller and the kernel: TestReservedIDs, TestPowerless (tests/setuid).
		suid.RowReserved: true, suid.RowNoOwner: true, suid.RowPowerless: true,
	}
	for _, c := range cases() {
		reached[c.want] = true
	}
	for _, c := range restrictions {
		row, _ := suid.FromExtra(c.want)
		reached[row] = true
	}
	for row := suid.Permitted + 1; row < suid.NumRows; row++ {
		if !reached[row] {
			t.Errorf("row %d has no case", row)
		}
	}
}

// TestNotNamedIsRefused puts every operation that a number can name into set-up, and into
// the payload, with operands that the policy has nothing against. Where it is not named
// here the policy has to refuse it as unknown.
func TestNotNamedIsRefused(t *testing.T) {
	inSetup := map[plan.Op]suid.Row{
		plan.OpSource: 0, plan.OpSlave: 0, plan.OpRoot: 0, plan.OpPivot: 0, plan.OpGo: 0, plan.OpBind: 0, plan.OpMount: 0,
		plan.OpDir: 0, plan.OpFile: 0, plan.OpData: 0, plan.OpSymlink: 0, plan.OpChmod: 0, plan.OpRemountRO: 0, plan.OpMask: 0, plan.OpProtect: 0, plan.OpProc: 0,
		plan.OpLoopback: 0, plan.OpHostname: 0, plan.OpWaitFd: 0, plan.OpSetsid: 0, plan.OpLabel: 0, plan.OpNoUserns: 0,
		plan.OpSetns: suid.RowSetns, plan.OpIDMap: suid.RowIDMap, plan.OpUnshare: suid.RowNested,
		plan.OpLimitUserns: suid.RowNested, plan.OpOverlay: suid.RowOverlay, plan.OpScore: suid.RowScore,
	}
	inPayload := map[plan.Op]bool{
		plan.OpLock: true, plan.OpCaps: true, plan.OpFence: true, plan.OpSocket: true, plan.OpChdir: true, plan.OpTell: true, plan.OpSet: true, plan.OpClose: true, plan.OpTimeout: true, plan.OpSeccomp: true, plan.OpExec: true,
	}
	numbers := []plan.Op{1 << 8, 1 << 15, 1<<16 - 1}
	for op := range plan.NumOps + 64 {
		numbers = append(numbers, op)
	}
	for _, op := range numbers {
		p := sample(t)
		i := find(t, p, plan.OpSetsid)
		*step(p, i) = plan.Step{Op: op, C: unix.MS_NOSUID}
		want, named := inSetup[op]
		if !named {
			want = suid.RowUnknown
		}
		if row, at := gate(p, half); row != want || row != suid.Permitted && at != i {
			t.Errorf("%v (%d) in set-up: row %d, step %d; want row %d, step %d", op, op, row, at, want, i)
		}
		p = sample(t)
		i = find(t, p, plan.OpSeccomp)
		*step(p, i) = plan.Step{Op: op, Flags: plan.FlagBounding}
		want = suid.RowUnknown
		if inPayload[op] {
			want = suid.Permitted
		}
		if op == plan.OpCgroup {
			want = suid.RowCgroup
		}
		if row, at := gate(p, half); row != want || row != suid.Permitted && at != i {
			t.Errorf("%v (%d) in the payload: row %d, step %d; want row %d, step %d", op, op, row, at, want, i)
		}
	}
}
