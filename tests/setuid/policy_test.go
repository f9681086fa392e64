package setuid_test

import (
	"fmt"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// one is a step without strings.
func one(op plan.Op, flags uint16, operands ...uint32) step {
	all := [7]uint32{}
	copy(all[:], operands)
	return step{Step: plan.Step{Op: op, Flags: flags, A: all[0], B: all[1], C: all[2], D: all[3], E: all[4], F: all[5], G: all[6]}}
}

func (s step) at(dst string) step { s.b = dst; return s }

func (s step) of(name string) step { s.a = name; return s }

// frame, late, payload, first and join add steps to a draft.
func frame(steps ...step) func(d *draft) {
	return func(d *draft) { d.frame = append(d.frame, steps...) }
}

func late(steps ...step) func(d *draft) {
	return func(d *draft) { d.late = append(d.late, steps...) }
}

func before(steps ...step) func(d *draft) {
	return func(d *draft) { d.first = append(d.first, steps...) }
}

func payload(steps ...step) func(d *draft) {
	return func(d *draft) { d.payload = steps }
}

// half is what a tmpfs may be given.
func half() uint64 {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info)
	return info.Totalram * uint64(info.Unit) / 2
}

func tmpfs(size uint64) step {
	return one(plan.OpMount, 0, plan.MountTmpfs, 0, 0, 0o755, 0o755, uint32(size), uint32(size>>32)).at("/t2")
}

// TestPolicyRefuses: plans that Verify finds good, and that direct mode carries out, but
// that nobody does with root's help.
func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	caps, chdir := one(plan.OpCaps, plan.FlagBounding), one(plan.OpChdir, 0).of("/").at("PWD=/")
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f}
	seccomp := step{Step: plan.Step{Op: plan.OpSeccomp, B: 1}, blob: allow}
	with := func(flag uint32, edit func(d *draft)) func(d *draft) {
		return func(d *draft) { d.clone |= flag; edit(d) }
	}
	procs := func(source step) func(d *draft) {
		return func(d *draft) {
			d.sources = append(d.sources, source)
			proc := one(plan.OpProc, 0).at("/p")
			proc.src = len(d.sources)
			d.frame = append(d.frame, proc)
		}
	}
	hostProc := one(plan.OpSource, 0).of("/proc")
	attacks := []attack{
		{name: "joins", edit: func(d *draft) { d.join = []step{one(plan.OpSetns, 0, 0, unix.CLONE_NEWUSER)} }, want: row(suid.RowJoin)},
		{name: "forgive", edit: func(d *draft) { d.flags |= plan.FlagForgive }, want: row(suid.RowForgive)},
		{name: "maps", edit: before(one(plan.OpIDMap, 0).of("0 0 4294967295\n").at("0 0 4294967295\n")), want: row(suid.RowIDMap)},
		{name: "maps-late", edit: late(one(plan.OpIDMap, 0).of("0 12345 1\n").at("0 12345 1\n")), want: row(suid.RowIDMap)},
		{name: "nested", edit: late(one(plan.OpUnshare, 0, unix.CLONE_NEWUSER)), want: row(suid.RowNested)},
		{name: "unshare-nothing", edit: late(one(plan.OpUnshare, 0)), want: row(suid.RowNested)},
		{name: "oom-score-adj", edit: late(one(plan.OpScore, 0)), want: row(suid.RowScore)},
		{name: "limit-userns", edit: late(one(plan.OpLimitUserns, 0)), want: row(suid.RowNested)},
		{name: "loopback", control: with(unix.CLONE_NEWNET, before(one(plan.OpLoopback, 0))), edit: before(one(plan.OpLoopback, 0)), want: row(suid.RowLoopback)},
		{name: "hostname", control: with(unix.CLONE_NEWUTS, late(one(plan.OpHostname, 0).of("x"))), edit: late(one(plan.OpHostname, 0).of("taken")), want: row(suid.RowHostname)},
		{name: "hostname-in-the-frame", edit: frame(one(plan.OpHostname, 0).of("taken")), want: row(suid.RowHostname)},
		{name: "proc", control: with(unix.CLONE_NEWPID, frame(one(plan.OpProc, 0).at("/p"))), edit: frame(one(plan.OpProc, 0).at("/p")), want: row(suid.RowProc)},
		{name: "proc-of-something-else", control: procs(hostProc), edit: procs(one(plan.OpSource, 0).of(base + "/bin")), want: row(suid.RowProc)},
		{name: "proc-of-a-link", edit: procs(one(plan.OpSource, 0).of("/proc/")), want: row(suid.RowProc)},
		{name: "proc-of-a-descriptor", edit: procs(one(plan.OpSource, 0, 0, 0)), want: row(suid.RowProc)},
		{name: "proc-that-may-be-missing", edit: procs(one(plan.OpSource, plan.FlagTry).of("/proc")), want: row(suid.RowProc)},
		{
			name: "mqueue", control: with(unix.CLONE_NEWIPC, frame(one(plan.OpMount, 0, plan.MountMqueue).at("/q"))),
			edit: frame(one(plan.OpMount, 0, plan.MountMqueue).at("/q")), want: row(suid.RowMqueue),
		},
		{name: "half-and-a-byte", control: frame(tmpfs(half())), edit: frame(tmpfs(half() + 1)), want: row(suid.RowSize)},
		{name: "tmpfs-of-all-there-is", edit: frame(tmpfs(1<<64 - 1)), want: row(suid.RowSize)},
		{name: "tmpfs-by-its-high-half", edit: frame(tmpfs(1 << 63)), want: row(suid.RowSize)},
		{name: "no-capabilities-step", edit: payload(chdir), want: row(suid.RowCapsKept)},
		{name: "only-exec", edit: payload(), want: row(suid.RowCapsKept)},
		{name: "capabilities-after-chdir", edit: payload(chdir, caps), want: row(suid.RowCapsKept)},
		{name: "capabilities-after-a-filter", control: payload(caps, seccomp), edit: payload(seccomp, caps), want: row(suid.RowCapsKept)},
		{name: "bounding-set-stays", edit: payload(one(plan.OpCaps, 0), chdir), want: row(suid.RowCapsKept)},
		{name: "lenient", edit: payload(one(plan.OpCaps, plan.FlagLenient), chdir), want: row(suid.RowCapsKept)},
		{name: "lenient-and-bounding", edit: payload(one(plan.OpCaps, plan.FlagLenient|plan.FlagBounding), chdir), want: row(suid.RowCapsKept)},
		{name: "a-second-time-with-some", edit: payload(caps, one(plan.OpCaps, plan.FlagBounding, 0, 0, 1), chdir), want: row(suid.RowCapAdd)},
	}
	for _, kind := range []uint32{plan.OverlayRW, plan.OverlayTmp, plan.OverlayRO} {
		attacks = append(attacks, attack{name: fmt.Sprint("overlay-", kind), edit: func(d *draft) {
			for range 3 {
				d.sources = append(d.sources, one(plan.OpSource, 0).of(base+"/bin"))
			}
			overlay := one(plan.OpOverlay, 0, 0, 0, 1, kind, 0o755).at("/o")
			overlay.src = len(d.sources) - 2
			d.frame = append(d.frame, overlay)
		}, want: row(suid.RowOverlay)})
	}
	for flags := uint32(0); flags < 16; flags++ {
		if flags&unix.MS_NOSUID != 0 {
			continue
		}
		bind := one(plan.OpBind, 0, 0, 0, flags, 0, 0o755).at("/x")
		bind.src = 3
		data := one(plan.OpData, 0, 0, 0, flags, 0o600, 0o755).at("/x")
		attacks = append(attacks,
			attack{name: fmt.Sprintf("suid-bind-%x", flags), edit: frame(bind), want: row(suid.RowSetuidBind)},
			attack{name: fmt.Sprintf("suid-data-%x", flags), edit: frame(data), want: row(suid.RowSetuidBind)})
	}
	for _, name := range plan.NamespaceFiles {
		attacks = append(attacks, attack{name: "setns-" + name.Name, edit: late(one(plan.OpSetns, 0, 0, name.Flag)), want: row(suid.RowSetns)})
	}
	for i := range 6 {
		some := [6]uint32{}
		for _, bits := range []uint32{1, 1 << 21, 1 << 31, 1<<32 - 1} {
			some[i] = bits
			attacks = append(attacks, attack{name: fmt.Sprintf("capabilities-%c-%x", 'A'+i, bits), edit: payload(one(plan.OpCaps, plan.FlagBounding, some[:]...), chdir), want: row(suid.RowCapAdd)})
		}
	}
	raid(t, scene{fds: []int{devNull(t)}}, plain, attacks)
}

// TestWaitingBeforeThePivot: nobody holds set-up up with the host's tree in reach.
func TestWaitingBeforeThePivot(t *testing.T) {
	t.Parallel()
	at := scene{fds: []int{devNull(t)}}
	wait := one(plan.OpWaitFd, 0, 4)
	raid(t, at, plain, []attack{
		{name: "first", control: late(wait), edit: before(wait), want: row(suid.RowBlock)},
		{name: "in-the-frame", edit: frame(wait), want: row(suid.RowBlock)},
	})
}

// TestLargePlans: what one user may have the kernel do in one go is bounded.
func TestLargePlans(t *testing.T) {
	t.Parallel()
	dirs := func(n int) func(d *draft) {
		return func(d *draft) {
			for range n {
				d.frame = append(d.frame, one(plan.OpDir, 0, 0, 0, 0, 0o755, 0o755).at("/t/d"))
			}
		}
	}
	text := func(n int) func(d *draft) {
		return func(d *draft) { d.env = append(d.env, "LONG="+string(letters(n))) }
	}
	raid(t, scene{}, plain, []attack{
		{name: "steps", control: dirs(suid.MaxSteps - 12), edit: dirs(suid.MaxSteps - 11), want: row(suid.RowSteps)},
		{name: "bytes", control: text(100_000), edit: text(suid.MaxBytes), want: row(suid.RowBytes)},
	})
}

// letters is n letters.
func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func devNull(t testing.TB) int {
	t.Helper()
	fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}
