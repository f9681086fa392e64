package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// callers are ways to be before the launcher is started, as words of the probe. What a
// payload then finds must be what a program finds that is started directly.
func callers() map[string]string {
	fds := "nofds open file 3 open pipe 9 open socket 64 open memfd 999 open file 1000 open pipe 1001"
	return map[string]string{
		"plain":               "nofds",
		"limits":              "nofds limit 7 300 20000 limit 4 0 0 limit 3 1048576 8388608 limit 8 65536 65536",
		"limit-of-300":        "nofds limit 7 300 300",
		"limit-soft-low":      "nofds limit 7 1024 4096",
		"limit-soft-is-hard":  "nofds limit 7 5000 5000",
		"signals-ignored":     "nofds ignore 1 ignore 2 ignore 3 ignore 10 ignore 12 ignore 13 ignore 15 ignore 23 ignore 27 ignore 34 ignore 40 ignore 64",
		"signals-blocked":     "nofds block 1 block 10 block 17 block 23 block 32 block 33 block 34 block 50 block 64",
		"signals-both":        "nofds ignore 10 block 10 ignore 40 block 40",
		"descriptors":         fds,
		"descriptors-and-300": "nofds open pipe 299 limit 7 300 300",
		"high-descriptor":     "nofds open pipe 19999",
		"umask":               "nofds umask 137",
		"no-umask":            "nofds umask 0",
		"one-processor":       "nofds cpu 1",
		"other-processor":     "nofds cpu 0",
		"background":          "nofds nice 7 slack 77000 oom 300",
	}
}

// arrangements are the processes between launcher and payload.
func arrangements() map[string][]string {
	return map[string][]string{
		"plain":  {},
		"reaper": {"--unshare-pid"},
		"all":    all(),
		"pid-1":  {"--unshare-pid", "--as-pid-1"},
	}
}

// differing are the facts that a sandbox is meant to change, or that differ anyway.
var differing = regexp.MustCompile(`(?m)^(env: PWD=.*|signal 17: .*|fd [0-2]: .*|arg: .*|/proc/self/.*|ids: .*)\n`)

func facts(o outcome) string {
	return differing.ReplaceAllString(o.Stdout, "")
}

func TestPayloadInheritsWhatItsCallerHad(t *testing.T) {
	t.Parallel()
	for caller, words := range callers() {
		t.Run(caller, func(t *testing.T) {
			eachWho(t, func(t *testing.T, who identity) {
				direct := launch{who: who, args: slices.Concat([]string{probe}, strings.Fields(words), []string{"exec", probe, "facts"})}.run(t)
				if direct.Status != "0" {
					t.Fatal(direct)
				}
				for name, options := range arrangements() {
					if caller == "descriptors-and-300" && name == "all" {
						continue
					}
					args := slices.Concat([]string{probe}, strings.Fields(words), []string{"exec"}, box(options...), []string{"/h/probe", "facts"})
					o := launch{who: who, args: args}.run(t)
					if want, have := facts(direct), facts(o); want != have || o.Status != "0" {
						t.Errorf("%s: %s\n%s", name, difference(want, have), o.Stderr)
					}
				}
			})
		})
	}
}

func difference(want, have string) string {
	var out strings.Builder
	w, h := strings.Split(want, "\n"), strings.Split(have, "\n")
	for _, line := range w {
		if !slices.Contains(h, line) {
			fmt.Fprintln(&out, "missing:", line)
		}
	}
	for _, line := range h {
		if !slices.Contains(w, line) {
			fmt.Fprintln(&out, "not wanted:", line)
		}
	}
	return out.String()
}

// The things of /proc that a plain sandbox shows are the caller's too.
func TestPayloadKeepsWhatProcTells(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		prepare := strings.Fields("nofds oom 300 cpu 1")
		args := slices.Concat([]string{probe}, prepare, []string{"exec"}, box("--ro-bind", "/proc", "/proc"), []string{"/h/probe", "facts"})
		o := launch{who: who, args: args}.run(t)
		for _, want := range []string{"/proc/self/oom_score_adj: 300\n", "/proc/self/comm: probe\n", "/proc/self/personality: 00000000\n"} {
			if !strings.Contains(o.Stdout, want) {
				t.Errorf("want %q: %s", want, o)
			}
		}
	})
}

// SIGCHLD is the one disposition that is not passed on: the launcher needs it, and so
// does the payload.
func TestChildSignalIsDefault(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for name, options := range arrangements() {
			t.Run(name, func(t *testing.T) {
				args := slices.Concat([]string{probe, "nofds", "ignore", "17", "exec"}, box(options...), []string{"/h/probe", "facts", "exit", "7"})
				o := launch{who: who, args: args}.run(t)
				if o.Status != "7" || strings.Contains(o.Stdout, "signal 17") {
					t.Error(o)
				}
			})
		}
	})
}

// The environment passes as it stands, whatever it holds.
func TestEnvironmentIsRaw(t *testing.T) {
	t.Parallel()
	env := []string{"B=2", "A=1", "A=2", "nothing", "", "=x", "==", "PATH=/bin", "A=3", "\xff\xfe=\x80", "PWD=/nowhere", "Z="}
	want := strings.ReplaceAll("env: "+strings.Join(env, "\nenv: ")+"\n", "PWD=/nowhere", "PWD=/")
	eachWho(t, func(t *testing.T, who identity) {
		program := who.launcher()
		args := slices.Concat([]string{probe, "bare", program[0]}, env, []string{"--"}, program, box()[1:], []string{"/h/probe", "facts"})
		o := launch{who: who, args: args}.run(t)
		_, have, _ := strings.Cut(o.Stdout, "env: ")
		have = "env: " + have[:strings.Index(have+"umask", "umask")]
		if have != want {
			t.Errorf("want %q, have %q: %s", want, have, o.Stderr)
		}
	})
}

// What would tune a Go program neither does so nor is lost.
func TestRuntimeVariablesAreOnlyPassedOn(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		{"GOMEMLIMIT=nonsense"},
		{"GOMEMLIMIT=1", "GOGC=1"},
		{"GOGC=off"},
		{"GOMAXPROCS=100000"},
		{"GODEBUG=inittrace=1,schedtrace=1,gctrace=1,cpu.all=off,nonsense", "GOTRACEBACK=crash"},
		{"GODEBUG=malloc=1,sbrk=1,fips140=only", "GOTRACEBACK=wer"},
		{"GOCOVERDIR=/nonexistent", "GORACE=halt_on_error=1", "GOFIPS=1"},
	} {
		t.Run(env[0], func(t *testing.T) {
			t.Parallel()
			eachWho(t, func(t *testing.T, who identity) {
				o := launch{who: who, env: env, args: append(box(), "/h/probe", "facts")}.run(t)
				for _, entry := range env {
					if !strings.Contains(o.Stdout, "env: "+entry+"\n") {
						t.Errorf("%s is missing", entry)
					}
				}
				if o.Status != "0" || o.Stderr != "" {
					t.Error(o)
				}
				launch{who: who, env: env, args: append(box("--bind", "/nonexistent", "/x"), "/h/probe")}.run(t).Refused(t, "/nonexistent")
			})
		})
	}
}

// Ids have 32 bits.
func TestLargeIDs(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, id := range []uint32{1<<31 - 1, 1 << 31, 3000000000, 1<<32 - 2} {
			for _, e := range engines(t) {
				o := launch{who: who.as(id), wrap: e.Wrap, args: append(box(all()...), "/h/probe", "facts")}.run(t)
				if want := fmt.Sprintf("ids: %d %d %d %d\n", id, id, id, id); o.Status != "0" || !strings.Contains(o.Stdout, want) {
					t.Errorf("%s: want %s: %s", e.Name, want, o)
				}
			}
			o := launch{who: who, args: append(box("--unshare-user", "--uid", fmt.Sprint(id), "--gid", fmt.Sprint(id)), "/h/probe", "facts")}.run(t)
			if want := fmt.Sprintf("ids: %d %d %d %d\n", id, id, id, id); o.Status != "0" || !strings.Contains(o.Stdout, want) {
				t.Errorf("want %s: %s", want, o)
			}
		}
	})
}

// Long command lines and environments are the kernel's business alone.
func TestLongCommandLine(t *testing.T) {
	t.Parallel()
	args := append(box(all()...), "/h/probe", "facts")
	env := []string{"LONG=" + strings.Repeat("e", 120000)}
	for i := range 8000 {
		env = append(env, fmt.Sprintf("V%d=%d", i, i))
	}
	long := strings.Repeat("a", 100000)
	for i := range 5000 {
		args = append(args, "echo", fmt.Sprint(i))
	}
	eachUser(t, func(t *testing.T, who identity) {
		o := launch{who: who, env: env, args: append(args, "echo", long)}.run(t)
		if o.Status != "0" || !strings.HasSuffix(o.Stdout, "\n4999\n"+long+"\n") || !strings.Contains(o.Stdout, "env: V7999=7999\n") {
			t.Errorf("status %s, %d bytes: %s", o.Status, len(o.Stdout), o.Stderr)
		}
	})
}

// A caller may leave out even the program's name.
func TestNoArgumentsAtAll(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		o := launch{who: who, args: []string{probe, "bare", who.launcher()[0], "--"}}.run(t)
		if o.Status != "1" || o.Stdout != "" || !strings.HasPrefix(o.Stderr, "usage: ") {
			t.Error(o)
		}
	})
}

// The result is the payload's, the way a shell says it.
func TestStatusOfTheCommand(t *testing.T) {
	t.Parallel()
	each(t, []identity{user, setuid, fallback}, func(t *testing.T, who identity) {
		for name, options := range arrangements() {
			t.Run(name, func(t *testing.T) {
				for _, code := range []int{0, 1, 7, 127, 128, 255} {
					o := launch{who: who, args: append(box(options...), "/h/probe", "exit", fmt.Sprint(code))}.run(t)
					if o.Status != fmt.Sprint(code) {
						t.Errorf("exit %d: %s", code, o)
					}
				}
				for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGQUIT, unix.SIGKILL, unix.SIGSEGV, unix.SIGTERM, 40} {
					if name == "pid-1" {
						break // which does not die of its own signals
					}
					words := []string{"/h/probe", "limit", "4", "0", "0", "raise", fmt.Sprint(int(sig))}
					o := launch{who: who, args: append(box(options...), words...)}.run(t)
					if o.Status != fmt.Sprint(128+int(sig)) || o.Stderr != "" {
						t.Errorf("signal %d: %s", sig, o)
					}
				}
			})
		}
	})
}

// What the tests above read must be there to read.
func TestControlFacts(t *testing.T) {
	t.Parallel()
	o := launch{who: root, args: []string{probe, "facts"}, files: []*os.File{open(t, "/etc/passwd")}}.run(t)
	for _, want := range []string{"fd 3: 100000", "limit 7:", "umask: 22", "cpu: 0", "env: PATH", "pdeathsig: 0"} {
		if !strings.Contains(o.Stdout, want) {
			t.Errorf("want %q: %s", want, o)
		}
	}
}
