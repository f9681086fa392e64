package setuid_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

var traceback = regexp.MustCompile(`goroutine|runtime:|fatal error|panic|SIG[A-Z]{2}|\.go:\d+`)

// works requires that a launch succeeded or failed with a message.
func (o outcome) works(t *testing.T, stdout string) (ran bool) {
	t.Helper()
	switch {
	case traceback.MatchString(o.Stderr):
		t.Errorf("a traceback: %s", o)
	case o.Status == "0" && o.Stdout == stdout && o.Stderr == "":
		return true
	case o.Status != "1" || o.Stdout != "" || o.Message("gobwrap") != "":
		t.Errorf("neither %q nor a sentence: %s", stdout, o)
	}
	return false
}

// noFileOfRoot requires that a directory of the attacker's has no files of others, and no dumps.
func noFileOfRoot(t *testing.T, dir string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err == nil && (st.Uid != me || strings.Contains(filepath.Base(path), "core")) {
			t.Errorf("%s, of uid %d", path, st.Uid)
		}
		return nil
	})
}

// TestEnvironments: no environment variable changes what the launcher does with root's rights.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		{},
		{"GODEBUG=inittrace=1,schedtrace=1,gctrace=1,cpu.all=off,nonsense", "GOTRACEBACK=crash", "GOGC=1", "GOMEMLIMIT=1", "GOMAXPROCS=100000"},
		{"GOMEMLIMIT=nonsense", "GOTRACEBACK=wer", "GODEBUG=madvdontneed=1,allocfreetrace=1,sbrk=1,fips140=only"},
		{"GOCOVERDIR=DIR", "GORACE=log_path=DIR/race", "GOFIPS=1", "GOEXPERIMENT=all"},
		{"LD_PRELOAD=DIR/evil.so", "LD_LIBRARY_PATH=DIR", "LD_AUDIT=DIR/evil.so", "LD_DEBUG=all", "LD_DEBUG_OUTPUT=DIR/debug", "LD_PROFILE=libc", "LD_PROFILE_OUTPUT=DIR"},
		{"MALLOC_TRACE=DIR/trace", "TMPDIR=DIR", "HOME=DIR", "PATH=DIR", "PWD=/nowhere", "SHELL=DIR/sh", "IFS=/", "NLSPATH=DIR/%N", "GCONV_PATH=DIR", "RESOLV_HOST_CONF=DIR"},
		{"GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=1", "MALLOC_CHECK_=3", "LOCPATH=DIR", "TZ=DIR/zone", "BASH_ENV=DIR/rc", "ENV=DIR/rc"},
		{"=", "", "=x", "novalue", "G", "GODEBUG", "GODEBUG=", "GOGC=" + strings.Repeat("9", 100000)},
	} {
		dir := scratch(t)
		for i := range env {
			env[i] = strings.ReplaceAll(env[i], "DIR", dir)
		}
		for _, args := range [][]string{byKeeper(), byKeeper(all("--bind", dir, "/w")...), box(installed)} {
			o := launch{env: env, dir: dir, args: append(args, "/h/probe", "echo", "in")}.run(t)
			o.OK(t, "in\n")
			launch{env: env, dir: dir, args: append(args, "/nowhere")}.run(t).Refused(t, "/nowhere")
		}
		launch{env: env, dir: dir, args: append(byKeeper("--bind", "/nowhere", "/x"), "/h/probe")}.run(t).Refused(t, "/nowhere")
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%.60q: files were made: %v", env, left)
		}
	}
}

// TestLimits: under any resource limit, the sandbox is the same as in direct mode, or there is a message.
func TestLimits(t *testing.T) {
	t.Parallel()
	var limits []string
	for _, mb := range []int{1, 8, 32, 64, 128, 512, 700, 800} {
		limits = append(limits, fmt.Sprintf("--as=%d", mb<<20), fmt.Sprintf("--data=%d", mb<<20))
	}
	for n := range 14 {
		limits = append(limits, fmt.Sprintf("--nproc=%d", n))
	}
	for n := 3; n < 24; n++ {
		limits = append(limits, fmt.Sprintf("--nofile=%d", n))
	}
	limits = append(limits, "--fsize=0", "--fsize=1", "--core=0", "--core=unlimited", "--stack=65536", "--stack=131072", "--cpu=1", "--memlock=0",
		"--sigpending=0", "--msgqueue=0", "--nofile=64:64", "--nofile=1024:1024", "--nofile=1000:1000", "--nofile=1003:1003", "--rss=4096", "--rttime=1")
	ran := 0
	for i, limit := range limits {
		for j, options := range [][]string{{}, all(), {"--unshare-user", "--unshare-pid", "--tmpfs", "/t"}} {
			// A user of its own each time: processes are counted by user.
			l := launch{who: harness.UID(4*i + j), wrap: []string{"prlimit", limit, "--"}, args: append(byKeeper(options...), "/h/probe", "echo", "in")}
			o := l.run(t)
			if strings.Contains(o.Stderr, "prlimit: ") || o.Status == "signal killed" || o.Status == "signal segmentation fault" && o.Stderr == "" {
				continue // the kernel could not even start a program
			}
			if o.works(t, "in\n") {
				ran++
			}
			if t.Failed() {
				t.Fatal(limit, options)
			}
		}
	}
	if ran < len(limits) {
		t.Errorf("only %d of %d ran", ran, 3*len(limits))
	}
}

// TestClosedStreams: standard streams that are closed stay closed; nothing is written to
// what takes their numbers.
func TestClosedStreams(t *testing.T) {
	t.Parallel()
	for bits := range 8 {
		closing := []string{probe, "nofds"}
		for fd := range 3 {
			if bits>>fd&1 != 0 {
				closing = append(closing, "close", fmt.Sprint(fd))
			}
		}
		for _, options := range [][]string{{}, all(), {"--unshare-user", "--unshare-pid"}, {"--lock-file", "/w/facts"}} {
			dir := scratch(t)
			if err := os.WriteFile(dir+"/facts", nil, 0o600); err != nil || os.Chown(dir+"/facts", me, me) != nil {
				t.Fatal(err)
			}
			args := slices.Concat(closing, []string{"exec"}, byKeeper(append([]string{"--bind", dir, "/w"}, options...)...), []string{"/h/probe", "facts-to", "/w/facts", "exit", "5"})
			o := launch{args: args}.run(t)
			text, _ := os.ReadFile(dir + "/facts")
			for fd := range 4 {
				open := fd < 3 && bits>>fd&1 == 0
				if have := strings.Contains(string(text), fmt.Sprintf("fd %d: ", fd)); have != open {
					t.Errorf("%03b %v: fd %d is open: %v", bits, options, fd, have)
				}
			}
			if o.Status != "5" || o.Stdout != "" || o.Stderr != "" {
				t.Errorf("%03b %v: %s", bits, options, o)
			}
			o = launch{args: slices.Concat(closing, []string{"exec"}, byKeeper("--bind", "/nowhere", "/x"), []string{"/h/probe"})}.run(t)
			if o.Status != "1" || o.Stdout != "" || (bits&4 == 0) != strings.Contains(o.Stderr, "/nowhere") {
				t.Errorf("%03b: a failure: %s", bits, o)
			}
		}
	}
}

// TestUnusualStarts: no argv[0], a removed working directory, blocked or ignored signals, and an alarm.
func TestUnusualStarts(t *testing.T) {
	t.Parallel()
	launch{args: []string{probe, "bare", installed, "--"}}.run(t).refusedUsage(t)
	dir := scratch(t)
	for _, args := range [][]string{byKeeper(), byKeeper(all()...)} {
		words := strings.Join(args, " ") + " /h/probe where"
		for line, want := range map[string]string{
			"mkdir gone; cd gone; rmdir ../gone; exec " + words:                                          "/\n",
			"mkdir -p shut/in; cd shut/in; chmod 0 ..; " + words + "; chmod 0755 ..; rm -r ../../shut":   "/\n",
			"mkdir -p dark; cd dark; chmod 0 .; " + words + "; cd ..; rmdir dark":                        "/\n",
			"exec 5</proc/self 6</proc/self/ns/user 7</proc/self/environ 8</proc/self/fd; exec " + words: "/\n",
		} {
			launch{dir: dir, args: []string{"/bin/sh", "-c", line}}.run(t).OK(t, want)
		}
		all := []string{probe, "nofds"}
		for sig := 1; sig < 65; sig++ {
			if sig != 9 && sig != 19 {
				all = append(all, "ignore", fmt.Sprint(sig), "block", fmt.Sprint(sig))
			}
		}
		launch{args: slices.Concat(all, []string{"exec"}, args, []string{"/h/probe", "echo", "in"})}.run(t).OK(t, "in\n")
		// The alarm is delivered to the launcher and ends it at any time.
		rang := 0
		for us := 200; us < 12000; us += 400 {
			o := launch{args: slices.Concat([]string{witness, "timer", fmt.Sprint(us), "exec"}, args, []string{"/h/witness", "sleep", "20"})}.run(t)
			switch {
			case o.Status == "signal alarm clock" && o.Stderr == "":
				rang++
			case o.Status == "142" && o.Stderr == "":
			case o.Status != "0" || o.Stderr != "" || o.Stdout != "":
				t.Errorf("alarm after %d µs: %s", us, o)
			}
		}
		if rang == 0 {
			t.Error("no alarm rang")
		}
	}
	noFileOfRoot(t, dir)
}

// refusedUsage is for a launch without arguments.
func (o outcome) refusedUsage(t *testing.T) {
	t.Helper()
	if o.Status != "1" || o.Stdout != "" || !strings.HasPrefix(o.Stderr, "usage: ") {
		t.Error(o)
	}
}

// TestNoDumps: a process that has capabilities leaves no core dump. The control: the monitor, which is the
// user's, leaves one.
func TestNoDumps(t *testing.T) {
	t.Parallel()
	const knob = "/proc/sys/kernel/core_pattern"
	if pattern, err := os.ReadFile(knob); err != nil {
		t.Fatal(err)
	} else if strings.ContainsAny(string(pattern), "|/") { // they go elsewhere
		harness.Setting(t, knob)
		if err := os.WriteFile(knob, []byte("core"), 0); err != nil {
			t.Fatal(err)
		}
	}
	dumps := func(pick func(h *stolenLaunch) int, at pausePoint, signals ...unix.Signal) (files []string) {
		dir := scratch(t)
		s := newUserThread(t, me)
		h, _ := pausedIn(t, s, plain, at, startOptions{program: dumping(t, dir)})
		for _, sig := range signals { // root's, who may send them
			_ = unix.Kill(pick(h), sig)
		}
		harness.Until(func() bool { return proc.Gone(pick(h)) }) // a dump is complete by then
		found, _ := filepath.Glob(dir + "/*core*")
		nothing := t
		for _, file := range found {
			var st unix.Stat_t
			if err := unix.Lstat(file, &st); err == nil && st.Uid != me {
				nothing.Errorf("%s belongs to %d", file, st.Uid)
			}
		}
		return found
	}
	kinds := pausePoints()
	if got := dumps(func(h *stolenLaunch) int { return h.pid }, kinds[0], unix.SIGQUIT); len(got) == 0 {
		t.Error("the control failed: the monitor leaves no dump either")
	}
	for _, at := range kinds[:7] {
		if got := dumps(func(h *stolenLaunch) int { return h.keeper }, at, unix.SIGQUIT, unix.SIGSEGV, unix.SIGABRT, unix.SIGKILL); len(got) > 0 {
			t.Errorf("%s: a dump: %v", at.name, got)
		}
	}
}

// dumping is a script that starts the launcher where it may leave dumps.
func dumping(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "start")
	text := "#!/bin/sh\ncd " + dir + "\nulimit -c unlimited\nexec " + installed + ` "$@"` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "-R", fmt.Sprintf("%d:%d", me, me), dir).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	return path
}

// TestWorkingDirectory: a working directory that the user may not search, or that has been
// removed, is in the way of relative paths only, as in direct mode. One that root may not search is
// in nobody's way.
func TestWorkingDirectory(t *testing.T) {
	t.Parallel()
	roots := t.TempDir()
	own := scratch(t)
	for _, dir := range []string{roots, own} {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	id := fmt.Sprint(me)
	in := func(dir string, args ...string) outcome { // root enters the directory
		return launch{who: nobody, dir: dir, wrap: []string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"}, args: args}.run(t)
	}
	stat := func(source string) []string {
		return []string{
			"--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind", source, "/f",
			"--", "/usr/bin/stat", "-c", "%n %i %F", "/f",
		}
	}
	ran := 0
	for _, dir := range []string{own, roots} {
		for _, source := range []string{".", "..", "./file", "file", "../" + filepath.Base(dir) + "/file", "self", "0", "../self/fd"} {
			direct := in(dir, append([]string{gobwrap}, stat(source)...)...)
			kept := in(dir, append([]string{installed, "--mode", "setuid"}, stat(source)...)...)
			if direct.Status != kept.Status || direct.Stdout != kept.Stdout || direct.Stderr != kept.Stderr {
				t.Errorf("in %s, %s: direct mode: %s\nsetuid mode: %s", dir, source, direct, kept)
			}
			if kept.Status == "0" {
				ran++
			}
		}
	}
	if ran < 7 { // in one directory all that there is, in the other at least itself and its parent
		t.Errorf("%d of the binds work", ran)
	}
	in(roots, append(byKeeper(all()...), "/h/probe", "echo", "in")...).OK(t, "in\n")
}
