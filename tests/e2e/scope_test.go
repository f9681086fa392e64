package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// everyone is who launches, in either mode.
var everyone = []identity{root, user, setuid, fallback, either}

// landlockABI is the version of Landlock's interface, 0 if there is none.
func landlockABI() int {
	abi, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(abi)
}

// Versions of Landlock's interface: with scopes, and with what --scope sockets takes.
const scopesABI, socketsABI = 6, 9

// hasScopes skips a test where the kernel has no Landlock scopes.
func hasScopes(t *testing.T) {
	t.Helper()
	if abi := landlockABI(); abi < scopesABI {
		t.Skipf("Landlock's interface has version %d: no scopes", abi)
	}
}

// survives runs a script of bash's, which is the leader of a process group with a sandbox in
// it, and returns how it ends.
func survives(t *testing.T, who identity, program, command string, more ...string) string {
	t.Helper()
	return launch{who: who, args: slices.Concat(
		[]string{"bash", "-c", `"$@" 2>/dev/null; echo survived`, "bash", program, "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h"},
		more, []string{"--", "sh", "-c", command},
	)}.run(t).String()
}

const survivor = "status 0\nstdout: survived\n\nstderr: "

// TestGroupIsOutOfReach: the command is in its caller's process group, whose processes a
// signal to the group reaches in every PID namespace.
func TestGroupIsOutOfReach(t *testing.T) {
	t.Parallel()
	hasScopes(t)
	each(t, everyone, func(t *testing.T, who identity) {
		for _, more := range [][]string{{"--unshare-pid"}, {"--unshare-all"}, {"--unshare-pid", "--as-pid-1"}, {"--unshare-pid", "--unshare-user"}} {
			for _, command := range []string{"kill -9 0", "kill -9 -1; kill -9 0", "(setsid true; kill -9 0) & wait; kill -9 0"} {
				if got := survives(t, who, gobwrap, command, more...); got != survivor {
					t.Errorf("%v, %s: %s", more, command, got)
				}
			}
		}
		if got := survives(t, who, gobwrap, "kill -9 0", "--scope", "signals"); got != survivor {
			t.Errorf("--scope signals alone: %s", got)
		}
	})
}

// byNumber are the ways to send a signal to a process of which the number is known, and what
// each says where it is refused: the sender is not told about signals that the kernel sends for it
// (SIGIO), and a signal to the group ends the sender itself.
var byNumber = map[string]string{
	"kill": "EPERM", "tkill": "EPERM", "tgkill": "EPERM", "queue": "EPERM", "pidfd": "EPERM", "pidfd-group": "",
	"owner": "ok", "owner-group": "",
}

// byNumberAt is what a caller, which leads its process group, says when a command in a sandbox
// without a PID namespace has sent it SIGKILL.
func byNumberAt(t *testing.T, who identity, way string, more ...string) outcome {
	t.Helper()
	return launch{who: who, args: slices.Concat(
		[]string{"bash", "-c", `way=$1; shift; "$@" /tmp/h/reach signal $way $$ 9; echo survived`, "bash", way, gobwrap, "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h"},
		more,
	)}.run(t)
}

// TestSignalsByNumber: without a PID namespace the numbers of other processes are known.
func TestSignalsByNumber(t *testing.T) {
	t.Parallel()
	hasScopes(t)
	each(t, everyone, func(t *testing.T, who identity) {
		for way, answer := range byNumber {
			o := byNumberAt(t, who, way, "--scope", "signals")
			want := "survived\n"
			if answer != "" {
				want = "signal " + way + ": " + answer + "\n" + want
			}
			if o.Stdout != want || o.Status != "0" {
				t.Errorf("%s: %s", way, o)
			}
		}
	})
	for way := range byNumber { // the control
		if o := byNumberAt(t, user, way); o.Status != "signal killed" {
			t.Errorf("%s, without a scope: %s", way, o)
		}
	}
}

// TestGroupPriorities: what is known to reach the caller's group, and SECURITY.md says so.
func TestGroupPriorities(t *testing.T) {
	t.Parallel()
	run := func(more ...string) outcome {
		return launch{who: user, args: slices.Concat(
			[]string{"bash", "-c", `"$@" /tmp/h/reach nice; nice`, "bash", gobwrap, "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h", "--unshare-pid"},
			more,
		)}.run(t)
	}
	if o := run(); !strings.HasSuffix(o.Stdout, "\n10\n") {
		t.Errorf("SECURITY.md says that the caller's priorities are within reach: %s", o)
	}
	for _, more := range []string{"--new-session", "--foreground"} {
		if o := run(more); !strings.HasSuffix(o.Stdout, "\n0\n") {
			t.Errorf("%s: %s", more, o)
		}
	}
}

// The controls: bubblewrap's callers die, and ours without a PID namespace.
func TestControlGroupIsReached(t *testing.T) {
	t.Parallel()
	for program, more := range map[string]string{"bwrap": "--unshare-pid", gobwrap: "--unshare-ipc"} {
		if got := survives(t, user, program, "kill -9 0", more); !strings.HasPrefix(got, "status signal killed") {
			t.Errorf("%s: %s", program, got)
		}
	}
}

// TestInputSignals: who makes a terminal's input raise a signal aims at its foreground
// process group, and chooses the signal (O_ASYNC, F_SETSIG).
func TestInputSignals(t *testing.T) {
	t.Parallel()
	hasScopes(t)
	for _, who := range everyone {
		t.Run(who.name, func(t *testing.T) {
			if got, terminal := inputSignals(t, who, gobwrap); got != "survived" {
				t.Errorf("%q, on a terminal that showed %q", got, terminal)
			}
		})
	}
	if got, terminal := inputSignals(t, user, "bwrap"); got != "" { // the control
		t.Errorf("bubblewrap's caller: %q, on a terminal that showed %q", got, terminal)
	}
}

// inputSignals returns what a caller says on whose terminal something is typed after a
// command has asked for SIGKILL at that, and what the terminal showed.
func inputSignals(t *testing.T, who identity, program string) (got, terminal string) {
	return converse(t, who, program, `"$@" /tmp/h/probe input 0 9 pause; echo "=survived"`, [][2]string{{"input: ok", "x\n"}})
}

// TestScopesWithin: inside, everything works as without: signals, tracing, sandboxes and
// their signals, mounts; from outside, too.
func TestScopesWithin(t *testing.T) {
	t.Parallel()
	hasScopes(t)
	each(t, everyone, func(t *testing.T, who identity) {
		for command, want := range map[string]string{
			"sleep 9 & kill $!; wait $! 2>&-; echo $?":                          "143\n",
			"trap 'echo trapped; exit 3' TERM; kill 0":                          "trapped\n",
			"(sleep 9; true) & kill -9 -1; wait; echo gone":                     "gone\n",
			"/tmp/h/reach signal kill 0 0 signal kill -1 0; kill -9 1; echo $?": "signal kill: ok\nsignal kill: ok\n0\n",
		} {
			o := launch{who: who, args: []string{gobwrap, "--unshare-pid", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h", "--", "bash", "-c", command}}.run(t)
			if o.Stdout != want {
				t.Errorf("%s: %s", command, o)
			}
		}
	})
	each(t, everyone, func(t *testing.T, who identity) {
		dir := who.scratch(t)
		for _, more := range []string{"--unshare-pid", "--unshare-all", "--unshare-ipc"} {
			who.shell(t, dir, "mkdir -p a b; touch a/file")
			o := launch{who: who, args: []string{
				gobwrap, "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h", "--bind", dir, "/tmp/w", more,
				"/tmp/h/reach", "in", "/tmp/w", "rename", "a/file", "b/file",
			}}.run(t)
			if o.Stdout != "rename b/file: ok\n" {
				t.Errorf("%s, between directories: %s", more, o)
			}
		}
	})
	nest := []string{gobwrap, "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc"}
	var line []string
	for range 20 { // the kernel has no more than 16 domains within each other
		line = append(line, nest...)
	}
	if o := (launch{who: user, args: append(line, "echo", "deep")}).run(t); o.Stdout != "deep\n" {
		t.Errorf("20 sandboxes: %s", o)
	}
	inner := append(slices.Clone(nest), "sh", "-c", "kill -9 0")
	if o := (launch{who: user, args: append(slices.Clone(nest), append([]string{"bash", "-c", `"$@"; echo "inner $?"`, "bash"}, inner...)...)}).run(t); o.Stdout != "inner 137\n" {
		t.Errorf("a sandbox in a sandbox: %s", o)
	}
}

// TestScopesUnderFilters: a filter of the caller's that lets no domain be made, by an error or
// by a kill, costs the default scope alone, and what was asked for is refused.
func TestScopesUnderFilters(t *testing.T) {
	t.Parallel()
	hasScopes(t)
	for _, call := range []int{unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_LANDLOCK_RESTRICT_SELF} {
		for _, answer := range []string{"KILL", "EPERM", "ENOSYS"} {
			wrap := []string{enosys, "-e", answer, "-n", fmt.Sprint(call), "--"}
			for _, c := range []struct{ option, scope, want string }{
				{"--unshare-pid", "", "ran\n"},
				{"--scope-try", "signals", "ran\n"},
				{"--scope", "signals", ""},
			} {
				options := slices.DeleteFunc([]string{c.option, c.scope}, func(s string) bool { return s == "" })
				o := launch{who: user, wrap: wrap, args: append(box(options...), "/h/probe", "echo", "ran")}.run(t)
				if o.Stdout != c.want || (o.Status == "0") != (c.want != "") {
					t.Errorf("call %d, %s, %v: %s", call, answer, options, o)
				}
				if c.want == "" && !strings.Contains(o.Stderr, "(--scope signals) by Landlock: ") {
					t.Errorf("call %d, %s, %v: %s", call, answer, options, o)
				}
			}
		}
	}
	for _, answer := range []string{"EPERM", "KILL"} { // of a call that nothing here makes
		wrap := []string{enosys, "-e", answer, "-n", fmt.Sprint(unix.SYS_REBOOT), "--"}
		o := launch{who: user, wrap: wrap, args: []string{
			"bash", "-c", `"$@" 2>/dev/null; echo survived`, "bash", gobwrap, "--ro-bind", "/", "/", "--unshare-pid", "sh", "-c", "echo $$; kill -9 0",
		}}.run(t)
		if o.Stdout != "2\nsurvived\n" {
			t.Errorf("under another filter, which answers %s: %s", answer, o)
		}
	}
}

// TestJobControl: a job stops and goes on as a whole, whether the terminal stops it or the
// command does it by itself, as editors do.
func TestJobControl(t *testing.T) {
	t.Parallel()
	// await waits for a state of the job, and ending for the end of one that has been stopped,
	// of which it has the status; down for the stop of the command itself, a child of init, which could
	// otherwise still read what is typed for the shell. The launcher may have another child, a broker that it
	// has not waited for yet. up is a FIFO on which a command says that it runs, and it goes on
	// when there is something on go.
	const prelude = `set -m; cd $W; await() { while [ -z "$(jobs $1)" ]; do sleep .02; done; }
ending() { until grep -q exit-code status; do sleep .02; done; grep exit-code status | tr -dc 0-9; }
children() { cat /proc/$1/task/$1/children; }; grand() { for c in $(children $1); do children $c; done; }
down() { until for c in $(grand $1); do cat /proc/$c/status; done | grep -q '^State:.T'; do sleep .02; done; } 2>/dev/null; `
	for _, who := range everyone {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct{ name, script, want string }{
				{"TSTP", `"$@" sh -c 'kill -TSTP 0; exit 3'; s=$?; fg; echo "=$s $?"`, "148 3"},
				{"STOP", `"$@" sh -c 'kill -STOP 0; exit 3'; s=$?; fg; echo "=$s $?"`, "148 3"},
				{"twice", `"$@" sh -c 'kill -TSTP 0; kill -TSTP 0; exit 3'; fg; s=$?; fg; echo "=$s $?"`, "148 3"},
				{"itself", `"$@" sh -c 'kill -TSTP $$; exit 3'; s=$?; fg; echo "=$s $?"`, "148 3"},
				{"from outside", `"$@" sh -c 'echo >/tmp/w/up; read x </tmp/w/go; exit 3' & read x <up; kill -TSTP %1; await -s; echo >go & fg %1; echo "=$?"`, "3"},
				{"a stray SIGCONT", `"$@" sh -c 'echo >/tmp/w/up; read x </tmp/w/go; kill -TSTP 0; exit 3' & read x <up; kill -CONT %1; echo >go; fg %1; s=$?; fg %1; echo "=$s $?"`, "148 3"},
				{
					"from outside, then itself",
					`"$@" sh -c 'echo >/tmp/w/up; read x </tmp/w/go; kill -TSTP 0; exit 3' & read x <up; kill -TSTP %1; await -s; echo >go & fg %1; s=$?; fg %1; echo "=$s $?"`,
					"148 3",
				},
				{"continued inside", `"$@" --json-status-fd 9 9>status sh -c '(read x </tmp/w/go; kill -CONT $$) & kill -STOP $$; exit 3'; s=$?; echo >go; echo "=$s $(ending)"`, "148 3"},
				{"ended inside", `"$@" --json-status-fd 9 9>status sh -c '(read x </tmp/w/go; kill -KILL $$) & kill -STOP $$; exit 3'; s=$?; echo >go; echo "=$s $(ending)"`, "148 137"},
				{"out of time", `"$@" --json-status-fd 9 9>status --timeout 1:0.1 sh -c 'kill -STOP $$; exit 3'; s=$?; echo "=$s $(ending)"`, "148 137"},
				{"out of time, stopped from outside", `"$@" --json-status-fd 9 9>status --timeout 1:0.1 sh -c 'echo >/tmp/w/up; read x' & read x <up; kill -STOP %1; await -s; echo "=$(ending)"`, "137"},
			} {
				if got, terminal := converse(t, who, gobwrap, prelude+c.script, nil); got != c.want {
					t.Errorf("%s: %q, want %q, on a terminal that showed %q", c.name, got, c.want, terminal)
				}
			}
			for _, more := range [][]string{nil, {"--timeout", "600"}} {
				script := prelude + `set -- "${@/--unshare-pid/--unshare-ipc}"; "$@" sh -c 'kill -TSTP 0; exit 3'; s=$?; fg; echo "=$s $?"`
				if got, terminal := converse(t, who, gobwrap, script, nil, append([]string{"--scope", "signals"}, more...)...); got != "148 3" {
					t.Errorf("without an init, %v: %q, on a terminal that showed %q", more, got, terminal)
				}
			}
			keys := [][2]string{{"ready", "\x1a"}, {"stopped", "fg\n"}, {"running", "hello\n"}}
			script := prelude + `"$@" sh -c 'echo ready; read x; echo "=got $x"; exit 3'; await -s; p=$(jobs -p %1); down $p; echo stopped; read y; (while grep -q "^State:.T" /proc/$p/status; do :; done; echo running) & $y %1 >/dev/null; echo "=$?"`
			if got, terminal := converse(t, who, gobwrap, script, keys); got != "got hello, 3" {
				t.Errorf("Ctrl-Z: %q, on a terminal that showed %q", got, terminal)
			}
			if got, terminal := converse(t, who, gobwrap, `trap : INT; "$@" sh -c 'echo ready; sleep 100'; s=$?; echo; echo "=$s"`, [][2]string{{"ready", "\x03"}}); got != "130" {
				t.Errorf("Ctrl-C: %q, on a terminal that showed %q", got, terminal)
			}
		})
	}
}

// TestContinueIsNotLost: SIGCONT is blocked in the launcher before there is a payload that a shell
// could stop and continue. strace holds the launcher where the clone has just returned.
func TestContinueIsNotLost(t *testing.T) {
	t.Parallel()
	hold := []string{"strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=clone", "-e", "inject=clone:delay_exit=5000000"}
	cmd := launch{who: user, wrap: hold, args: append(box("--unshare-pid", "--die-with-parent"), "/h/probe", "echo", "up", "pause")}.command()
	out, outW := pipe(t)
	cmd.Stdout = outW
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = outW.Close()
	line, _ := bufio.NewReader(out).ReadString('\n')
	mask := proc.Field(cmd.Process.Pid, "SigBlk")
	held := proc.Field(cmd.Process.Pid, "TracerPid")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	set, err := strconv.ParseUint(mask, 16, 64)
	if line != "up\n" || held == "0" || err != nil || set>>(syscall.SIGCONT-1)&1 == 0 {
		t.Errorf("the command said %q, the launcher is traced by %s and blocks %s", line, held, mask)
	}
}

// TestStopWithoutJobControl: where nobody could continue it, the launcher does not stop.
func TestStopWithoutJobControl(t *testing.T) {
	t.Parallel()
	j := start(t, user, []string{"--unshare-pid"}, "raise", fmt.Sprint(int(syscall.SIGSTOP)), "exit", "5")
	pid := j.payload()
	for end := time.Now().Add(harness.Patience); proc.State(pid) != "T" && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	state := ""
	if !harness.Until(func() bool { state = proc.State(j.cmd.Process.Pid); return state == "S" || state == "T" }) || state == "T" {
		t.Errorf("the launcher is in state %s", state)
	}
	_ = syscall.Kill(pid, syscall.SIGCONT)
	j.ends("5")
}

// payload is the pid of the only child of PID 1.
func (j *job) payload() (pid int) {
	j.t.Helper()
	first := j.first()
	for end := time.Now().Add(harness.Patience); pid == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		out, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", first, first))
		_, _ = fmt.Sscan(string(out), &pid)
	}
	return pid
}

// keepOutput makes a terminal keep what has been written when it raises a signal: the kernel may
// come to throwing it away when the signal has long had its effect.
func keepOutput(t *testing.T, terminal *os.File) {
	t.Helper()
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag |= unix.NOFLSH
	if err := unix.IoctlSetTermios(int(terminal.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
}

// converse runs a script of bash's on a terminal; its arguments are a launcher and options. $W, in
// the sandbox /tmp/w, has two FIFOs, up and go.
// When the first word of a pair has been seen, the second is typed. The results are what the
// script, or the command, says behind "=", and all that the terminal showed.
func converse(t *testing.T, who identity, program, script string, typed [][2]string, more ...string) (got, said string) {
	t.Helper()
	master, slave := terminal(t, who)
	keepOutput(t, slave)
	dir := who.scratch(t)
	who.shell(t, dir, "mkfifo up go")
	line := slices.Concat([]string{
		"bash", "--norc", "-c", script, "bash", program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
		"--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h", "--bind", dir, "/tmp/w", "--unshare-pid",
	}, more)
	cmd := launch{who: who, args: line, env: []string{"PATH=/usr/bin:/bin", "TERM=dumb", "W=" + dir}}.command()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setctty = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	late := time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL) }) // the session leader: all are hung up
	defer late.Stop()
	at := 0
	for in := bufio.NewReader(master); ; {
		b, err := in.ReadByte()
		if err != nil {
			break
		}
		said += string(b)
		if len(typed) > 0 && b == '\n' && strings.Contains(said[at:], typed[0][0]) {
			at = len(said)
			_, _ = master.WriteString(typed[0][1])
			typed = typed[1:]
		}
	}
	_ = cmd.Wait()
	var found []string
	for l := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(l, "="); ok {
			found = append(found, strings.TrimRight(rest, "\r\n"))
		}
	}
	if len(typed) > 0 {
		t.Errorf("%q has not been seen", typed[0][0])
	}
	return strings.Join(found, ", "), said
}

// outerSockets are those that users have outside, by where they lie below a directory of theirs; the
// abstract ones' names are made unique with it.
var outerSockets = struct{ streams, datagrams, abstract []string }{
	streams:   []string{"run/bus", "run/docker.sock", "run/ssh-agent.1", "tmux/default", "tmux/.X11-unix/X0"},
	datagrams: []string{"run/notify"},
	abstract:  []string{"/tmp/.X11-unix/X0", "/tmp/dbus-1"},
}

// waysTo is the words of reach that try every way to a socket, and how many there are.
// The directory that has it is /tmp/w inside, and fd 3.
func waysTo(word, name string) (words []string, n int) {
	dir, base := filepath.Split("/tmp/w/" + name)
	for _, way := range [][]string{
		{word, dir + base},
		{word, "/tmp/w/link-" + base},
		{word, "/tmp/w/hard-" + base},
		{word, "/proc/self/root" + dir + base},
		{word, "/proc/self/fd/3/" + name},
		{"in", dir, word, base},
		{"in", dir, word, "/proc/self/cwd/" + base},
		{"at", "3", word, name},
	} {
		words = append(words, way...)
		n++
	}
	return words, n
}

// TestSockets: what lies outside is reached by no way, where that is asked for; what the sandbox
// has itself is.
func TestSockets(t *testing.T) {
	t.Parallel()
	abi := landlockABI()
	type answers struct{ path, abstract, own string }
	for _, c := range []struct {
		name    string
		options []string
		abi     int // what the kernel must have; else the launch is refused
		want    answers
	}{
		{"nothing", nil, 0, answers{"ok", "ok", "ok"}}, // the control
		{"no network", []string{"--unshare-net"}, 0, answers{"ok", "ECONNREFUSED", "ok"}},
		{"abstract", []string{"--scope", "abstract-sockets"}, scopesABI, answers{"ok", "EPERM", "ok"}},
		{"its other name", []string{"--scope-abstract-unix-sockets"}, scopesABI, answers{"ok", "EPERM", "ok"}},
		{"with a PID namespace", []string{"--unshare-pid", "--scope-try", "abstract-sockets"}, scopesABI, answers{"ok", "EPERM", "ok"}},
		{"sockets", []string{"--scope", "sockets"}, socketsABI, answers{"EACCES", "ok", "ok"}},
		{"all", []string{"--unshare-pid", "--scope", "all"}, socketsABI, answers{"EACCES", "EPERM", "ok"}},
		{"all but one", []string{"--scope", "all", "--allow-socket", "/tmp/w/run/bus"}, socketsABI, answers{"EACCES", "EPERM", "ok"}},
		{"all but some", []string{"--scope-try", "all", "--allow-socket", "/tmp/w"}, socketsABI, answers{"ok", "EPERM", "ok"}},
		{"the filter", []string{"--seccomp-profile", "no-unix-sockets"}, 0, answers{"EPERM", "EPERM", "EPERM"}},
	} {
		if abi < c.abi && !slices.Contains(c.options, "--scope") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, everyone, func(t *testing.T, who identity) {
				dir := who.scratch(t)
				who.shell(t, dir, "mkdir -p run tmux/.X11-unix")
				words := []string{reach}
				try := []string{"/tmp/h/reach"}
				var want []string
				expect := func(n int, word, answer string) {
					for range n {
						want = append(want, word+": "+answer)
					}
				}
				add := func(listen, word string, names []string) {
					for _, name := range names {
						words = append(words, listen, dir+"/"+name)
						ways, n := waysTo(word, name)
						try = append(try, ways...)
						answer := c.want.path
						if name == "run/bus" && slices.Contains(c.options, "/tmp/w/run/bus") {
							answer = "ok"
						}
						expect(n, word, answer)
					}
				}
				add("listen", "connect", outerSockets.streams)
				add("receive", "send", outerSockets.datagrams)
				for _, name := range outerSockets.abstract {
					name = "@" + dir + name
					words = append(words, "listen", name, "receive", name+"-d")
					try = append(try, "connect", name, "send", name+"-d")
					expect(1, "connect", c.want.abstract)
					expect(1, "send", c.want.abstract)
				}
				if c.want.own == "ok" {
					expect(2, "connect", "ok")
					own := "@" + dir + "/own" // the namespace of abstract sockets may be the host's
					try = slices.Concat([]string{"/tmp/h/reach", "listen", "/tmp/own", "listen", own, "behind", "connect", "/tmp/own", "connect", own, "exec"}, try)
					want = slices.Concat(want[len(want)-2:], want[:len(want)-2])
				}
				link := `for s in run/* tmux/default tmux/.X11-unix/*; do ln -s $s link-${s##*/}; ln $s hard-${s##*/}; done; exec "$@" 3<.`
				args := slices.Concat(
					words, []string{"behind", "in", dir, "exec", "sh", "-ec", link, "sh", gobwrap, "--ro-bind", "/", "/", "--proc", "/proc", "--tmpfs", "/tmp"},
					[]string{"--ro-bind", base + "/bin", "/tmp/h", "--bind", dir, "/tmp/w"}, c.options, []string{"--"}, try,
				)
				o := launch{who: who, args: args}.run(t)
				if abi < c.abi {
					if !strings.Contains(o.Stderr, "by Landlock: Operation not supported") || strings.Contains(strings.Join(c.options, " "), "all") && !strings.Contains(o.Stderr, "--seccomp-profile no-unix-sockets") || o.Stdout != "" {
						t.Errorf("a kernel without: %s", o)
					}
					return
				}
				var got []string
				for line := range strings.Lines(o.Stdout) {
					word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
					_, answer, _ := strings.Cut(rest, ": ")
					got = append(got, word+": "+answer)
				}
				if !slices.Equal(got, want) || o.Status != "0" {
					t.Errorf("%s\nwant %q", o, want)
				}
			})
		})
	}
}
