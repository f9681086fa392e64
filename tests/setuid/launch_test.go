package setuid_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launch is one start of a program as a user starts it.
type launch struct {
	who    uint32 // me
	groups []uint32
	host   string   // a shell script, run as root in a mount namespace of its own, in which the rest follows
	wrap   []string // in front of the program
	args   []string // the program and its arguments
	dir    string
	env    []string
	files  []*os.File // from 3 on
	change func(attr *syscall.SysProcAttr)
}

// outcome is what came of it.
type outcome struct {
	status         string // "0", "1", "signal killed"
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("status %s\nstdout: %s\nstderr: %s", o.status, o.stdout, o.stderr)
}

func (l launch) command() *exec.Cmd {
	if l.who == 0 {
		l.who = me
	}
	words := append(slices.Clone(l.wrap), l.args...)
	attr := &syscall.SysProcAttr{Setsid: true}
	if l.host != "" {
		id := fmt.Sprint(l.who)
		script := []string{"unshare", "-m", "--propagation", "private", "sh", "-ec", l.host + "\nexec \"$@\"", "sh", "setpriv", "--reuid", id, "--regid", id}
		if len(l.groups) > 0 {
			script = append(script, "--groups", strings.Trim(strings.ReplaceAll(fmt.Sprint(l.groups), " ", ","), "[]"), "--")
		} else {
			script = append(script, "--clear-groups", "--")
		}
		words = append(script, words...)
	} else if l.who != nobody {
		attr.Credential = &syscall.Credential{Uid: l.who, Gid: l.who, Groups: l.groups}
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.SysProcAttr = attr
	cmd.ExtraFiles, cmd.Dir, cmd.Env = l.files, l.dir, l.env
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
	}
	if l.change != nil {
		l.change(attr)
	}
	return cmd
}

// nobody in particular starts a launch: root does, and wrap becomes somebody.
const nobody = 1<<32 - 1

const patience = 5 * time.Minute

// run runs it to its end; one that does not end is killed with its process group.
func (l launch) run(t testing.TB) outcome {
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
	if err := clear(cmd.Process.Pid); err != nil {
		t.Error(err)
	}
	return outcome{status(cmd.ProcessState), stdout.String(), stderr.String()}
}

func status(s *os.ProcessState) string {
	ws, ok := s.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprint(s.ExitCode())
}

// box is a command line of a launcher: its options, with the helpers on /h.
func box(program string, options ...string) []string {
	return slices.Concat([]string{program, "--ro-bind", base + "/bin", "/h"}, options, []string{"--"})
}

// byKeeper is one that goes through the keeper.
func byKeeper(options ...string) []string {
	return box(installed, append([]string{"--mode", "setuid"}, options...)...)
}

// all is the options of a sandbox with everything new.
func all(more ...string) []string {
	return append([]string{"--unshare-all", "--proc", "/proc", "--dev", "/dev"}, more...)
}

// ok checks that the command ran, printed this, and nothing else was said.
func (o outcome) ok(t testing.TB, stdout string) {
	t.Helper()
	if o.status != "0" || o.stdout != stdout || o.stderr != "" {
		t.Errorf("want status 0 and %q, but %s", stdout, o)
	}
}

// refused checks that the launcher said why in one sentence and ended with 1.
func (o outcome) refused(t testing.TB, sense string) {
	t.Helper()
	if complaint := o.sentence(); complaint != "" || o.status != "1" || !strings.Contains(o.stderr, sense) || o.stdout != "" {
		t.Errorf("want status 1 and one sentence with %q: %s: %s", sense, complaint, o)
	}
}

// sentence says what is wrong with a message, or nothing.
func (o outcome) sentence() string {
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	switch {
	case !strings.HasPrefix(lines[0], "gobwrap: ") || !strings.HasSuffix(o.stderr, "\n"):
		return "no sentence"
	case len(lines) > 2, len(lines) == 2 && !strings.HasPrefix(lines[1], "gobwrap: hint: "):
		return "more than a sentence and a hint"
	}
	return ""
}

// scratch makes a directory of the attacker's that goes with the test.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(base, "w-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(os.Chown(dir, me, me), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}
