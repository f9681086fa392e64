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
	"github.com/gobwrap/gobwrap/mounts"
)

var update = flag.Bool("update", false, "write testdata/*.golden and the corpus of FuzzVerify anew")

// user is an ordinary user's machine, root the administrator's.
func user() Host {
	return Host{
		UID: 1000, GID: 100, Cwd: "/home/u", CgroupNamespaces: true, UserNamespaces: true,
		Env: []string{"PATH=/usr/local/bin:/usr/bin", "HOME=/home/u", "PWD=/home/u", "LANG=C"},
	}
}

func root() Host {
	h := user()
	h.UID, h.GID, h.Cwd, h.Caps = 0, 0, "/root", 1<<41-1
	return h
}

func fd(n int, option string) FD {
	f := SetFD(n)
	f.From = plan.Origin{Words: []string{option, fmt.Sprint(n)}}
	return f
}

// allow is a filter of n instructions that permits everything.
func allow(n int) []byte { return bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, n) }

// textFrom is a text by the option that gave it, as typed.
func textFrom(s, line string) Text {
	t := SetText(s)
	t.From = from(line)
	return t
}

// from is the origin of a file operation, by its option as typed.
func from(line string) plan.Origin { return plan.Origin{Words: strings.Fields(line)} }

func roBind(src, dst string) mounts.Op {
	return mounts.Op{Kind: mounts.Bind, Source: src, Dest: dst, From: from("--ro-bind " + src + " " + dst)}
}

// goldenCase is a spec and a machine; testdata/NAME.golden is what it compiles to.
type goldenCase struct {
	name string
	host Host
	spec Spec
}

// golden are those of direct mode; goldenModes has more.
var golden = []goldenCase{
	{"ro-bind", user(), Spec{Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"true"}}}},
	{"root", root(), Spec{Identity: Identity{KeepCaps: true}, Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"/bin/true", "a b", ""}}}},
	{"unshare-all", user(), Spec{
		Namespaces: Namespaces{User: Try, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Try, Hostname: SetText("box")},
		Files: []mounts.Op{
			roBind("/", "/"),
			{Kind: mounts.Proc, Dest: "/proc", From: from("--proc /proc")},
			{Kind: mounts.Dev, Dest: "/dev", From: from("--dev /dev")},
			{Kind: mounts.Tmpfs, Dest: "/run", From: from("--tmpfs /run")},
		},
		Session: Session{New: Want, DieWithParent: true},
		Command: CommandLine{Args: []string{"sh", "-c", "exit"}},
	}},
	{"files", user(), Spec{
		Files: []mounts.Op{
			{Kind: mounts.Tmpfs, Dest: "tmp//x/./y", Size: 4096, Perms: mounts.Mode(0o1700), From: from("--tmpfs tmp//x/./y")},
			{Kind: mounts.Bind, Source: "rel", Dest: "/a/../b", Access: mounts.ReadWrite, Try: true, From: from("--bind-try rel /a/../b")},
			{Kind: mounts.BindFD, FD: mounts.SetFD(9), Dest: "/fd", Access: mounts.WithDevice},
			{Kind: mounts.Dir, Dest: "/d", Perms: mounts.Mode(0o700)},
			{Kind: mounts.File, FD: mounts.SetFD(5), Dest: "/f"},
			{Kind: mounts.Data, FD: mounts.SetFD(6), Dest: "/data", Access: mounts.ReadOnly},
			{Kind: mounts.Symlink, Target: "../t", Dest: "/l"},
			{Kind: mounts.Chmod, Dest: "/d", Perms: mounts.Mode(0o4711)},
			{Kind: mounts.Mqueue, Dest: "/dev/mqueue"},
			{Kind: mounts.Overlay, Dest: "/o1", Layers: []string{"/low", "/high"}, Writes: mounts.Kept, Upper: "/up", Work: "/wk"},
			{Kind: mounts.Overlay, Dest: "/o2", Layers: []string{"/low"}, Writes: mounts.Forgotten},
			{Kind: mounts.Overlay, Dest: "/o3", Layers: []string{"/low", "/high"}},
			{Kind: mounts.RemountRO, Dest: "/"},
		},
		Command: CommandLine{Args: []string{"x"}, Argv0: SetText("y"), Chdir: SetText("sub"), Used: []int{9, 5, 6}, Read: nil},
	}},
	{"identity", user(), Spec{
		Namespaces: Namespaces{User: Want, PID: Want, DisableUsers: true},
		Identity: Identity{
			UID: SetID(1<<32 - 2), GID: SetID(1 << 31),
			Caps: []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: 1 << 21}},
		},
		Files:    []mounts.Op{roBind("/usr", "/usr"), {Kind: mounts.Dev, Dest: "/dev"}},
		Env:      []EnvOp{{Clear: true}, {Name: "A", Value: "1"}},
		Lockdown: Lockdown{Filters: []Filter{{BPF: allow(2), From: from("--seccomp 11")}}, Forgive: true},
		Command:  CommandLine{Args: []string{"id"}, Used: []int{11}, Read: []int{11}},
	}},
	{"joined", user(), Spec{
		Namespaces: Namespaces{JoinUser: fd(3, "--userns"), FinalUser: fd(4, "--userns2"), JoinPID: fd(5, "--pidns"), PID: Want},
		Files:      []mounts.Op{roBind("/", "/"), {Kind: mounts.Proc, Dest: "/proc"}},
		Session: Session{
			SyncFDs: []FD{fd(8, "--sync-fd")}, Locks: []LockFile{{Path: "/lock", From: from("--lock-file /lock")}}, BlockFD: fd(9, "--block-fd"),
		},
		Report:  Report{InfoFD: fd(6, "--info-fd"), JSONStatusFD: fd(7, "--json-status-fd")},
		Command: CommandLine{Args: []string{"x"}, Used: []int{3, 4, 5, 6, 7, 8, 9}, Read: []int{6, 7}},
	}},
	{"mapped-by-others", user(), Spec{
		Namespaces: Namespaces{User: Want},
		Files:      []mounts.Op{roBind("/", "/")},
		Report:     Report{InfoFD: fd(6, "--info-fd"), UserBlockFD: fd(7, "--userns-block-fd")},
		Session:    Session{AsPID1: false},
		Command:    CommandLine{Args: []string{"x"}, Used: []int{6, 7}, Read: []int{6}},
	}},
	{"status", root(), Spec{
		Identity:     Identity{KeepCaps: true},
		Namespaces:   Namespaces{PID: Want},
		Files:        []mounts.Op{{Kind: mounts.Proc, Dest: "/p", From: from("--proc /p")}, {Kind: mounts.Proc, Dest: "/q", From: from("--proc /q")}},
		ProcFallback: mounts.BindOuter,
		Report:       Report{FailStatus: 42},
		Lockdown:     Lockdown{Filters: []Filter{{BPF: allow(1), From: from("--seccomp 11")}}},
		Command:      CommandLine{Args: []string{"x"}, Used: []int{11}, Read: []int{11}},
	}},
	{"proc-or-none", user(), Spec{
		Namespaces:   Namespaces{PID: Want},
		Files:        []mounts.Op{{Kind: mounts.Proc, Dest: "/p", From: from("--proc /p")}},
		ProcFallback: mounts.Empty,
		Command:      CommandLine{Args: []string{"x"}},
	}},
	{"ranges-auto", granted(user()), Spec{
		Namespaces: Namespaces{User: Want, PID: Want, DisableUsers: true},
		Identity:   Identity{MapAuto: true, UID: SetID(0), GID: SetID(5)},
		Files:      []mounts.Op{roBind("/", "/"), {Kind: mounts.Proc, Dest: "/proc"}, {Kind: mounts.Dev, Dest: "/dev"}},
		Command:    CommandLine{Args: []string{"x"}},
	}},
	{"ranges-become", user(), Spec{
		Namespaces: Namespaces{User: Want},
		Identity: Identity{
			UID: SetID(7), GID: SetID(8), KeepGroups: true,
			UIDMap: []MapLine{mapped("--uid-map", 0, 100000, 9), mapped("--uid-map", 50, 1000, 1)},
			GIDMap: []MapLine{mapped("--gid-map", 0, 200000, 9)},
		},
		Files:   []mounts.Op{roBind("/", "/"), {Kind: mounts.Tmpfs, Dest: "/run"}},
		Report:  Report{InfoFD: fd(6, "--info-fd"), UserBlockFD: fd(7, "--userns-block-fd")},
		Command: CommandLine{Args: []string{"x"}, Used: []int{6, 7}, Read: []int{6}},
	}},
	{"ranges-root", root(), Spec{
		Namespaces: Namespaces{User: Want},
		Identity:   Identity{KeepCaps: true, UIDMap: []MapLine{mapped("--uid-map", 0, 100000, 65536)}, GIDMap: []MapLine{mapped("--gid-map", 0, 100000, 65536)}},
		Files:      []mounts.Op{roBind("/", "/")},
		Command:    CommandLine{Args: []string{"x"}},
	}},
}

// granted is a machine that grants ids to its user.
func granted(h Host) Host {
	h.UserName, h.SubUID, h.SubGID = "u", "x:1:1\nu:100000:65536\n", "1000:200000:10\nu:300000:20\n"
	return h
}

func mapped(option string, inside, outside, count uint32) MapLine {
	r := idmap.Range{Inside: inside, Outside: outside, Count: count}
	return MapLine{Range: r, From: plan.Origin{Words: []string{option, r.String()}}}
}

// TestGolden: what a spec compiles to. After a change that is meant:
//
//	go test ./sandbox -run TestGolden -update
func TestGolden(t *testing.T) {
	for _, c := range slices.Concat(golden, goldenModes) {
		p, err := Compile(&c.spec, c.host)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if v := p.Verify(); v != plan.Good {
			t.Errorf("%s: the plan is refused with %d", c.name, v)
		}
		compareFile(t, filepath.Join("testdata", c.name+".golden"), p.Dump())
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
		one, err := Compile(&c.spec, c.host)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Compile(&c.spec, c.host)
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
