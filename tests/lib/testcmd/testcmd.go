// Package testcmd runs a command to its end and says what came of it, in the words in which
// suites compare it.
package testcmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// Outcome is what came of a command.
type Outcome struct {
	Status         string // "0", "1", "signal killed"
	Stdout, Stderr string
}

func (o Outcome) String() string {
	return fmt.Sprintf("status %s\nstdout: %s\nstderr: %s", o.Status, o.Stdout, o.Stderr)
}

// Run runs a command that is the leader of its process group. If it does not end within
// harness.Patience, the group is killed and the test fails.
func Run(t testing.TB, cmd *exec.Cmd) Outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Minute // for the pipes, which a process that is left may hold open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	if !late.Stop() {
		t.Errorf("still running after %s: %s", harness.Patience, cmd)
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Errorf("%s: %v", cmd, err)
	}
	return Outcome{Status(cmd.ProcessState), stdout.String(), stderr.String()}
}

// Status returns how a process ended: its exit status, or its signal.
func Status(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprint(s.ExitCode())
}

// OK checks that the payload ran, printed this, and that nothing else was said.
func (o Outcome) OK(t testing.TB, stdout string) {
	t.Helper()
	if o.Status != "0" || o.Stdout != stdout || o.Stderr != "" {
		t.Errorf("want status 0 and %q, but %s", stdout, o)
	}
}

// Refused checks that the launcher started nothing, said why in one message, which has these
// parts, and ended with 1.
func (o Outcome) Refused(t testing.TB, parts ...string) {
	t.Helper()
	if complaint := o.Message("gobwrap"); complaint != "" || o.Status != "1" || o.Stdout != "" {
		t.Errorf("want status 1, and one message only: %s: %s", complaint, o)
	}
	for _, part := range parts {
		if !strings.Contains(o.Stderr, part) {
			t.Errorf("want %q in the message: %s", part, o)
		}
	}
}

// Message says what is wrong with the one message, with a hint perhaps, that a program is to
// have printed, or nothing.
func (o Outcome) Message(program string) string {
	lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
	switch {
	case !strings.HasPrefix(lines[0], program+": ") || !strings.HasSuffix(o.Stderr, "\n"):
		return "no message"
	case len(lines) > 2, len(lines) == 2 && !strings.HasPrefix(lines[1], program+": hint: "):
		return "more than a message and a hint"
	}
	return ""
}

// Engine is a way to make the launcher do its mounts: what stands in front of it.
type Engine struct {
	Name string
	Wrap []string
}

// Engines returns the mount engines; the last one is what a strict filter leaves. enosys is
// where that helper is: see package testbin. GOBWRAP_TEST_ENGINE selects one of them.
func Engines(t testing.TB, enosys string) (list []Engine) {
	t.Helper()
	only := os.Getenv("GOBWRAP_TEST_ENGINE")
	for _, e := range []Engine{
		{"new", nil},
		{"classic", []string{enosys}},
		{"refused", []string{enosys, "-e", "EPERM", "-a", "424"}},
	} {
		if only == "" || only == e.Name {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		t.Fatalf("GOBWRAP_TEST_ENGINE=%s: there is no such engine", only)
	}
	return list
}
