package plan_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// filter is a seccomp filter of two instructions.
var filter = bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, 2)

// sample is a program with every operation, in an order that a launch could have.
func sample(t testing.TB) *plan.Program {
	t.Helper()
	b := &planbuild.Builder{
		Flags: plan.FlagInit | plan.FlagDieWithParent | plan.FlagHandshake | plan.FlagForgive,
		Clone: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS,
	}
	add := func(s plan.Step) uint32 { return b.Add(s) }
	str := b.Str
	add(plan.Step{Op: plan.OpSetns, A: 9, B: unix.CLONE_NEWUSER})
	b.EndJoin()
	add(plan.Step{Op: plan.OpWaitFd, A: 12})
	add(plan.Step{Op: plan.OpIDMap, A: str("0 1000 1\n"), B: str("0 1000 1\n"), Flags: plan.FlagOutside})
	add(plan.Step{Op: plan.OpLoopback})
	add(plan.Step{Op: plan.OpSlave})
	src := add(plan.Step{Op: plan.OpSource, A: str("/usr")})
	add(plan.Step{Op: plan.OpSource, B: 7, Flags: plan.FlagConsole})
	add(plan.Step{Op: plan.OpSource, A: str("/try"), Flags: plan.FlagTry})
	lower := add(plan.Step{Op: plan.OpSource, A: str("/low")})
	add(plan.Step{Op: plan.OpSource, A: str("/upper")})
	add(plan.Step{Op: plan.OpSource, A: str("/work")})
	add(plan.Step{Op: plan.OpBecome, A: 33, B: 1<<32 - 2})
	add(plan.Step{Op: plan.OpRoot})
	b.From(plan.Origin{Words: []string{"--ro-bind", "/usr", "/usr"}})
	add(plan.Step{Op: plan.OpBind, A: src, B: str("/usr"), C: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV, E: 0o700})
	b.From(plan.Origin{})
	add(plan.Step{Op: plan.OpGo})
	add(plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: str("/tmp"), C: str("label"), D: 0o755, E: 0o755, F: 4096, G: 1})
	add(plan.Step{Op: plan.OpOverlay, A: lower, B: str("/o"), C: 1, D: plan.OverlayRW, E: 0o700})
	add(plan.Step{Op: plan.OpDir, B: str("/d"), D: 0o1777, E: 0o755})
	add(plan.Step{Op: plan.OpFile, A: 4, B: str("/f"), D: 0o666, E: 0o755})
	add(plan.Step{Op: plan.OpData, A: 5, B: str("/b"), C: unix.MS_NOSUID, D: 0o600, E: 0o755})
	add(plan.Step{Op: plan.OpSymlink, A: str("usr/lib"), B: str("/lib"), E: 0o700})
	add(plan.Step{Op: plan.OpChmod, B: str("/d"), D: 0o711})
	add(plan.Step{Op: plan.OpRemountRO, B: str("/tmp")})
	add(plan.Step{Op: plan.OpMask, B: str("/d/**/x"), Flags: plan.FlagGlob | plan.FlagTry})
	add(plan.Step{Op: plan.OpProtect, A: 1, B: str("/d/y")})
	add(plan.Step{Op: plan.OpProc, Flags: plan.FlagCover, B: str("/proc"), E: 0o700})
	add(plan.Step{Op: plan.OpPivot})
	add(plan.Step{Op: plan.OpHostname, A: str("box")})
	add(plan.Step{Op: plan.OpLimitUserns})
	add(plan.Step{Op: plan.OpGroups})
	add(plan.Step{Op: plan.OpNest, A: str("0 0 9\n"), B: str("0 0 9\n")})
	add(plan.Step{Op: plan.OpUnshare, A: unix.CLONE_NEWUSER})
	add(plan.Step{Op: plan.OpIDMap, A: str("1000 0 1\n"), B: str("1000 0 1\n")})
	add(plan.Step{Op: plan.OpNoUserns})
	add(plan.Step{Op: plan.OpSetsid})
	add(plan.Step{Op: plan.OpScore, A: str("500")})
	add(plan.Step{Op: plan.OpLabel, A: plan.LabelNew, B: str("label")})
	b.EndSetup()
	add(plan.Step{Op: plan.OpLock, A: str("/lock")})
	add(plan.Step{Op: plan.OpCaps, A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, Flags: plan.FlagBounding | plan.FlagLenient})
	add(plan.Step{Op: plan.OpFence})
	add(plan.Step{Op: plan.OpChdir, A: str("/home"), B: str("PWD=/home"), Flags: plan.FlagTry})
	add(plan.Step{Op: plan.OpChdir, A: str("/"), B: str("PWD=/")})
	add(plan.Step{Op: plan.OpTell})
	add(plan.Step{Op: plan.OpClose, A: 3, B: 1<<31 - 1})
	add(plan.Step{Op: plan.OpTimeout, A: 1500, B: 2000})
	add(plan.Step{Op: plan.OpSocket, A: str("/run/bus")})
	add(plan.Step{Op: plan.OpCgroup, A: 9})
	add(plan.Step{Op: plan.OpSet, A: 0, B: b.Blob(bytes.Repeat([]byte{64, 0, 0, 0, 0, 0, 0, 0}, 3)), C: 3})
	add(plan.Step{Op: plan.OpSeccomp, A: b.Blob(filter), B: 2})
	add(plan.Step{Op: plan.OpExec})
	b.Command([]string{"/bin/true", "/usr/bin/true"}, []string{"true", "-x"}, []string{"A=1", "PWD=/", "B=2"}, 1)
	b.Fds([]int{4, 5, 11}, []int{11}, []int{8}, 10)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// find returns the index of the first step with an operation.
func find(t testing.TB, p *plan.Program, op plan.Op) uint32 {
	t.Helper()
	for i := range p.Header().Steps {
		if p.Step(i).Op == op {
			return i
		}
	}
	t.Fatalf("the sample has no %v", op)
	return 0
}

// header gives access to the header that lies in the bytes.
func header(p *plan.Program) *plan.Header {
	return (*plan.Header)(unsafe.Pointer(unsafe.SliceData(p.Bytes)))
}

// step gives access to a step that lies in the bytes.
func step(p *plan.Program, i uint32) *plan.Step {
	return plan.StepAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)), i)
}

// slot gives access to a slot that lies in the bytes.
func slot(p *plan.Program, i uint32) *uint64 {
	return plan.SlotAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)), header(p), i)
}
