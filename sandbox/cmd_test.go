package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
	"golang.org/x/sys/unix"
)

// host is a sandbox with the host's programs in it.
func host() sandbox.Spec {
	return sandbox.Spec{Files: []mounts.Op{
		mounts.ReadOnly("/"),
		mounts.Proc("/proc"),
		mounts.Dev("/dev"),
		mounts.Tmpfs("/tmp"),
	}}
}

// combined is output for a command that may fail.
func combined(t *testing.T, c *sandbox.Cmd) string {
	t.Helper()
	out, err := c.CombinedOutput()
	var exit *sandbox.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", c, err)
	}
	return string(out)
}

func output(t *testing.T, c *sandbox.Cmd) string {
	t.Helper()
	out, err := c.Output()
	var exit *sandbox.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v: %v\n%s%s", c, err, out, exit.Stderr)
	}
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	return string(out)
}

// TestStreams: what os/exec promises of streams, environment, directory and statuses.
func TestStreams(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "sh", "-c", `cat; echo err >&2; echo "$A $0 $PWD"; exit 7`)
		c.Args[0], c.Env, c.Dir = "sh", []string{"A=1", "A=2", "PATH=/usr/bin:/bin"}, "/usr"
		var out, said bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader("in\n"), &out, &said
		err := c.Run()
		var exit *sandbox.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 7 || c.ProcessState.ExitCode() != 7 {
			t.Errorf("%v", err)
		}
		if out.String() != "in\n2 sh /usr\n" || said.String() != "err\n" {
			t.Errorf("%q, %q", &out, &said)
		}

		c = m.Command(host(), "/bin/sh", "-c", "kill -SEGV $$")
		if err := c.Run(); err == nil || err.Error() != "signal: segmentation fault" {
			t.Errorf("killed by a signal: %v", err)
		}

		c = m.Command(host(), "cat")
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		from, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(in, "through a pipe")
		_ = in.Close()
		text, err := io.ReadAll(from)
		if err != nil || string(text) != "through a pipe" || c.Wait() != nil {
			t.Errorf("%q, %v", text, err)
		}

		both, err := m.Command(host(), "sh", "-c", "echo a; echo b >&2").CombinedOutput()
		if err != nil || string(both) != "a\nb\n" {
			t.Errorf("%q, %v", both, err)
		}
		c = m.Command(host(), "/bin/sh", "-c", "echo $0")
		c.Args[0] = "another name"
		if got := output(t, c); got != "another name\n" {
			t.Errorf("argv[0]: %q", got)
		}
	})
}

// TestDescriptors: the command has its streams, its ExtraFiles, and nothing else of the
// host's, whether that was opened with close-on-exec or not; an option's is not passed on.
func TestDescriptors(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		null, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = null.Close() }()
		for _, fd := range []int{10, 64, 500, 1000, 1001} { // some of them where launchers keep theirs
			if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Close(fd) }()
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		c := m.Command(host(), "/bin/sh", "-c", "cd /proc/self/fd && echo *; readlink 3 4 5")
		c.ExtraFiles = []*os.File{null}
		c.Spec.Report.InfoFD = c.Pass(w)
		c.ExtraFiles = append(c.ExtraFiles, null)
		// 4 is the listing's own, and closed again when it is looked up.
		if got := strings.TrimSpace(combined(t, c)); got != "0 1 2 3 4 5\n/dev/null\n/dev/null" {
			t.Errorf("the command has %q", got)
		}
		_ = w.Close()
		var doc map[string]any
		if err := json.NewDecoder(r).Decode(&doc); err != nil || doc["child-pid"] == nil {
			t.Errorf("%v, %v", doc, err)
		}
	})
}

// TestNothingOpen: neither init nor the monitor holds what the command has.
func TestNothingOpen(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := m.Command(host(), "/bin/sh", "-c", "exec sleep 60 1>&- 2>&- 3>&-")
		c.ExtraFiles, c.Stdout, c.Stderr = []*os.File{w}, w, w
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		if _, err := io.ReadAll(r); err != nil { // ends although the sandbox lives
			t.Error(err)
		}
		if err := errors.Join(c.Kill(), r.Close()); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Errorf("%v", err)
		}
	})
}

// TestZeroSpec: it runs, and there is nothing.
func TestZeroSpec(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		spec := host()
		out := output(t, m.Command(spec, "/bin/sh", "-c", `
			cd /proc/self/ns && for n in *; do echo "$n $(readlink $n)"; done
			grep -E '^(Cap|NoNewPrivs)' /proc/self/status; cat /proc/net/dev | wc -l; ps -o sid= -p $$`))
		for line := range strings.Lines(out) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			link, err := os.Readlink("/proc/self/ns/" + name)
			if err == nil && link == rest && !(name == "user" && m.Name == "setuid") && !strings.HasPrefix(name, "time") {
				t.Errorf("namespace %s is the host's", name)
			}
			if set, ok := strings.CutPrefix(line, "Cap"); ok && !strings.HasPrefix(set, "Bnd") && strings.Trim(set[4:], "0\t\n ") != "" {
				t.Errorf("capabilities: %s", line)
			}
		}
		if !strings.Contains(out, "NoNewPrivs:\t1\n3\n") {
			t.Errorf("more than a loopback, or privileges to gain:\n%s", out)
		}
	})
}

// TestZeroSpecInside: as a program sees it.
func TestZeroSpecInside(t *testing.T) {
	const variable = "TEST_ZERO_SPEC_UID" // the caller's uid, for the process inside
	if os.Getenv(variable) == "" {
		t.Setenv(variable, strconv.Itoa(os.Getuid()))
	}
	sandboxtest.Run(t, sandbox.Spec{}, func() {
		entries, err := os.ReadDir("/")
		for _, e := range entries {
			if e.Name() != ".sandboxtest" {
				t.Errorf("there is /%s", e.Name())
			}
		}
		if sid, _ := unix.Getsid(0); err != nil || strconv.Itoa(os.Getuid()) != os.Getenv(variable) || sid > 2 {
			t.Errorf("%v, uid %d, session %d", err, os.Getuid(), sid)
		}
	})
}

// TestErrors: what fails is told with the stage, the part of the Spec, and the errno.
func TestErrors(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		missing := func(c *sandbox.Cmd) {
			c.Spec.Files = append(c.Spec.Files, mounts.ReadOnly("/no such").At("/x"))
		}
		for _, c := range []struct {
			name                string
			change              func(*sandbox.Cmd)
			stage, option, path string
			is                  error
			words               string
		}{
			{"no source", missing, "source", "Files[4]", "/no such", fs.ErrNotExist, "Can't find source path /no such: No such file or directory"},
			{"no command", func(c *sandbox.Cmd) { c.Path = "/no such" }, "exec", "", "/no such", fs.ErrNotExist, "execvp /no such: No such file or directory"},
			{"no command in PATH", func(c *sandbox.Cmd) { c.Path, c.Env = "nosuch", []string{"PATH=/usr/bin:/bin"} }, "exec", "", "nosuch", exec.ErrNotFound, "execvp nosuch: No such file or directory"},
			{"a directory", func(c *sandbox.Cmd) { c.Path = "/usr" }, "exec", "", "/usr", unix.EACCES, "execvp /usr: Permission denied"},
			{"no place", func(c *sandbox.Cmd) { c.Spec.Files[3] = c.Spec.Files[3].At("/proc/none") }, "mount", "Files[3]", "/proc/none", fs.ErrNotExist, "Can't mkdir /proc/none: No such file or directory"},
			{"no directory", func(c *sandbox.Cmd) { c.Dir = "/none" }, "chdir", "Cmd.Dir", "/none", fs.ErrNotExist, "Can't chdir to /none: No such file or directory"},
			{"no words", func(c *sandbox.Cmd) { c.Path, c.Args = "", nil }, "options", "Cmd.Path", "", nil, "Cmd.Path: must not be empty"},
			{"a number of nothing", func(c *sandbox.Cmd) { c.Spec.Report.InfoFD = sandbox.SetFD(3) }, "options", "Report.InfoFD", "", nil, "Report.InfoFD: descriptor 3 is neither a standard stream nor one of ExtraFiles"},
			{"a NUL", func(c *sandbox.Cmd) { c.Args = append(c.Args, "a\x00b") }, "options", "Cmd.Args[1]", "", nil, "Cmd.Args[1]: contains a NUL byte"},
			{"no launcher", func(c *sandbox.Cmd) { c.Launcher = "/no such" }, "launch", "", "/no such", fs.ErrNotExist, "Can't find the launcher /no such: No such file or directory"},
			{"another program", func(c *sandbox.Cmd) { c.Launcher = "/bin/true" }, "launch", "", "", sandbox.ErrKilled, "killed before the command ran"},
		} {
			cmd := m.Command(host(), "/bin/true")
			c.change(cmd)
			if c.name == "another program" {
				cmd.Spec.Mode = sandbox.Direct
			}
			err := cmd.Run()
			var e *sandbox.SetupError
			if !errors.As(err, &e) || e.Stage != c.stage || e.Field != c.option || e.Path != c.path || c.is != nil && !errors.Is(err, c.is) || err.Error() != c.words {
				t.Errorf("%s: %+v: %v", c.name, e, err)
			}
			if errors.Is(err, sandbox.ErrUserNamespaces) || cmd.Process != nil || cmd.Wait() == nil {
				t.Errorf("%s: %v, process %v", c.name, err, cmd.Process)
			}
		}
	})
}

// TestRefusedUserNamespaces: a limit of 0 is a refusal. It is set in a user namespace of
// the test's own, so that nobody else has to live with it. Setuid mode refuses to set it.
func TestRefusedUserNamespaces(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		spec := host()
		spec.Namespaces.User, spec.Namespaces.DisableUsers = sandbox.Want, true
		if m.Name == "setuid" {
			var e *sandbox.SetupError
			if err := m.Command(spec, "/bin/true").Run(); !errors.As(err, &e) || e.Field != "Namespaces.DisableUsers" {
				t.Errorf("%+v: %v", e, err)
			}
			return
		}
		c := m.Command(spec, "/proc/self/exe", "-test.run=^TestInner$", "-test.v")
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		c.Path = "/tmp/self"
		c.Spec.Files = append(c.Spec.Files, mounts.ReadOnly(exe).At("/tmp/self"))
		c.Spec.Files = append(c.Spec.Files, mounts.ReadOnly(os.Getenv("GOBWRAP")).At("/tmp/gobwrap"))
		c.Env = append(os.Environ(), "GOBWRAP_INNER=1", "PATH=/usr/bin:/bin:/tmp")
		if out := output(t, c); !strings.Contains(out, "--- PASS: TestInner") {
			t.Errorf("%s", out)
		}
	})
}

// TestInner runs where user namespaces are used up at none: TestRefusedUserNamespaces
// starts it there.
func TestInner(t *testing.T) {
	c := sandbox.Command("/bin/true")
	c.Spec = host()
	err := c.Run()
	var e *sandbox.SetupError
	if !errors.Is(err, sandbox.ErrUserNamespaces) || !errors.As(err, &e) || e.Stage != "launch" || e.Hint == "" {
		t.Errorf("%+v: %v", e, err)
	}
}

// TestKill: the end of the context, Kill and Process.Kill leave nothing, and a monitor
// that is stopped does not keep them from it.
func TestKill(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		for name, end := range map[string]func(*sandbox.Cmd, context.CancelFunc) error{
			"context":        func(_ *sandbox.Cmd, cancel context.CancelFunc) error { cancel(); return nil },
			"Kill":           func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Kill() },
			"Process.Kill":   func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Process.Kill() },
			"monitor killed": func(c *sandbox.Cmd, _ context.CancelFunc) error { return sandbox.Monitor(c).Kill() },
			"stopped": func(c *sandbox.Cmd, cancel context.CancelFunc) error {
				err := c.Process.Signal(syscall.SIGSTOP)
				cancel()
				return err
			},
			"monitor stopped": func(c *sandbox.Cmd, cancel context.CancelFunc) error {
				err := sandbox.Monitor(c).Signal(syscall.SIGSTOP)
				cancel()
				return err
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			mark := fmt.Sprintf("%d.%d", 60+os.Getpid(), time.Now().UnixNano())
			c := m.Command(host(), "/bin/sh", "-c", "setsid sleep "+mark+" & sleep "+mark+" & exec sleep "+mark)
			c = withContext(ctx, c)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for running(mark) < 3 {
				time.Sleep(time.Millisecond)
			}
			if err := end(c, cancel); err != nil {
				t.Error(err)
			}
			err := c.Wait()
			if want := "signal: killed"; err == nil || err.Error() != want && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			for deadline := time.Now().Add(5 * time.Minute); running(mark) > 0; {
				if time.Now().After(deadline) {
					t.Fatalf("%s: %d processes are left", name, running(mark))
				}
				time.Sleep(time.Millisecond)
			}
			cancel()
		}
	})
}

// withContext is c, prepared with a context.
func withContext(ctx context.Context, c *sandbox.Cmd) *sandbox.Cmd {
	out := sandbox.CommandContext(ctx, c.Path, c.Args[1:]...)
	out.Spec, out.Launcher = c.Spec, c.Launcher
	return out
}

// running counts the processes with a word on their command line.
func running(word string) (n int) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), word) {
			n++
		}
	}
	return n
}

// TestCancelDuringSetUp: a context that ends while a sandbox is being made.
func TestCancelDuringSetUp(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = r.Close(), w.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c := withContext(ctx, m.Command(host(), "/bin/true"))
		c.Spec.Session.BlockFD = c.Pass(r)
		if err := c.Start(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := c.Start(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("once more: %v", err)
		}
	})
}

// TestStatus: the documents of JSONStatusFD, and the exit code, as with the command line.
func TestStatus(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		for path, want := range map[string]string{
			"/bin/false": "child-pid mode command-pid setup-complete exit-code=1",
			"/none":      "child-pid mode error",
		} {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			c := m.Command(host(), path)
			c.Spec.Report.JSONStatusFD = c.Pass(w)
			_ = c.Run()
			_ = w.Close()
			var got []string
			for dec := json.NewDecoder(r); ; {
				var doc map[string]any
				if dec.Decode(&doc) != nil {
					break
				}
				for _, key := range []string{"child-pid", "mode", "command-pid", "setup-complete", "error"} {
					if doc[key] != nil {
						got = append(got, key)
					}
				}
				if code, ok := doc["exit-code"].(float64); ok {
					got = append(got, "exit-code="+strconv.Itoa(int(code)))
				}
				if mode, ok := doc["mode"].(string); ok && (mode == "setuid") != (m.Name == "setuid") {
					t.Errorf("%s: the mode is %s", m.Name, mode)
				}
			}
			_ = r.Close()
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s: %s, want %s", path, text, want)
			}
		}
	})
}

// TestDataByDescriptor: files made of what a descriptor holds, and descriptors for binds.
func TestDataByDescriptor(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.WriteString("text\n")
		_ = w.Close()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte("bound\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		c := m.Command(host(), "cat", "/tmp/file", "/tmp/dir/f")
		c.Spec.Files = append(c.Spec.Files,
			mounts.File("/tmp/file", c.Pass(r)),
			mounts.ReadOnlyFD(c.Pass(d), "/tmp/dir"))
		if got := output(t, c); got != "text\nbound\n" {
			t.Errorf("%q", got)
		}
		_, _ = r.Close(), d.Close()
	})
}

// TestPlan: what would be done is what --dry-run prints, and nothing is started.
func TestPlan(t *testing.T) {
	c := sandbox.Command("true")
	c.Spec = host()
	text, err := c.Plan()
	if err != nil && !errors.Is(err, sandbox.ErrNoSetuid) {
		t.Fatal(err)
	}
	for _, line := range []string{"namespaces ", `; "Files[0]"`, `argv       true`} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	c.Spec.Session.AsPID1, c.Spec.Namespaces.PID = true, sandbox.Share
	if _, err := c.Plan(); err == nil || !strings.Contains(err.Error(), "Session.AsPID1: needs") {
		t.Errorf("%v", err)
	}
}

// TestProfiles: a Spec takes profiles by name, and files where there is a compiler.
func TestProfiles(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "unshare", "-U", "true")
		c.Spec.Lockdown.Filters = []sandbox.Filter{{Profile: "no-userns"}}
		if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "unshare failed") {
			t.Errorf("%v, %s", err, out)
		}
		for profile, want := range map[string]string{"nosuch": "there is no built-in seccomp profile nosuch", "/nosuch": "nosuch"} {
			c = m.Command(host(), "true")
			c.Spec.Lockdown.Filters = []sandbox.Filter{{Profile: profile}}
			var e *sandbox.SetupError
			if err := c.Run(); !errors.As(err, &e) || e.Field != "Lockdown.Filters[0]" || e.Path != profile {
				t.Errorf("%s: %v, want %s", profile, err, want)
			}
		}
	})
}

// TestRefusedBySetuid: what setuid mode does not do is refused before anything is started.
func TestRefusedBySetuid(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "true")
		c.Spec.Files = append(c.Spec.Files, mounts.TmpOverlay("/tmp", "/usr"))
		err := c.Run()
		if m.Name != "setuid" {
			if err != nil {
				t.Errorf("%v", err)
			}
			return
		}
		var e *sandbox.SetupError
		if !errors.As(err, &e) || e.Field != "Files[4]" || !strings.Contains(err.Error(), "is not possible in setuid mode") {
			t.Errorf("%+v", err)
		}
		c = m.Command(host(), "true")
		c.Launcher = "" // which is not an installation
		if err := c.Run(); !errors.Is(err, sandbox.ErrNoSetuid) {
			t.Errorf("%v", err)
		}
	})
}
