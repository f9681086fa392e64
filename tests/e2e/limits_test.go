package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// inShell is a command line with a script as the command.
func (v via) inShell(script string, options ...string) []string {
	return slices.Concat(v.words, []string{"--ro-bind", "/", "/", "--tmpfs", "/tmp", "--dev", "/dev"}, options, []string{"--", "sh", "-c", script})
}

// TestLimits: limits and niceness are the command's and not the caller's, nor init's; the last
// one of a name counts; and the reaper has the caller's.
func TestLimits(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		options := []string{
			"--proc", "/proc", "--unshare-pid", "--rlimit", "nofile=99:100", "--rlimit", "core=0", "--rlimit", "nofile=64:128",
			"--rlimit", "cpu=1000:unlimited", "--rlimit", "fsize=1048576:unlimited", "--nice", "7",
		}
		script := `nice; for l in 'open files' 'core file' 'cpu time' 'file size'; do grep -i "^max $l" /proc/self/limits; done; grep -i '^max file size' /proc/1/limits`
		out := launch{who: v.who, args: v.inShell(script, options...)}.run(t)
		var said []string
		for line := range strings.Lines(out.Stdout) {
			fields := strings.Fields(line)
			if len(fields) > 3 {
				fields = fields[len(fields)-3 : len(fields)-1]
			}
			said = append(said, strings.Join(fields, ":"))
		}
		if want := []string{"7", "64:128", "0:0", "1000:unlimited", "1048576:unlimited", "unlimited:unlimited"}; out.Status != "0" || !slices.Equal(said, want) {
			t.Errorf("%v\n%q, want %q", out, said, want)
		}
	})
}

// TestLimitsHold: what exceeds a limit ends as the kernel has it.
func TestLimitsHold(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		for name, c := range map[string]struct{ script, status string }{
			"cpu=1:2":      {"while :; do :; done", "152"}, // SIGXCPU
			"fsize=0:1":    {"echo x >/tmp/x", "153"},      // SIGXFSZ
			"nofile=6":     {"exec 5</ 2>/dev/null && ! exec 7</ 2>/dev/null; exit 3", "3"},
			"as=268435456": {"dd if=/dev/zero of=/dev/null bs=600M count=1 2>/dev/null; exit $(($? + 3))", "4"},
		} {
			out := launch{who: v.who, args: v.inShell(c.script, "--unshare-pid", "--rlimit", name)}.run(t)
			if name == "nofile=6" && out.Status == "2" { // the shell ends at a redirection that fails
				continue
			}
			if out.Status != c.status {
				t.Errorf("%s: %v, want status %s", name, out, c.status)
			}
		}
	})
}

// TestLimitsRefused: a hard limit that would rise is an error that names the option, for root
// too, and the command does not run; so is a niceness that the caller may not have.
func TestLimitsRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		refused := func(option, value string, wrap ...string) {
			t.Helper()
			out := launch{who: v.who, wrap: wrap, args: v.inShell("echo ran", "--unshare-pid", option, value)}.run(t)
			if out.Status != "1" || out.Stdout != "" || !strings.Contains(out.Stderr, option+" "+value+": ") || !strings.Contains(out.Stderr, "hint: ") {
				t.Errorf("%s %s: %v", option, value, out)
			}
		}
		tight := []string{"prlimit", "--nofile=500:600", "--nice=0:0"}
		refused("--rlimit", "nofile=500:601", tight...)
		refused("--rlimit", "nofile=500:unlimited", tight...)
		refused("--rlimit", "nofile=unlimited", tight...)
		if v.who != root {
			refused("--nice", "-1", tight...)
		}
		out := launch{who: v.who, wrap: tight, args: v.inShell("ulimit -n; ulimit -Hn", "--rlimit", "nofile=600")}.run(t)
		out.OK(t, "600\n600\n")
	})
}

// ending is what --usage says.
type ending struct {
	by                      string
	wall, user, system      float64
	maxRSS, contextSwitches float64
	code                    float64
}

func endingOf(t *testing.T, text string) (e ending) {
	t.Helper()
	last := ""
	for _, d := range documents(t, text) {
		switch last = d.key; d.key {
		case "usage":
			u := d.all["usage"].(map[string]any)
			e = ending{
				d.all["ended-by"].(string), u["wall"].(float64), u["user"].(float64), u["system"].(float64),
				u["max-rss"].(float64), u["context-switches"].(float64), -1,
			}
		case "exit-code":
			e.code = d.all["exit-code"].(float64)
		}
	}
	if e.by == "" || last != "exit-code" {
		t.Fatalf("no usage in front of the exit status:\n%s", text)
	}
	return e
}

// scopes are what everything in a sandbox is.
var scopes = map[string][]string{
	"pidns":   {"--unshare-pid", "--proc", "/proc"},
	"as-pid1": {"--unshare-pid", "--proc", "/proc", "--as-pid-1"},
	"session": {"--new-session"},
	"init":    {"--new-session", "--lock-file", "/etc/passwd"}, // an init, and no PID namespace
	"command": nil,
}

// TestTimeout: SIGTERM comes to the command when its time is over, SIGKILL to everything after
// the grace, and nothing is left that the scope contains.
func TestTimeout(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for name, scope := range scopes {
			for what, c := range map[string]struct{ script, status, wants string }{
				"a sleeper":        {"echo ready; exec sleep 98765", "143", ""},
				"one that obeys":   {"trap 'echo asked; exit 7' TERM; echo ready; sleep 98765 & wait", "7", "asked\n"},
				"one that ignores": {"trap '' TERM; echo ready; sleep 98765; sleep 98765", "137", ""},
				"one that stops":   {"echo ready; kill -STOP $$", "137", ""},
				"a double fork":    {"(sleep 98765 &) ; (exec setsid sleep 98765 &); echo ready; exec sleep 98765", "143", ""},
			} {
				if name == "as-pid1" && (what == "a sleeper" || what == "a double fork") {
					c.status = "137" // PID 1 gets the signals that it handles
				}
				if name == "as-pid1" && what == "one that stops" {
					continue // PID 1 does not stop
				}
				t.Run(name+"/"+what, func(t *testing.T) {
					t.Parallel()
					l := timed{c.script, c.status, c.wants, scope, name == "command" || what == "a double fork" && name != "pidns" && name != "as-pid1"}
					// The time must not be over before the script is ready.
					for limit := 0.4; !l.ends(t, v, limit); limit *= 2 {
						if limit > 3600 {
							t.Fatal("it does not get ready")
						}
					}
				})
			}
		}
	})
}

// timed is a command of TestTimeout, which says when it is ready.
type timed struct {
	script, status, wants string
	scope                 []string
	leaves                bool // it leaves processes outside of its scope
}

// ends runs the command for at most limit seconds, and reports whether it was ready before.
func (c timed) ends(t *testing.T, v via, limit float64) bool {
	t.Helper()
	grace := 0.3
	if c.status != "137" {
		grace = 3600 // it ends by itself, however slow the machine is
	}
	mark := strconv.Itoa(int(1e6 + time.Now().UnixNano()%1e9))
	options := slices.Concat(c.scope, []string{"--timeout", fmt.Sprintf("%g:%g", limit, grace), "--usage", "--json-status-fd", "2"})
	start := time.Now()
	out := launch{who: v.who, args: v.inShell(strings.ReplaceAll(c.script, "sleep 98765", "sleep "+mark+" >/dev/null 2>&1"), options...)}.run(t)
	took := time.Since(start)
	ready := strings.HasPrefix(out.Stdout, "ready\n")
	if !ready || c.leaves { // what is outside of the scope stays, and is ours to end
		_ = exec.Command("pkill", "-KILL", "-f", "^sleep "+mark).Run()
	}
	if !harness.Until(func() bool { return exec.Command("pgrep", "-f", "^sleep "+mark).Run() != nil }) {
		t.Fatal("something is left")
	}
	if !ready {
		return false
	}
	e := endingOf(t, out.Stderr)
	if out.Status != c.status || out.Stdout != "ready\n"+c.wants || e.by != "timeout" || e.wall < limit || took.Seconds() < limit {
		t.Errorf("%v after %v: %+v, want status %s", out, took, e, c.status)
	}
	if c.status == "137" && e.wall < limit+grace {
		t.Errorf("killed after %v", e.wall)
	}
	return true
}

// ignoringTERM runs a command that ignores SIGTERM with a limit of time, and with a longer one if that was over
// before the command had said so.
func ignoringTERM(run func(limit string) outcome) (out outcome) {
	for limit := 0.3; limit < 3600; limit *= 2 {
		if out = run(fmt.Sprintf("%g:0.2", limit)); out.Status != "143" {
			break
		}
	}
	return out
}

// TestForkBomb: processes that fork as fast as they can end with their PID namespace.
func TestForkBomb(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		mark := strconv.Itoa(int(1e6 + time.Now().UnixNano()%1e9))
		script := "trap '' TERM; f() { f & sleep " + mark + " & f; }; f & exec sleep " + mark
		limit := "300"
		if v.name != "user" { // root has no RLIMIT_NPROC, and without a user namespace it counts what others have
			script = "trap '' TERM; f() { test $1 = 0 || { f $(($1 - 1)) & f $(($1 - 1)) & }; exec sleep " + mark + "; }; f 7"
			limit = "30000"
		}
		out := ignoringTERM(func(time string) outcome {
			return launch{who: v.who, args: v.inShell(script, "--unshare-pid", "--rlimit", "nproc="+limit, "--rlimit", "cpu=60", "--timeout", time)}.run(t)
		})
		if out.Status != "137" {
			t.Error(out)
		}
		if !harness.Until(func() bool { return exec.Command("pgrep", "-f", "^sleep "+mark).Run() != nil }) {
			t.Fatal("something is left")
		}
	})
}

// TestUsage: what the command has used, with and without an init, and how it has ended.
func TestUsage(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		for name, scope := range scopes {
			for script, want := range map[string]struct {
				by   string
				code float64
			}{
				"exit 7": {"exit", 7}, "kill -KILL $$; exit 3": {"signal", 137},
				"x=0; while [ $x -lt 60000 ]; do x=$((x+1)); done; exit 0": {"exit", 0},
			} {
				if name == "as-pid1" && want.by == "signal" {
					continue // a PID 1 cannot kill itself
				}
				out := launch{who: v.who, args: v.inShell(script, slices.Concat(scope, []string{"--usage", "--json-status-fd", "2"})...)}.run(t)
				e := endingOf(t, out.Stderr)
				if e.by != want.by || e.code != want.code || e.wall <= 0 || e.maxRSS < 100<<10 || e.maxRSS > 100<<20 {
					t.Errorf("%s, %s: %+v", name, script, e)
				}
				if strings.HasPrefix(script, "x=0") && (e.user < 0.001 || e.user > e.wall+0.1) {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
		// A command that is killed when its time is over has used that.
		out := ignoringTERM(func(limit string) outcome {
			return launch{who: v.who, args: v.inShell("trap '' TERM; while :; do :; done", "--unshare-pid", "--timeout", limit, "--usage", "--json-status-fd", "2")}.run(t)
		})
		if e := endingOf(t, out.Stderr); e.by != "timeout" || e.user == 0 || e.maxRSS < 100<<10 {
			t.Errorf("%+v", e)
		}
		out = launch{who: v.who, args: v.inShell("exit 0", "--usage")}.run(t)
		if out.Status != "1" || !strings.Contains(out.Stderr, "--usage requires --json-status-fd") {
			t.Error(out)
		}
	})
}

// TestCloseFDs: the command gets the standard streams and what is named, with the newer calls
// and without them; a lock that init holds, and a descriptor that it keeps, stay.
func TestCloseFDs(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	files := slices.Repeat([]*os.File{null}, 9) // 3 to 11
	list := "cd /proc/self/fd; for n in *; do test $n = 255 || test $n -lt 3 || ! test -e $n || echo $n; done"
	eachWay(t, func(t *testing.T, v via) {
		for _, c := range []struct {
			options []string
			want    string
		}{
			{[]string{"--close-fds"}, ""},
			{[]string{"--keep-fd", "5"}, "5\n"},
			{[]string{"--keep-fd", "11", "--keep-fd", "3", "--close-fds", "--keep-fd", "3"}, "11\n3\n"},
			{[]string{"--unshare-pid", "--close-fds", "--sync-fd", "4", "--lock-file", "/etc/passwd", "--keep-fd", "7"}, "7\n"},
			{[]string{"--keep-fd", "8", "--sync-fd", "8", "--unshare-pid"}, ""}, // used up
			{[]string{"--keep-fd", "8", "--seccomp-profile", "default", "--json-status-fd", "9"}, "8\n"},
		} {
			opts := slices.Concat([]string{"--proc", "/proc"}, c.options)
			if v.mode == "setuid" && !slices.Contains(opts, "--unshare-pid") {
				opts = append(opts, "--unshare-pid")
			}
			opened := files
			if slices.Contains(opts, "9") {
				w, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = w.Close() }()
				opened = slices.Clone(files)
				opened[6] = w
			}
			out := launch{who: v.who, files: opened, args: v.inShell(list, opts...)}.run(t)
			if out.Status != "0" || out.Stdout != c.want {
				t.Errorf("%q: %v\nwant %q", c.options, out, c.want)
			}
		}
	})
}

// TestScore: the kernel's score is set for the sandbox, only upwards by a user.
func TestScore(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		out := launch{who: v.who, args: v.inShell("cat /proc/self/oom_score_adj", "--unshare-pid", "--proc", "/proc", "--oom-score-adj", "321")}.run(t)
		out.OK(t, "321\n")
		if v.who == user {
			out = launch{who: v.who, args: v.inShell("echo ran", "--oom-score-adj", "-1000")}.run(t)
			out.Refused(t, "--oom-score-adj -1000: Permission denied")
		}
	})
}

// TestCPUs: the command runs on exactly the CPUs that are named, and init where the caller does. One that is
// not there is an error that names the option, and the command does not run.
func TestCPUs(t *testing.T) {
	var caller unix.CPUSet
	if err := unix.SchedGetaffinity(0, &caller); err != nil {
		t.Fatal(err)
	}
	var cpus []string
	for i := 0; len(cpus) < caller.Count(); i++ {
		if caller.IsSet(i) {
			cpus = append(cpus, strconv.Itoa(i))
		}
	}
	last := cpus[len(cpus)-1]
	eachWay(t, func(t *testing.T, v via) {
		script := "grep ^Cpus_allowed_list: /proc/self/status /proc/1/status | sed 's/.*:.//'"
		run := func(script string, options ...string) outcome {
			return launch{who: v.who, args: v.inShell(script, append([]string{"--unshare-pid", "--proc", "/proc"}, options...)...)}.run(t)
		}
		out := run(script)
		payload, init, _ := strings.Cut(strings.TrimSpace(out.Stdout), "\n")
		if out.Status != "0" || payload == "" || payload != init {
			t.Fatalf("without the option: %v", out)
		}
		run(script, "--cpu-affinity", last).OK(t, last+"\n"+init+"\n")
		run(script, "--cpu-affinity", strings.Join(cpus, ",")).OK(t, init+"\n"+init+"\n")
		// Given again, the last one counts.
		out = run(script, "--cpu-affinity", "8191", "--cpu-affinity", last)
		if out.Status != "0" || out.Stdout != last+"\n"+init+"\n" || !strings.Contains(out.Stderr, "Only the last --cpu-affinity option") {
			t.Error(out)
		}
		// A mask is listed as the CPUs in it, whether they are there or not.
		out = run("echo ran", "--dry-run", "--cpu-affinity", "200,0-3,64,8")
		if out.Status != "0" || !strings.Contains(out.Stdout, "set        CPUs 0-3,8,64,200 ") {
			t.Error(out)
		}
		for _, list := range []string{"8191", last + ",8191", "0-8191"} {
			out = run("echo ran", "--cpu-affinity", list)
			out.Refused(t, "Can't carry out --cpu-affinity "+list+": Invalid argument")
			if !strings.Contains(out.Stderr, "hint: name CPUs that are online") {
				t.Error(out)
			}
		}
		run("echo ran", "--cpu-affinity", last+"-").Refused(t, "--cpu-affinity: invalid value ")
	})
}

// TestVerdicts: what judges of programs ask for follows from the report. The letters are those of
// isolate(1), which gives the same to these scripts.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	scripts := map[string]string{
		"exit 0": "", "exit 3": "RE", "exit 137": "RE", "sh -c 'kill -SEGV $$'; exit 5": "RE",
		"kill -SEGV $$": "SG", "kill -KILL $$": "SG", "kill -TERM $$": "SG",
		"sleep 600": "TO", "while :; do :; done": "TO", "trap '' TERM XCPU; sleep 600; sleep 600": "TO", "kill -STOP $$": "TO",
	}
	eachWay(t, func(t *testing.T, v via) {
		for script, want := range scripts {
			t.Run(script, func(t *testing.T) {
				t.Parallel()
				limit := "600"
				if want == "TO" {
					limit = "0.3:0"
				}
				out := launch{who: v.who, args: v.inShell(script, "--unshare-pid", "--timeout", limit, "--usage", "--json-status-fd", "2")}.run(t)
				e, verdict := endingOf(t, out.Stderr), ""
				switch {
				case e.by == "timeout", e.by == "limit":
					verdict = "TO"
				case e.by == "signal", e.by == "oom":
					verdict = "SG"
				case e.code != 0:
					verdict = "RE"
				}
				if verdict != want {
					t.Errorf("%q, want %q: %+v", verdict, want, e)
				}
			})
		}
		if v.who == root {
			return // these take a second of the processor's each
		}
		out := launch{who: v.who, args: v.inShell("while :; do :; done", "--unshare-pid", "--rlimit", "cpu=1:2", "--usage", "--json-status-fd", "2")}.run(t)
		if e := endingOf(t, out.Stderr); e.by != "limit" || e.code != 152 {
			t.Errorf("%+v", e)
		}
		out = launch{who: v.who, args: v.inShell("trap '' XCPU; while :; do :; done", "--unshare-pid", "--rlimit", "cpu=1:1", "--usage", "--json-status-fd", "2")}.run(t)
		if e := endingOf(t, out.Stderr); e.by != "limit" || e.code != 137 {
			t.Errorf("%+v", e)
		}
	})
}
