package suid_test

import (
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// TestLimits: what is exactly as large as permitted, and one more.
func TestLimits(t *testing.T) {
	build := func(dirs, text int) *plan.Program {
		b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
		b.Add(plan.Step{Op: plan.OpSlave})
		b.Add(plan.Step{Op: plan.OpRoot})
		for range dirs {
			b.Add(plan.Step{Op: plan.OpDir, B: b.Str("/d")})
		}
		b.Add(plan.Step{Op: plan.OpPivot})
		b.EndSetup()
		b.Add(plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding})
		b.Add(plan.Step{Op: plan.OpExec})
		b.Command([]string{"/x"}, []string{strings.Repeat("x", text)}, []string{"PWD=/"}, 0)
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Verify(); v != plan.Good {
			t.Fatalf("refused by Verify with %d", v)
		}
		return p
	}
	room := suid.MaxBytes - len(build(0, 1).Bytes) + 1
	for _, c := range []struct {
		dirs, text int
		want       suid.Row
	}{
		{0, room, suid.Permitted},
		{0, room + 1, suid.RowBytes},
		{0, 2 * room, suid.RowBytes},
		{suid.MaxSteps - 5, 1, suid.Permitted},
		{suid.MaxSteps - 4, 1, suid.RowSteps},
		{2 * suid.MaxSteps, 1, suid.RowSteps},
		{suid.MaxSteps - 4, room, suid.RowBytes},
	} {
		p := build(c.dirs, c.text)
		row, at := gate(p, half)
		if row != c.want || row != suid.Permitted && at != plan.NoStep {
			t.Errorf("%d bytes, %d steps: row %d, step %d; want row %d", len(p.Bytes), p.Header().Steps, row, int32(at), c.want)
		}
	}
	if p := build(0, room); len(p.Bytes) != suid.MaxBytes {
		t.Errorf("the limit was tested with %d bytes", len(p.Bytes))
	}
	if p := build(suid.MaxSteps-5, 1); p.Header().Steps != suid.MaxSteps {
		t.Errorf("the limit was tested with %d steps", p.Header().Steps)
	}
}

// TestHalfMemory: sizes of a tmpfs at the edge of what there is.
func TestHalfMemory(t *testing.T) {
	for _, c := range []struct {
		size, half uint64
		want       suid.Row
	}{
		{0, half, suid.Permitted}, // the kernel's own choice
		{1, half, suid.Permitted},
		{half - 1, half, suid.Permitted},
		{half, half, suid.Permitted},
		{half + 1, half, suid.RowSize},
		{1<<32 - 1, 1<<32 - 1, suid.Permitted},
		{1 << 32, 1<<32 - 1, suid.RowSize},
		{1<<64 - 1, 1<<64 - 1, suid.Permitted},
		{1<<64 - 1, 1<<64 - 2, suid.RowSize},
		{0, 0, suid.Permitted}, // no memory is what a kernel has that does not say
		{1, 0, suid.RowSize},
		{1 << 32, 0, suid.RowSize},
	} {
		p := with(t, 0, 0, plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, F: uint32(c.size), G: uint32(c.size >> 32)})
		row, at := gate(p, c.half)
		if row != c.want || row != suid.Permitted && at != find(t, p, plan.OpMount) {
			t.Errorf("size %d of %d: row %d, step %d; want row %d", c.size, c.half, row, at, c.want)
		}
	}
	// The size is a tmpfs's alone; the acting side does not look at it elsewhere.
	for kind, clone := range map[uint32]uint32{plan.MountDevpts: 0, plan.MountMqueue: unix.CLONE_NEWIPC} {
		p := with(t, clone, 0, plan.Step{Op: plan.OpMount, A: kind, G: 1})
		if row, _ := gate(p, 0); row != suid.Permitted {
			t.Errorf("kind %d with a size: row %d", kind, row)
		}
	}
}

// TestSharedProc: the host's proc can be bound where processes are shared; any other proc
// would be a new one.
func TestSharedProc(t *testing.T) {
	p := sample(t)
	header(p).Clone &^= unix.CLONE_NEWPID
	var procs []uint32
	for i := range header(p).Steps {
		if step(p, i).Op == plan.OpProc {
			procs = append(procs, i)
		}
	}
	for _, i := range procs {
		if row, at := gate(p, half); step(p, i).A != 0 && step(p, i).Flags == 0 {
			continue
		} else if row != suid.RowProc || at != i {
			t.Errorf("step %d is a new proc: row %d, step %d", i, row, int32(at))
		}
		*step(p, i) = plan.Step{Op: plan.OpDir, B: step(p, i).B}
	}
	if row, at := gate(p, half); row != suid.Permitted {
		t.Errorf("the host's proc: row %d, step %d\n%s", row, int32(at), listing(p))
	}
	find(t, p, plan.OpProc) // one is left
}
