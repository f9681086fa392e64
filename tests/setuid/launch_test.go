package setuid_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
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

// outcome is the result of a launch.
type outcome struct{ testcmd.Outcome }

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

// nobody as launch.who means that root starts it, and wrap changes the ids.
const nobody = 1<<32 - 1

// run runs it to its end, and kills what is left of its process group.
func (l launch) run(t testing.TB) outcome {
	t.Helper()
	cmd := l.command()
	o := outcome{testcmd.Run(t, cmd)}
	if err := killGroup(cmd.Process.Pid); err != nil {
		t.Error(err)
	}
	return o
}

// box is a command line of a launcher: its options, with the helpers on /h.
func box(program string, options ...string) []string {
	return slices.Concat([]string{program, "--ro-bind", base + "/bin", "/h"}, options, []string{"--"})
}

// byKeeper is box for setuid mode.
func byKeeper(options ...string) []string {
	return box(installed, append([]string{"--mode", "setuid"}, options...)...)
}

// all returns options for all new namespaces, a proc and a dev.
func all(more ...string) []string {
	return append([]string{"--unshare-all", "--proc", "/proc", "--dev", "/dev"}, more...)
}

// scratch makes a directory of the attacker's that goes with the test.
func scratch(t testing.TB) string {
	t.Helper()
	return harness.Scratch(t, base, me)
}
