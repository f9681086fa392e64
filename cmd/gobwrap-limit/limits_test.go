package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets a test run this program.
func TestMain(m *testing.M) {
	if os.Getenv("GOBWRAP_LIMIT_TEST") != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	for line, want := range map[string]request{
		"--memory 2G --tasks 256 --cpus 1.5 -- gobwrap -- x": {limits: limits{2 << 30, 256, 1500 * time.Millisecond}, command: []string{"gobwrap", "--", "x"}},
		"--memory=4096 a=b c":                                {limits: limits{memory: 4096}, command: []string{"a=b", "c"}},
		"--tasks 1 --tasks 4194304 --explain true":           {limits: limits{tasks: 1 << 22}, explain: true, command: []string{"true"}},
		"--cpus 0.01 true":                                   {limits: limits{cpus: 10 * time.Millisecond}, command: []string{"true"}},
		"--cpus 10000.000001 -- --x":                         {limits: limits{cpus: 10000*time.Second + time.Microsecond}, command: []string{"--x"}},
		"--memory 64K true":                                  {limits: limits{memory: 1 << 16}, command: []string{"true"}},
		"--memory 1T true":                                   {limits: limits{memory: 1 << 40}, command: []string{"true"}},
	} {
		r, _, err := parse(strings.Fields(line))
		if err != nil || r.limits != want.limits || r.explain != want.explain || !slices.Equal(r.command, want.command) {
			t.Errorf("%s: %+v, %v", line, r, err)
		}
	}
	for line, want := range map[string]string{
		"":                                   "no command given",
		"true":                               "no limit given",
		"--explain true":                     "no limit given",
		"--memory":                           "--memory takes an argument",
		"--memory 1G":                        "no command given",
		"--memory 1G --":                     "no command given",
		"--memory 4095 true":                 "--memory: invalid value \"4095\"",
		"--memory G true":                    "invalid value",
		"--memory -1 true":                   "invalid value",
		"--memory +1G true":                  "invalid value",
		"--memory 1.5G true":                 "invalid value",
		"--memory 1g true":                   "invalid value",
		"--memory 1GB true":                  "invalid value",
		"--memory 4194305T true":             "invalid value",
		"--memory 18446744073709551616 true": "invalid value",
		"--tasks 0 true":                     "--tasks: invalid value \"0\"",
		"--tasks 4194305 true":               "invalid value",
		"--tasks max true":                   "invalid value",
		"--cpus 0 true":                      "--cpus: invalid value",
		"--cpus 0.009 true":                  "invalid value",
		"--cpus 10001 true":                  "invalid value",
		"--cpus 1. true":                     "invalid value",
		"--cpus .5 true":                     "invalid value",
		"--cpus 1e2 true":                    "invalid value",
		"--cpus NaN true":                    "invalid value",
		"--cpus 1.0000001 true":              "invalid value",
		"--limit 1 true":                     "unknown option \"--limit\"",
		"-m 1G true":                         "unknown option",
		"--memory 1G --=x true":              "unknown option \"--=x\"",
		"--memory 1G --explain=no true":      "unknown option \"--explain=no\"",
	} {
		if _, _, err := parse(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	if _, text, err := parse([]string{"--version"}); err != nil || !strings.HasPrefix(text, "gobwrap-limit ") {
		t.Error(text, err)
	}
}

// TestHolds: a limit that the files do not say is not in force.
func TestHolds(t *testing.T) {
	dir := t.TempDir()
	set := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := limits{1 << 20, 9, time.Second * 3 / 2}
	for _, c := range []struct {
		name, text string
		fine       bool
	}{
		{"memory.max", "1048576\n", false},
		{"pids.max", "9\n", false},
		{"cpu.max", "150000 100000\n", true},
		{"cpu.max", "15000 10000\n", true},
		{"cpu.max", "max 100000\n", false},
		{"cpu.max", "160000 100000\n", false},
		{"cpu.max", "", false},
		{"cpu.max", "150000 100000\n", true},
		{"pids.max", "max\n", false},
		{"pids.max", "10\n", false},
		{"pids.max", "8\n", true},
		{"memory.max", "1052672\n", false},
		{"memory.max", "max\n", false},
		{"memory.max", "1044480\n", true},
		{"memory.swap.max", "max\n", false},
		{"memory.swap.max", "0\n", true},
	} {
		set(c.name, c.text)
		if err := l.holds(dir); (err == nil) != c.fine {
			t.Errorf("%s %q: %v", c.name, c.text, err)
		}
	}
}

func TestHierarchy(t *testing.T) {
	const info = "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
		"30 25 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n" +
		"31 25 0:27 /a\\040b /sys/fs/c\\040g rw shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate\n"
	if h, err := findHierarchy(info); err != nil || h != (hierarchy{"/sys/fs/c g", "/a b"}) {
		t.Error(h, err)
	}
	if _, err := findHierarchy(strings.Split(info, "31 ")[0]); err != errNoCgroup2 {
		t.Error(err)
	}
	if path, err := ownCgroup("4:memory:/x\n0::/user.slice/a:b\n"); err != nil || path != "/user.slice/a:b" {
		t.Error(path, err)
	}
	if _, err := ownCgroup("4:memory:/x\n"); err != errNoCgroup2 {
		t.Error(err)
	}
}

// TestProperties: what systemd is asked for.
func TestProperties(t *testing.T) {
	have := map[string]any{}
	for _, p := range properties(limits{1 << 30, 7, 1500 * time.Millisecond}, []string{"a", "b"}) {
		have[p.Name] = p.Value.Value()
	}
	for name, want := range map[string]any{
		"MemoryMax": uint64(1 << 30), "MemorySwapMax": uint64(0), "TasksMax": uint64(7), "CPUQuotaPerSecUSec": uint64(1500000),
		"Description": "gobwrap-limit a b", "CollectMode": "inactive-or-failed",
	} {
		if have[name] != want {
			t.Errorf("%s: %v, want %v", name, have[name], want)
		}
	}
	if len(properties(limits{tasks: 1}, nil)) != 4 {
		t.Error("properties of limits that were not asked for")
	}
}

// TestNotWithoutTheLimit: where no cgroup can be had, the command does not run.
func TestNotWithoutTheLimit(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--memory", "1G", "--", "touch", ran}, statusFailed, "no cgroup with these limits can be had"},
		{[]string{"--memory", "x", "--", "touch", ran}, statusFailed, "usage: "},
		{[]string{"--memory", "1G", "--", "gobwrap-no-such-program"}, statusNotFound, "not found"},
	} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		spaces := []string{"-m"}
		if os.Geteuid() != 0 {
			spaces = []string{"-r", "-m"}
		}
		script := []string{"sh", "-c", `mount -t tmpfs none /sys/fs/cgroup && exec "$@"`, "sh", self} // there is no cgroup to be seen
		cmd := exec.Command("unshare", slices.Concat(spaces, script, c.args)...)
		cmd.Env = append(os.Environ(), "GOBWRAP_LIMIT_TEST=1")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.status || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v: %s", c.args, err, out)
		}
		if _, err := os.Stat(ran); err == nil {
			t.Fatal("the command has run")
		}
	}
}
