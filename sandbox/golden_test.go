package sandbox

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/mounts"
)

var update = flag.Bool("update", false, "write testdata/*.golden and the corpus of FuzzVerify anew")

// user is an ordinary user's machine, root the administrator's.
func user() facts {
	return facts{
		UID: 1000, GID: 100, Cwd: "/home/u", CgroupNamespaces: true, UserNamespaces: true,
		Env: []string{"PATH=/usr/local/bin:/usr/bin", "HOME=/home/u", "PWD=/home/u", "LANG=C"},
	}
}

func root() facts {
	h := user()
	h.UID, h.GID, h.Cwd, h.Caps = 0, 0, "/root", 1<<41-1
	return h
}

// allow is a filter of n instructions that permits everything.
func allow(n int) []byte { return bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, n) }

// from is an origin, by its option as typed.
func from(line string) plan.Origin { return plan.Origin{Words: strings.Fields(line)} }

func roBind(src, dst string) mounts.Op { return mounts.ReadOnly(src).At(dst) }

// goldenCase is a spec and a machine; testdata/NAME.golden is what it compiles to.
type goldenCase struct {
	name string
	host facts
	spec Spec
}

// golden are those of direct mode; goldenModes has more.
var golden = []goldenCase{
	{"ro-bind", user(), Spec{Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"true"}}}},
	{"root", root(), Spec{Identity: Identity{KeepCaps: true}, Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"/bin/true", "a b", ""}}}},
	{"limits", user(), Spec{
		Files: []mounts.Op{roBind("/", "/")},
		Limits: Limits{
			Rlimits: []Rlimit{{"nofile", 64, 128}, {"core", 0, Unlimited}}, Nice: SetInt(-5), OOMScoreAdj: SetInt(500), CPUs: "8,0-3,100-200",
		},
		Command: CommandLine{Args: []string{"true"}},
	}},
	{"unshare-all", user(), Spec{
		Namespaces: Namespaces{User: Try, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Try, Hostname: SetText("box")},
		Files: []mounts.Op{
			roBind("/", "/"),
			mounts.Proc("/proc"),
			mounts.Dev("/dev"),
			mounts.Tmpfs("/run"),
		},
		Session: Session{New: Want, DieWithParent: true},
		Command: CommandLine{Args: []string{"sh", "-c", "exit"}},
	}},
	{"files", user(), Spec{
		Files: []mounts.Op{
			mounts.Tmpfs("tmp//x/./y").Size(4096).Perms(0o1700),
			mounts.ReadWrite("rel").At("/a/../b").Try(),
			mounts.ReadWriteFD(mounts.SetFD(9), "/fd"),
			mounts.Dir("/d").Perms(0o700),
			mounts.File("/f", mounts.SetFD(5)),
			mounts.ReadOnlyData("/data", mounts.SetFD(6)),
			mounts.Symlink("../t", "/l"),
			mounts.Chmod("/d", 0o4711),
			mounts.Mqueue("/dev/mqueue"),
			mounts.WritableOverlay("/o1", "/up", "/wk", "/low", "/high"),
			mounts.TmpOverlay("/o2", "/low"),
			mounts.Overlay("/o3", "/low", "/high"),
			mounts.RemountReadOnly("/"),
		},
		Command: CommandLine{Args: []string{"x"}, Argv0: SetText("y"), Chdir: SetText("sub")},
	}},
	{"denials", user(), Spec{
		Namespaces: Namespaces{User: Try, PID: Want},
		Identity:   Identity{Caps: []CapEdit{{Caps: 1 << 21}}},
		Files: []mounts.Op{
			rwBind("/", "/"), mounts.Mask("/a//b/."), mounts.Mask("/a/none").Try(), mounts.Mask("/a/**/.env").Glob(),
			mounts.Protect("/a/.git/hooks"), mounts.Protect("/a/.vscode/"), mounts.Protect("/a/**/*.lock").Glob().Try(),
		},
		Command: CommandLine{Args: []string{"x"}},
	}},
	{"identity", user(), Spec{
		Namespaces: Namespaces{User: Want, PID: Want, DisableUsers: true},
		Identity: Identity{
			UID: SetID(1<<32 - 2), GID: SetID(1 << 31),
			Caps: []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: 1 << 21}},
		},
		Files:    []mounts.Op{roBind("/usr", "/usr"), mounts.Dev("/dev")},
		Env:      []EnvOp{{Clear: true}, {Name: "A", Value: "1"}},
		Lockdown: Lockdown{Filters: []Filter{{BPF: allow(2)}}, Forgive: true},
		Command:  CommandLine{Args: []string{"id"}},
	}},
	{"joined", user(), Spec{
		Namespaces: Namespaces{JoinUser: SetFD(3), FinalUser: SetFD(4), JoinPID: SetFD(5), PID: Want},
		Files:      []mounts.Op{roBind("/", "/"), mounts.Proc("/proc")},
		Session: Session{
			SyncFDs: []FD{SetFD(8)}, Locks: []string{"/lock"}, BlockFD: SetFD(9),
		},
		Report:  Report{InfoFD: SetFD(6), JSONStatusFD: SetFD(7)},
		Command: CommandLine{Args: []string{"x"}},
	}},
	{"mapped-by-others", user(), Spec{
		Namespaces: Namespaces{User: Want},
		Files:      []mounts.Op{roBind("/", "/")},
		Report:     Report{InfoFD: SetFD(6), UserBlockFD: SetFD(7)},
		Session:    Session{AsPID1: false},
		Command:    CommandLine{Args: []string{"x"}},
	}},
	{"status", root(), Spec{
		Identity:     Identity{KeepCaps: true},
		Namespaces:   Namespaces{PID: Want},
		Files:        []mounts.Op{mounts.Proc("/p"), mounts.Proc("/q")},
		ProcFallback: mounts.BindOuter,
		Report:       Report{FailStatus: 42},
		Lockdown:     Lockdown{Filters: []Filter{{BPF: allow(1)}}},
		Command:      CommandLine{Args: []string{"x"}},
	}},
	{"proc-or-none", user(), Spec{
		Namespaces:   Namespaces{PID: Want},
		Files:        []mounts.Op{mounts.Proc("/p")},
		ProcFallback: mounts.Empty,
		Command:      CommandLine{Args: []string{"x"}},
	}},
	{"ranges-auto", granted(user()), Spec{
		Namespaces: Namespaces{User: Want, PID: Want, DisableUsers: true},
		Identity:   Identity{MapAuto: true, UID: SetID(0), GID: SetID(5)},
		Files:      []mounts.Op{roBind("/", "/"), mounts.Proc("/proc"), mounts.Dev("/dev")},
		Command:    CommandLine{Args: []string{"x"}},
	}},
	{"ranges-become", user(), Spec{
		Namespaces: Namespaces{User: Want},
		Identity: Identity{
			UID: SetID(7), GID: SetID(8), KeepGroups: true,
			UIDMap: idmap.Map{mapped(0, 100000, 9), mapped(50, 1000, 1)},
			GIDMap: idmap.Map{mapped(0, 200000, 9)},
		},
		Files:   []mounts.Op{roBind("/", "/"), mounts.Tmpfs("/run")},
		Report:  Report{InfoFD: SetFD(6), UserBlockFD: SetFD(7)},
		Command: CommandLine{Args: []string{"x"}},
	}},
	{"ranges-root", root(), Spec{
		Namespaces: Namespaces{User: Want},
		Identity:   Identity{KeepCaps: true, UIDMap: idmap.Map{mapped(0, 100000, 65536)}, GIDMap: idmap.Map{mapped(0, 100000, 65536)}},
		Files:      []mounts.Op{roBind("/", "/")},
		Command:    CommandLine{Args: []string{"x"}},
	}},
}

// granted is a machine that grants ids to its user.
func granted(h facts) facts {
	h.UserName, h.SubUID, h.SubGID = "u", "x:1:1\nu:100000:65536\n", "1000:200000:10\nu:300000:20\n"
	return h
}

func mapped(inside, outside, count uint32) idmap.Range {
	return idmap.Range{Inside: inside, Outside: outside, Count: count}
}

// TestGolden: what a spec compiles to. After a change that is meant:
//
//	go test ./sandbox -run TestGolden -update
func TestGolden(t *testing.T) {
	for _, c := range slices.Concat(golden, goldenModes) {
		p, err := planOf(&c.spec, c.host)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if v := p.Verify(); v != plan.Good {
			t.Errorf("%s: the plan is refused with %d", c.name, v)
		}
		compareFile(t, filepath.Join("testdata", c.name+".golden"), p.Dump(setting.Listed))
		compareFile(t, filepath.Join("..", "internal", "plan", "testdata", "fuzz", "FuzzVerify", c.name), fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", p.Bytes))
	}
}

func compareFile(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	if text == string(want) {
		return
	}
	got, old := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(old)) {
		a, b := "(end)", "(end)"
		if i < len(got) {
			a = got[i]
		}
		if i < len(old) {
			b = old[i]
		}
		if a != b {
			t.Errorf("%s, line %d:\n got %.200s\nwant %.200s", file, i+1, a, b)
			return
		}
	}
}

// TestDeterministic: the same spec and machine are the same bytes, and neither is changed.
func TestDeterministic(t *testing.T) {
	for _, c := range slices.Concat(golden, goldenModes) {
		before := fmt.Sprintf("%+v %+v", c.spec, c.host.Env)
		one, err := planOf(&c.spec, c.host)
		if err != nil {
			t.Fatal(err)
		}
		two, err := planOf(&c.spec, c.host)
		if err != nil {
			t.Fatal(err)
		}
		if string(one.Bytes) != string(two.Bytes) {
			t.Errorf("%s: two compilations differ", c.name)
		}
		if after := fmt.Sprintf("%+v %+v", c.spec, c.host.Env); after != before {
			t.Errorf("%s: Compile changed what it was given:\n%s\n%s", c.name, before, after)
		}
	}
}
