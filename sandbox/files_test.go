package sandbox

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
	"golang.org/x/sys/unix"
)

// frame is what the steps of the file tree depend on besides the operations.
type frame struct {
	NewPID, HostRoot, Console bool
	FileLabel                 string
	Fallback                  mounts.Fallback
}

// lower returns the plan of some operations on files.
func lower(t testing.TB, f frame, ops ...mounts.Op) *plan.Program {
	t.Helper()
	s := Spec{Files: ops, ProcFallback: f.Fallback, Command: CommandLine{Args: []string{"x"}}}
	h := facts{UID: 1000, Cwd: "/", Tty: f.Console, SELinux: true}
	if f.NewPID {
		s.Namespaces.PID = Want
	}
	if f.HostRoot {
		h.UID, h.Caps = 0, 1<<unix.CAP_SYS_ADMIN
	}
	if f.FileLabel != "" {
		s.Lockdown.FileLabel = SetText(f.FileLabel)
	}
	p, err := planOf(&s, h)
	if err != nil {
		t.Fatalf("%+v: %v", ops, err)
	}
	if v := p.Verify(); v != plan.Good {
		t.Fatalf("%+v: the plan is refused with %d\n%s", ops, v, p.Dump(nil))
	}
	return p
}

// steps are the steps with an operation.
func steps(p *plan.Program, op plan.Op) []plan.Step {
	var out []plan.Step
	for i := range p.Header().Steps {
		if s := p.Step(i); s.Op == op {
			out = append(out, s)
		}
	}
	return out
}

// TestFileModes: what is made, with which permissions, and its parents with which.
func TestFileModes(t *testing.T) {
	for _, c := range []struct {
		op            mounts.Op
		kind          plan.Op
		mode, parents uint32
	}{
		{mounts.Dir("/d"), plan.OpDir, 0o755, 0o755},
		{mounts.Dir("/d").Perms(0o700), plan.OpDir, 0o700, 0o700},
		{mounts.Dir("/d").Perms(0o750), plan.OpDir, 0o750, 0o750},
		{mounts.Dir("/d").Perms(0o705), plan.OpDir, 0o705, 0o705},
		{mounts.Dir("/d").Perms(0o1777), plan.OpDir, 0o1777, 0o755},
		{mounts.Dir("/d").Perms(0), plan.OpDir, 0, 0o700},
		{mounts.File("/d", mounts.SetFD(5)), plan.OpFile, 0o666, 0o755},
		{mounts.File("/d", mounts.SetFD(5)).Perms(0o640), plan.OpFile, 0o640, 0o750},
		{mounts.ReadOnlyData("/d", mounts.SetFD(5)), plan.OpData, 0o600, 0o700},
		{mounts.ReadOnlyData("/d", mounts.SetFD(5)).Perms(0o644), plan.OpData, 0o644, 0o755},
	} {
		s := steps(lower(t, frame{}, c.op), c.kind)
		if len(s) != 1 || s[0].D != c.mode || s[0].E != c.parents {
			t.Errorf("%+v: %+v, want mode %o and parents %o", c.op, s, c.mode, c.parents)
		}
	}
	for _, op := range []mounts.Op{
		mounts.ReadOnly("/s").At("/d"),
		mounts.Symlink("t", "/d"),
		mounts.TmpOverlay("/d", "/l"),
		mounts.Mqueue("/d"),
		mounts.Proc("/d"),
	} {
		p := lower(t, frame{NewPID: true}, op)
		found := false
		for i := range p.Header().Steps {
			if s := p.Step(i); s.B != 0 && p.Str(s.B) == "/d" {
				found = true
				if s.E != 0o700 {
					t.Errorf("%+v: parents %o", op, s.E)
				}
			}
		}
		if !found {
			t.Errorf("%+v: no step for /d", op)
		}
	}
}

// TestAccess: what a bind adds to the flags that a mount has.
func TestAccess(t *testing.T) {
	for _, c := range []struct {
		op   mounts.Op
		want uint32
	}{
		{mounts.ReadOnly("/s"), unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV},
		{mounts.ReadWrite("/s"), unix.MS_NOSUID | unix.MS_NODEV},
		{mounts.Devices("/s"), unix.MS_NOSUID},
	} {
		p := lower(t, frame{}, c.op)
		if got := steps(p, plan.OpBind)[0].C; got != c.want {
			t.Errorf("%+v: %s, want %s", c.op, plan.MountFlags(got), plan.MountFlags(c.want))
		}
	}
	if (tree.Op{}).Access != tree.ReadOnly || (tree.Op{}).Writes != tree.Refused {
		t.Error("the zero value is not the tightest")
	}
}

// TestTmpfs: mode, size and label of the mount.
func TestTmpfs(t *testing.T) {
	for _, c := range []struct {
		op    mounts.Op
		label string
		want  string
	}{
		{mounts.Tmpfs("/t"), "", "0755 0"},
		{mounts.Tmpfs("/t").Perms(0o1777).Size(4096), "", "01777 4096"},
		{mounts.Tmpfs("/t").Size(1<<63 - 1), "", "0755 9223372036854775807"},
		{mounts.Tmpfs("/t").Perms(0), "u:r:t", "00 0u:r:t"},
	} {
		p := lower(t, frame{FileLabel: c.label}, c.op)
		s := steps(p, plan.OpMount)[0]
		if got := fmt.Sprintf("0%o %d%s", s.D, uint64(s.F)|uint64(s.G)<<32, p.Str(s.C)); got != c.want || s.A != plan.MountTmpfs {
			t.Errorf("%+v: %q, want %q", c.op, got, c.want)
		}
	}
}

// TestProc: a new one for a new pid namespace, the host's otherwise, and in both what
// acts on the whole machine is covered.
func TestProc(t *testing.T) {
	op := mounts.Proc("/p")
	fresh, bound := lower(t, frame{NewPID: true}, op), lower(t, frame{}, op)
	rooted := lower(t, frame{NewPID: true, HostRoot: true}, op)
	if m := steps(fresh, plan.OpProc); len(m) != 1 || m[0].A != 0 || m[0].Flags != 0 || fresh.Str(m[0].B) != "/p" || len(steps(fresh, plan.OpSource)) != 0 {
		t.Errorf("new: %+v", m)
	}
	if m := steps(rooted, plan.OpProc); len(m) != 1 || m[0].Flags != plan.FlagCover {
		t.Errorf("for the host's root: %+v", m)
	}
	if b := steps(bound, plan.OpProc); len(b) != 1 || bound.Step(b[0].A).Op != plan.OpSource {
		t.Errorf("bound: %+v", b)
	}
	if s := steps(bound, plan.OpSource); len(s) != 1 || bound.Str(s[0].A) != "/proc" {
		t.Errorf("bound: %+v", s)
	}
}

// TestProcFallback: what a refused proc is replaced by. One that is bound anyway needs
// nothing.
func TestProcFallback(t *testing.T) {
	for _, c := range []struct {
		frame   frame
		flags   uint16
		sources int
	}{
		{frame{NewPID: true, Fallback: mounts.Fail}, 0, 0},
		{frame{NewPID: true, Fallback: mounts.Empty}, plan.FlagOrNone, 0},
		{frame{NewPID: true, Fallback: mounts.BindOuter}, plan.FlagOrBind, 2},
		{frame{NewPID: true, HostRoot: true, Fallback: mounts.BindOuter}, plan.FlagOrBind | plan.FlagCover, 2},
		{frame{Fallback: mounts.Empty}, 0, 2},
		{frame{Fallback: mounts.BindOuter}, 0, 2},
	} {
		p := lower(t, c.frame, mounts.Proc("/p"), mounts.Dir("/d"), mounts.Proc("/q"))
		procs, sources := steps(p, plan.OpProc), steps(p, plan.OpSource)
		if len(procs) != 2 || len(sources) != c.sources {
			t.Errorf("%+v: %d procs, %d sources", c.frame, len(procs), len(sources))
			continue
		}
		for i, s := range procs {
			bound := s.A != 0 && p.Step(s.A).Op == plan.OpSource && p.Str(p.Step(s.A).A) == "/proc"
			if s.Flags != c.flags || bound != (c.sources > 0) {
				t.Errorf("%+v: proc %d is %+v", c.frame, i, s)
			}
		}
	}
}

// TestDev: everything that a small /dev holds.
func TestDev(t *testing.T) {
	for _, tty := range []bool{false, true} {
		p := lower(t, frame{Console: tty}, mounts.Dev("/d/"))
		got := map[string]string{}
		for i := range p.Header().Steps {
			switch s := p.Step(i); s.Op {
			case plan.OpBind:
				got[p.Str(s.B)] = fmt.Sprintf("bind %s %d %s", p.Str(p.Step(s.A).A), p.Step(s.A).B, plan.MountFlags(s.C))
			case plan.OpMount:
				got[p.Str(s.B)] += fmt.Sprintf("mount %s %o", plan.MountKinds[s.A], s.D)
			case plan.OpDir:
				got[p.Str(s.B)] = "" // what is mounted there counts
			case plan.OpSymlink:
				got[p.Str(s.B)] = "link " + p.Str(s.A)
			}
		}
		want := map[string]string{
			"/d": "mount tmpfs 755", "/d/shm": "", "/d/pts": "mount devpts 0",
			"/d/ptmx": "link pts/ptmx", "/d/stdin": "link /proc/self/fd/0", "/d/stdout": "link /proc/self/fd/1", "/d/stderr": "link /proc/self/fd/2",
			"/d/fd": "link /proc/self/fd", "/d/core": "link /proc/kcore",
		}
		for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
			want["/d/"+name] = "bind /dev/" + name + " 0 nosuid"
		}
		if tty {
			want["/d/console"] = "bind  1 nosuid"
		}
		for path := range want {
			if got[path] != want[path] {
				t.Errorf("%s: %q, want %q", path, got[path], want[path])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d entries, want %d: %q", len(got), len(want), got)
		}
	}
}

// TestFileOrder: sources first, in order; then the frame; then the operations in order,
// each with its own source.
func TestFileOrder(t *testing.T) {
	p := lower(t, frame{HostRoot: true},
		mounts.Dir("/1"),
		mounts.ReadOnly("/s2").At("/2").Try(),
		mounts.WritableOverlay("/3", "/s5", "/s6", "/s3", "/s4"),
		mounts.ReadOnlyFD(mounts.SetFD(7), "/4"),
		mounts.ReadOnly("/s8").At("/5"),
	)
	var got []string
	for i := range p.Header().Steps {
		switch s := p.Step(i); s.Op {
		case plan.OpSource:
			got = append(got, fmt.Sprintf("s%s%d", p.Str(s.A), s.B))
			if (s.Flags == plan.FlagTry) != (p.Str(s.A) == "/s2") {
				t.Errorf("%s: flags %d", p.Str(s.A), s.Flags)
			}
		case plan.OpBind:
			src := p.Step(s.A)
			got = append(got, p.Str(s.B)+" from "+p.Str(src.A))
		case plan.OpOverlay:
			got = append(got, p.Str(s.B)+" from "+p.Str(p.Step(s.A).A)+fmt.Sprint(s.C))
		case plan.OpExec, plan.OpCaps, plan.OpChdir:
		default:
			got = append(got, s.Op.String())
		}
	}
	want := []string{
		"slave", "s/s20", "s/s30", "s/s40", "s/s50", "s/s60", "s7", "s/s80", "root",
		"dir", "/2 from /s2", "/3 from /s32", "/4 from ", "/5 from /s8", "pivot",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestManyOps: thousands of operations make a plan that is taken, in no time.
func TestManyOps(t *testing.T) {
	var ops []mounts.Op
	for i := range 5000 {
		ops = append(ops, mounts.ReadOnly(fmt.Sprint("/s", i)).At(fmt.Sprint("/d", i)))
	}
	if p := lower(t, frame{}, ops...); len(steps(p, plan.OpBind)) != 5000 {
		t.Error("binds are missing")
	}
}

// TestFileLabel: what set-up makes is labelled from before the frame to the end of the
// tree, and each new file system as a whole; without a label there is no such step.
func TestFileLabel(t *testing.T) {
	ops := []mounts.Op{mounts.Dev("/dev"), mounts.Mqueue("/mq"), mounts.ReadOnlyData("/f", mounts.SetFD(5))}
	p := lower(t, frame{FileLabel: "u:r:t"}, ops...)
	var labels []string
	for i := range p.Header().Steps {
		switch s := p.Step(i); s.Op {
		case plan.OpLabel:
			labels = append(labels, fmt.Sprint(s.A == plan.LabelNew, "=", p.Str(s.B)))
		case plan.OpRoot, plan.OpPivot:
			labels = append(labels, s.Op.String())
		case plan.OpMount:
			if label := p.Str(s.C); label != "u:r:t" {
				t.Errorf("%s: %s", p.Str(s.B), label)
			}
		}
	}
	want := []string{"true=u:r:t", "root", "pivot", "true="}
	if !slices.Equal(labels, want) {
		t.Errorf("%q, want %q", labels, want)
	}
	if n := len(steps(lower(t, frame{}, ops...), plan.OpLabel)); n != 0 {
		t.Errorf("%d label steps without a label", n)
	}
}
