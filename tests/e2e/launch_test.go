package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
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
type outcome struct{ testcmd.Outcome }

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

// run runs it to its end.
func (l launch) run(t *testing.T) outcome {
	t.Helper()
	return outcome{testcmd.Run(t, l.command())}
}

// box is a command line of the launcher: options, with the helpers on /h.
func box(options ...string) []string {
	return slices.Concat([]string{gobwrap, "--ro-bind", filepath.Join(base, "bin"), "/h"}, options, []string{"--"})
}

// all is the options of a sandbox with everything new.
func all(more ...string) []string {
	return append([]string{"--unshare-all", "--proc", "/proc", "--dev", "/dev"}, more...)
}

// notInSetuid checks that setuid mode refused what an option asks for.
func (o outcome) notInSetuid(t *testing.T, option string) {
	t.Helper()
	o.Refused(t, strings.Fields(option)[0]+" is not possible in setuid mode: ")
}

// scratch makes a directory that belongs to who and goes with the test.
func (who identity) scratch(t *testing.T) string {
	t.Helper()
	return harness.Scratch(t, base, who.id)
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
	if o.Status != "0" {
		t.Fatalf("%s: %s", line, o)
	}
	return o.Stdout
}
