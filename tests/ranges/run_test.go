package ranges_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// identity is who starts a launcher.
type identity struct {
	name   string
	id     uint32 // the gid is the same
	sub    uint32 // the first uid that /etc/subuid grants; gids begin 1000 later
	groups string // supplementary ones, as setpriv(1) takes them
}

// club is a group that only member is in.
const club = 4300

var (
	root     = identity{name: "root", sub: 700000}
	granted  = identity{name: "granted", id: 4210, sub: 310000}
	member   = identity{name: "member", id: 4213, sub: 420000, groups: fmt.Sprint(club)}
	bare     = identity{name: "bare", id: 4211}
	nameless = identity{name: "nameless", id: 4212, sub: 530500}
)

// subgid is the first gid that /etc/subgid grants.
func (who identity) subgid() uint32 {
	if who == nameless {
		return who.sub
	}
	return who.sub + 1000
}

// words are what stands in front of a program that who is to run.
func (who identity) words() []string {
	if who.id == 0 {
		return nil
	}
	groups := "--clear-groups"
	if who.groups != "" {
		groups = "--groups=" + who.groups
	}
	return []string{"setpriv", fmt.Sprint("--reuid=", who.id), fmt.Sprint("--regid=", who.id), groups, "--"}
}

// maps are the options of the ids from 0 on, those that are granted.
func (who identity) maps(count int) []string {
	return []string{"--uid-map", fmt.Sprintf("0:%d:%d", who.sub, count), "--gid-map", fmt.Sprintf("0:%d:%d", who.subgid(), count)}
}

// launch is one start of a program.
type launch struct {
	who   identity
	wrap  []string // run by root, in front of all
	args  []string // the program and its arguments
	env   []string
	files []*os.File // from 3 on
	// host is a shell script that root runs first, in a mount namespace of its own.
	host string
}

// outcome is what came of it.
type outcome struct {
	status         string // "0", "1", "signal killed"
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("status %s\nstdout: %s\nstderr: %s", o.status, o.stdout, o.stderr)
}

const patience = 5 * time.Minute

func (l launch) command() *exec.Cmd {
	words := slices.Concat(l.wrap, l.who.words(), l.args)
	if l.host != "" {
		words = append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", l.host + "\nexec \"$@\"", "sh"}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = l.files
	cmd.Dir = "/"
	cmd.Env = l.env
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	}
	return cmd
}

// run runs it to its end; one that does not end is killed with its process group.
func (l launch) run(t *testing.T) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := l.command()
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	if !late.Stop() {
		t.Errorf("still running after %s: %s", patience, cmd)
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Errorf("%s: %v", cmd, err)
	}
	return outcome{status(cmd.ProcessState), stdout.String(), stderr.String()}
}

func status(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprint(s.ExitCode())
}

// box is a command line of the launcher on the host's programs.
func box(options ...string) []string {
	return slices.Concat([]string{
		gobwrap, "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--ro-bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--perms", "1777", "--dir", "/tmp", "--ro-bind", filepath.Join(base, "bin"), "/h",
	}, options, []string{"--"})
}

// run starts a sandbox that runs a shell script.
func (who identity) run(t *testing.T, script string, options ...string) outcome {
	t.Helper()
	return launch{who: who, args: append(box(options...), "sh", "-ec", script)}.run(t)
}

// not is a function for shell scripts: what it runs must fail. (A "!" does not end a script.)
const not = `not() { if "$@"; then echo "it can $*"; fi; }
`

// ok checks that the command ran, printed this, and nothing else was said.
func (o outcome) ok(t *testing.T, stdout string) {
	t.Helper()
	if o.status != "0" || o.stdout != stdout || o.stderr != "" {
		t.Errorf("want status 0 and %q, but %s", stdout, o)
	}
}

// refused checks that the launcher said why in one sentence and ended with 1.
func (o outcome) refused(t *testing.T, senses ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	if len(lines) > 2 || !strings.HasPrefix(lines[0], "gobwrap: ") || len(lines) == 2 && !strings.HasPrefix(lines[1], "gobwrap: hint: ") {
		t.Errorf("not a sentence and a hint: %s", o)
	}
	if o.status != "1" || o.stdout != "" {
		t.Errorf("want status 1, and that nothing ran: %s", o)
	}
	for _, sense := range senses {
		if !strings.Contains(o.stderr, sense) {
			t.Errorf("want %q: %s", sense, o)
		}
	}
}

// scratch makes a directory that belongs to who and goes with the test.
func (who identity) scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(base, "w-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(os.Chown(dir, int(who.id), int(who.id)), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs a line of set-up as root, in a directory.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", line)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// owner is who has a file outside, and its mode.
func owner(t *testing.T, name string) string {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(name, &st); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d:%d %04o", st.Uid, st.Gid, st.Mode&0o7777)
}

// pipe makes a pipe that goes with the test.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// engine is a way to make the launcher do its mounts: what stands in front of it.
type engine struct {
	name string
	wrap []string
}

// engines are the mount engines; the last one is what a strict filter leaves. Root
// installs the filters: others need no_new_privs for that, with which newuidmap is powerless.
func engines(t *testing.T) (list []engine) {
	t.Helper()
	only := os.Getenv("GOBWRAP_TEST_ENGINE")
	for _, e := range []engine{
		{"new", nil},
		{"classic", []string{enosys}},
		{"refused", []string{enosys, "-e", "EPERM", "-a", "424"}},
	} {
		if only == "" || only == e.name {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		t.Fatalf("GOBWRAP_TEST_ENGINE=%s: there is no such engine", only)
	}
	return list
}

// stub writes a program that stands for newuidmap or newgidmap, and returns its directory.
func stub(t *testing.T, name, text string) string {
	t.Helper()
	dir := root.scratch(t)
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
