package suid_test

import (
	"encoding/binary"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
	"golang.org/x/sys/unix"
)

// compare compares Gate with judge.Harmless, on a plan that Verify finds Good. It returns the
// row.
func compare(t testing.TB, p *plan.Program, halfMemory uint64) suid.Row {
	t.Helper()
	row, at := gate(p, halfMemory)
	err := judge.Harmless(p, halfMemory)
	if (row == suid.Permitted) != (err == nil) {
		t.Fatalf("row %d, step %d, but: %v\n%s", row, int32(at), err, listing(p))
	}
	if row >= suid.NumRows || row != suid.Permitted && at != plan.NoStep && at >= p.Header().Steps {
		t.Fatalf("row %d, step %d of %d", row, at, p.Header().Steps)
	}
	return row
}

func listing(p *plan.Program) string {
	return (&plan.Program{Bytes: p.Bytes, Origins: make([]plan.Origin, p.Header().Steps)}).Dump()
}

// TestGateEdited puts numbers at the edge of something into every word of the sample.
// Where the plan stays Good, Gate and judge.Harmless have to agree.
func TestGateEdited(t *testing.T) {
	p := sample(t)
	h := p.Header()
	values := []uint32{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 0xffff, h.Setup, h.Steps, h.ArenaLen - 1, 0o7777, 1<<31 - 1, 1 << 31, 1<<32 - 1,
		unix.CLONE_NEWNS, all, plan.FlagForgive, plan.FlagJoin, plan.FlagTentative,
	}
	for op := range plan.NumOps {
		values = append(values, uint32(op), uint32(op)|plan.FlagBounding<<16, uint32(op)|plan.FlagTry<<16)
	}
	good, permitted := 0, 0
	for at := 0; at < plan.HeaderSize+int(h.Steps)*plan.StepSize; at += 4 {
		old := binary.LittleEndian.Uint32(p.Bytes[at:])
		for _, v := range append(values, old-1, old+1, old^1<<16, old|1<<31) {
			binary.LittleEndian.PutUint32(p.Bytes[at:], v)
			if p.Verify() != plan.Good {
				continue
			}
			good++
			if compare(t, p, half) == suid.Permitted {
				permitted++
			}
		}
		binary.LittleEndian.PutUint32(p.Bytes[at:], old)
	}
	t.Logf("%d Good, %d of them permitted", good, permitted)
	if good-permitted < 300 || permitted < 1000 {
		t.Errorf("%d plans are Good and %d of them permitted: too few to say anything", good, permitted)
	}
}

// TestHarmlessCatches: the predicate objects to what the table of refusals has, wherever
// Verify lets it through.
func TestHarmlessCatches(t *testing.T) {
	good := 0
	for _, c := range cases() {
		p := sample(t)
		c.change(t, p)
		if p.Verify() != plan.Good {
			continue
		}
		good++
		if judge.Harmless(p, half) == nil {
			t.Errorf("%s: harmless", c.name)
		}
	}
	if err := judge.Harmless(sample(t), half); err != nil {
		t.Errorf("the sample: %v", err)
	}
	if good < 100 {
		t.Errorf("only %d of the cases are Good", good)
	}
}

// TestGateInside: Gate reads the plan and nothing else, and writes nothing.
func TestGateInside(t *testing.T) {
	for _, c := range append(cases(), refusal{"the sample", suid.Permitted, func(*testing.T, *plan.Program) uint32 { return 0 }}) {
		p := sample(t)
		c.change(t, p)
		fence.Around(t, p.Bytes, func(data []byte) {
			if row, _ := gate(&plan.Program{Bytes: data}, half); row != c.want {
				t.Errorf("%s: row %d, want %d", c.name, row, c.want)
			}
		})
	}
	// A path that ends with the plan, and is the beginning of another.
	for n := range len("/proc") {
		p := sample(t)
		procPath("/proc"[:n], 0)(t, p)
		fence.Around(t, p.Bytes, func(data []byte) {
			if row, _ := gate(&plan.Program{Bytes: data}, half); row != suid.RowProc {
				t.Errorf("proc from %q: row %d", "/proc"[:n], row)
			}
		})
	}
}
