package suid_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

const all = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// tight is what a plan has to add to every bind.
const tight = unix.MS_NOSUID | unix.MS_NODEV

// sample is a plan that setuid mode can carry out, with every operation that it has, in an
// order that a launch could have.
func sample(t testing.TB) *plan.Program {
	t.Helper()
	b := &planbuild.Builder{
		Flags: plan.FlagInit | plan.FlagDieWithParent | plan.FlagHandshake | plan.FlagTryUser,
		Clone: all,
	}
	str, add := b.Str, b.Add
	add(plan.Step{Op: plan.OpLoopback})
	add(plan.Step{Op: plan.OpSlave})
	src := add(plan.Step{Op: plan.OpSource, A: str("/usr"), Flags: plan.FlagTry})
	fd := add(plan.Step{Op: plan.OpSource, B: 7})
	console := add(plan.Step{Op: plan.OpSource, B: 1, Flags: plan.FlagConsole})
	proc := add(plan.Step{Op: plan.OpSource, A: str("/proc")})
	add(plan.Step{Op: plan.OpRoot})
	add(plan.Step{Op: plan.OpGo})
	add(plan.Step{Op: plan.OpBind, A: src, B: str("/usr"), C: tight | unix.MS_RDONLY | unix.MS_NOEXEC, E: 0o700})
	add(plan.Step{Op: plan.OpBind, A: fd, B: str("/fd"), C: tight, E: 0o700})
	add(plan.Step{Op: plan.OpBind, A: console, B: str("/dev/console"), C: unix.MS_NOSUID, E: 0o700})
	add(plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: str("/tmp"), D: 0o1777, E: 0o755, F: 4096, G: 1})
	add(plan.Step{Op: plan.OpMount, A: plan.MountDevpts, B: str("/dev/pts"), E: 0o755})
	add(plan.Step{Op: plan.OpMount, A: plan.MountMqueue, B: str("/dev/mqueue"), E: 0o755})
	add(plan.Step{Op: plan.OpProc, B: str("/proc"), E: 0o700})
	add(plan.Step{Op: plan.OpProc, A: proc, B: str("/hostproc"), E: 0o700})
	add(plan.Step{Op: plan.OpProc, A: proc, B: str("/orproc"), E: 0o700, Flags: plan.FlagOrBind})
	add(plan.Step{Op: plan.OpProc, B: str("/maybeproc"), E: 0o700, Flags: plan.FlagOrNone})
	add(plan.Step{Op: plan.OpDir, B: str("/d"), D: 0o755, E: 0o755})
	add(plan.Step{Op: plan.OpFile, A: 4, B: str("/f"), D: 0o666, E: 0o755})
	add(plan.Step{Op: plan.OpData, A: 5, B: str("/b"), C: tight, D: 0o600, E: 0o755})
	add(plan.Step{Op: plan.OpSymlink, A: str("usr/lib"), B: str("/lib"), E: 0o700})
	add(plan.Step{Op: plan.OpChmod, B: str("/d"), D: 0o711})
	add(plan.Step{Op: plan.OpRemountRO, B: str("/tmp")})
	add(plan.Step{Op: plan.OpMask, B: str("/d/**/x"), Flags: plan.FlagGlob | plan.FlagTry})
	add(plan.Step{Op: plan.OpProtect, A: 1, B: str("/d/y")})
	add(plan.Step{Op: plan.OpHostname, A: str("box")})
	add(plan.Step{Op: plan.OpPivot})
	add(plan.Step{Op: plan.OpScore, A: str("5")})
	add(plan.Step{Op: plan.OpNoUserns})
	add(plan.Step{Op: plan.OpWaitFd, A: 12})
	add(plan.Step{Op: plan.OpSetsid})
	add(plan.Step{Op: plan.OpLabel, A: plan.LabelExec, B: str("label")})
	b.EndSetup()
	add(plan.Step{Op: plan.OpLock, A: str("/lock")})
	add(plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding})
	add(plan.Step{Op: plan.OpFence})
	add(plan.Step{Op: plan.OpChdir, A: str("/home"), B: str("PWD=/home"), Flags: plan.FlagTry})
	add(plan.Step{Op: plan.OpChdir, A: str("/"), B: str("PWD=/")})
	add(plan.Step{Op: plan.OpTell})
	add(plan.Step{Op: plan.OpClose, A: 3, B: 1<<31 - 1})
	add(plan.Step{Op: plan.OpTimeout, A: 1500, B: 2000})
	add(plan.Step{Op: plan.OpSet, A: 0, B: b.Blob(bytes.Repeat([]byte{64, 0, 0, 0, 0, 0, 0, 0}, 3)), C: 3})
	add(plan.Step{Op: plan.OpSeccomp, A: b.Blob(bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, 2)), B: 2})
	add(plan.Step{Op: plan.OpExec})
	return finish(t, b)
}

// bare is the least that a plan in setuid mode does: no option that could be refused.
func bare(t testing.TB) *plan.Program { return with(t, 0, 0) }

// with is bare with namespaces, flags and steps of set-up besides: op.Op says where they
// stand.
func with(t testing.TB, clone, flags uint32, steps ...plan.Step) *plan.Program {
	t.Helper()
	b := &planbuild.Builder{Clone: unix.CLONE_NEWNS | clone, Flags: flags}
	place := func(here func(plan.Op) bool) {
		for _, s := range steps {
			if here(s.Op) {
				b.Add(s)
			}
		}
	}
	b.Add(plan.Step{Op: plan.OpSlave})
	usr := b.Add(plan.Step{Op: plan.OpSource, A: b.Str("/usr")})
	place(func(op plan.Op) bool { return op == plan.OpSource })
	b.Add(plan.Step{Op: plan.OpRoot})
	b.Add(plan.Step{Op: plan.OpBind, A: usr, B: b.Str("/usr"), C: tight | unix.MS_RDONLY})
	for i := range steps { // offset 0 means no destination
		if steps[i].B == 0 && inFrame(steps[i].Op) {
			steps[i].B = b.Str("/dst")
		}
	}
	place(inFrame)
	b.Add(plan.Step{Op: plan.OpPivot})
	place(func(op plan.Op) bool { return !inFrame(op) && op != plan.OpSource && !inPayload(op) })
	b.EndSetup()
	place(inPayload)
	b.Add(plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding})
	b.Add(plan.Step{Op: plan.OpExec})
	return finish(t, b)
}

func inFrame(op plan.Op) bool { return op >= plan.OpBind && op <= plan.OpProc }

func inPayload(op plan.Op) bool {
	return op == plan.OpChdir || op == plan.OpCaps || op == plan.OpFence || op == plan.OpSocket || op == plan.OpTell || op == plan.OpLock || op == plan.OpSet || op == plan.OpClose || op == plan.OpTimeout || op == plan.OpCgroup || op == plan.OpSeccomp || op == plan.OpExec
}

func finish(t testing.TB, b *planbuild.Builder) *plan.Program {
	t.Helper()
	b.Command([]string{"/bin/true"}, []string{"true", "-x"}, []string{"A=1", "PWD=/"}, 1)
	b.Fds([]int{4, 5, 7}, []int{11}, []int{8}, 10)
	b.IDs(1000, 100)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSamples: what the tests change is Good, and possible, before that.
func TestSamples(t *testing.T) {
	for name, p := range map[string]*plan.Program{"sample": sample(t), "bare": bare(t)} {
		if v := p.Verify(); v != plan.Good {
			t.Errorf("%s: refused by Verify with %d", name, v)
		}
		if reason, i := check(p); reason != suid.Permitted || i != 0 {
			t.Errorf("%s: reason %d, step %d\n%s", name, reason, i, p.Dump(nil))
		}
	}
}

// check is CheckPlan on the bytes of p.
func check(p *plan.Program) (suid.Reason, uint32) { return suid.CheckPlan(base(p)) }

func listing(p *plan.Program) string {
	return (&plan.Program{Bytes: p.Bytes, Origins: make([]plan.Origin, p.Header().Steps)}).Dump(nil)
}

func base(p *plan.Program) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p.Bytes)) }

// header and step give access to what lies in the bytes.
func header(p *plan.Program) *plan.Header { return (*plan.Header)(base(p)) }

func step(p *plan.Program, i uint32) *plan.Step { return plan.StepAt(base(p), i) }

// find is the index of the first step with an operation.
func find(t testing.TB, p *plan.Program, op plan.Op) uint32 {
	t.Helper()
	for i := range header(p).Steps {
		if step(p, i).Op == op {
			return i
		}
	}
	t.Fatalf("the plan has no %v", op)
	return 0
}
