package seccomp

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// outcome runs a command to its end, which must come within harness.Patience.
func (u user) outcome(cmd *exec.Cmd) (result, error) {
	var out, words bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &words
	}
	cmd.Dir = "/"
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp", "LC_ALL=C"}
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.id, Gid: u.id}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err := cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		err = nil
	}
	return result{out.String(), words.String(), cmd.ProcessState.ExitCode()}, err
}

// users is both kinds.
func users() []user { return []user{root, ordinary} }

// sandboxed puts a launcher in front of a command: the host read-only, a new /tmp, and
// options.
func sandboxed(launcher string, options []string, command ...string) []string {
	return slices.Concat([]string{launcher, "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", base, base}, options, []string{"--"}, command)
}

// file copies a file to where everybody can read it.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, text, 0o644)
}

// written is a new file with text in it.
func written(t *testing.T, text []byte, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(harness.Scratch(t, base, 0), "file")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
