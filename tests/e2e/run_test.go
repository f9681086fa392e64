package e2e_test

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

// launch is one start of a program.
type launch struct {
	who   identity
	wrap  []string // in front of the program
	args  []string // the program and its arguments
	dir   string
	env   []string
	files []*os.File // from 3 on
	stdin *os.File
	// host is a shell script run as root in a mount namespace of its own, in which the
	// program then runs.
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
	words, id := l.who.through(slices.Concat(l.wrap, l.args))
	attr := &syscall.SysProcAttr{Setsid: true}
	if l.host != "" {
		script := []string{"unshare", "-m", "--propagation", "private", "sh", "-ec", l.host + "\nexec \"$@\"", "sh"}
		if id != 0 {
			script = append(script, probe, "become", fmt.Sprint(id), "exec")
		}
		words = append(script, words...)
	} else {
		attr.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.SysProcAttr = attr
	cmd.ExtraFiles = l.files
	cmd.Dir = l.dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Env = l.env
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
	}
	if l.stdin != nil {
		cmd.Stdin = l.stdin
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
	ws, ok := s.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprint(s.ExitCode())
}

// box is a command line of the launcher: options, with the helpers on /h.
func box(options ...string) []string {
	return slices.Concat([]string{gobwrap, "--ro-bind", filepath.Join(base, "bin"), "/h"}, options, []string{"--"})
}

// all is the options of a sandbox with everything new.
func all(more ...string) []string {
	return append([]string{"--unshare-all", "--proc", "/proc", "--dev", "/dev"}, more...)
}

// ok checks that the command ran, printed this, and nothing else was said.
func (o outcome) ok(t *testing.T, stdout string) {
	t.Helper()
	if o.status != "0" || o.stdout != stdout || o.stderr != "" {
		t.Errorf("want status 0 and %q, but %s", stdout, o)
	}
}

// refused checks that the launcher said why in one sentence and ended with 1.
func (o outcome) refused(t *testing.T, sense string) {
	t.Helper()
	if complaint := o.sentence("gobwrap"); complaint != "" || o.status != "1" || !strings.Contains(o.stderr, sense) {
		t.Errorf("want status 1 and one sentence with %q: %s: %s", sense, complaint, o)
	}
}

// notInSetuid checks that setuid mode refused what an option asks for.
func (o outcome) notInSetuid(t *testing.T, option string) {
	t.Helper()
	o.refused(t, strings.Fields(option)[0]+" is not possible in setuid mode: ")
}

// sentence says what is wrong with a message, or nothing.
func (o outcome) sentence(name string) string {
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	switch {
	case !strings.HasPrefix(lines[0], name+": ") || !strings.HasSuffix(o.stderr, "\n"):
		return "no sentence"
	case len(lines) > 2, len(lines) == 2 && !strings.HasPrefix(lines[1], name+": hint: "):
		return "more than a sentence and a hint"
	}
	return ""
}

// scratch makes a directory that belongs to who and goes with the test.
func (who identity) scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(base, "w-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	who.own(t, dir)
	return dir
}

func (who identity) own(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := errors.Join(os.Lchown(path, int(who.id), int(who.id)), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

// shell runs a line of set-up as who in a directory.
func (who identity) shell(t *testing.T, dir, line string) string {
	t.Helper()
	o := launch{who: who, dir: dir, args: []string{"/bin/sh", "-ec", line}}.run(t)
	if o.status != "0" {
		t.Fatalf("%s: %s", line, o)
	}
	return o.stdout
}
