//go:build clients

package clients_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
	"golang.org/x/sys/unix"
)

// world is a place for one client.
type world struct {
	dir, home string // home is /home/client inside
	bwrap     string // what lies on /usr/bin/bwrap
	recorder  string
	user      int
	front     []string // in front of the step down to the user
	env       []string
}

// newWorld makes one whose bwrap is a recorder in front of a launcher. The kernel of one
// for the setuid copy refuses user namespaces.
func newWorld(t *testing.T, launcher string) *world {
	t.Helper()
	dir := harness.Scratch(t, base, 0)
	w := &world{dir: dir, home: filepath.Join(dir, "home"), recorder: filepath.Join(dir, "bwrap"), user: uid}
	w.bwrap = w.recorder
	mustDo(t, os.Mkdir(w.home, 0o700))
	mustDo(t, os.Mkdir(filepath.Join(dir, "node_modules"), 0o755))
	mustDo(t, os.Chown(w.home, uid, uid))
	w.put(t, "calls", "")
	mustDo(t, os.Chown(w.file("calls"), uid, uid))
	w.extend(t, "passwd", fmt.Sprintf("client:x:%d:%[1]d::/home/client:/bin/sh\n", uid))
	w.extend(t, "group", fmt.Sprintf("client:x:%d:\n", uid))
	w.put(t, "hosts", "127.0.0.1 localhost\n198.51.100.2 allowed.test denied.test\n")
	mustDo(t, testbin.C(w.recorder, "testdata/recorder.c", fmt.Sprintf("-DCALLS=%q", w.file("calls")), fmt.Sprintf("-DLAUNCHER=%q", launcher)))
	w.env = []string{
		"PATH=/usr/bin:/bin", "HOME=/home/client", "USER=client", "LANG=C.UTF-8",
		"TESTDATA=" + filepath.Join(base, "testdata"),
	}
	if launcher == installed {
		w.refuseNamespaces()
	}
	return w
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) put(t *testing.T, name, text string) {
	t.Helper()
	mustDo(t, os.WriteFile(w.file(name), []byte(text), 0o644))
}

// extend makes a copy of a file in /etc with a line more.
func (w *world) extend(t *testing.T, name, line string) {
	t.Helper()
	text, err := os.ReadFile("/etc/" + name)
	mustDo(t, err)
	w.put(t, name, string(text)+line)
}

// eachMode runs a test with the launcher for either mode.
func eachMode(t *testing.T, test func(t *testing.T, launcher string)) {
	t.Helper()
	t.Parallel()
	for name, launcher := range map[string]string{"direct": gobwrap, "setuid": installed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, launcher)
		})
	}
}

// refuseNamespaces makes the world's kernel one that refuses user namespaces.
func (w *world) refuseNamespaces() {
	rule := func(nr int) string { return fmt.Sprintf("%d:0=%#x/%#[2]x", nr, unix.CLONE_NEWUSER) }
	w.front = []string{enosys, "-e", "EPERM", "-n", rule(unix.SYS_CLONE), "-n", rule(unix.SYS_UNSHARE)}
}

// run is what goes on in a world.
type run struct {
	w              *world
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	done           chan struct{} // closed when it is over
}

// start runs a script of testdata, or another command, with a session bus.
func (w *world) start(t *testing.T, words ...string) *run {
	t.Helper()
	if strings.HasSuffix(words[0], ".sh") {
		words = append([]string{"sh", filepath.Join(base, "testdata", words[0])}, words[1:]...)
	}
	r := &run{w: w, cmd: exec.Command("unshare", slices.Concat(
		[]string{"--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"},
		[]string{"sh", filepath.Join(base, "testdata", "world.sh"), w.dir, w.bwrap, modules, fmt.Sprint(w.user)}, w.front,
		[]string{"--", "dbus-run-session", "--"}, words,
	)...)}
	r.cmd.Env, r.cmd.Dir = append(w.env, fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", w.user)), "/"
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.cmd.WaitDelay = time.Second
	mustDo(t, r.cmd.Start())
	r.done = make(chan struct{})
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(r.end)
	return r
}

// end ends it, and all that is in its world.
func (r *run) end() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

// over reports whether it has ended.
func (r *run) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// outcome is what came of it.
type outcome struct{ testcmd.Outcome }

func (r *run) wait(t *testing.T) outcome {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(harness.Patience):
		t.Errorf("still running after %s: %s", harness.Patience, r.cmd)
		r.end()
	}
	return outcome{testcmd.Outcome{Status: testcmd.Status(r.cmd.ProcessState), Stdout: r.stdout.String(), Stderr: r.stderr.String()}}
}

func (w *world) run(t *testing.T, words ...string) outcome {
	t.Helper()
	return w.start(t, words...).wait(t)
}

// facts are the lines "key: value" of a script's output.
func (o outcome) facts() map[string]string {
	facts := map[string]string{}
	for line := range strings.SplitSeq(o.Stdout, "\n") {
		if key, value, ok := strings.Cut(line, ": "); ok {
			facts[key] = value
		}
	}
	return facts
}

// says checks facts.
func (o outcome) says(t *testing.T, want map[string]string) {
	t.Helper()
	have := o.facts()
	for key, value := range want {
		if have[key] != value {
			t.Errorf("%s is %q, want %q", key, have[key], value)
		}
	}
	if t.Failed() {
		t.Log(o)
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
