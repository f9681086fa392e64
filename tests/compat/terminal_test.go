package compat

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal, the slave of which the identity owns.
func openTerminal(t *testing.T, who identity) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	if err := os.Chown(name, int(who.uid), int(who.gid)); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	return master, slave
}

// onTerminal runs the launcher with a controlling terminal and returns what
// arrives at the other end of it. which are the descriptors that are the terminal.
func (o on) onTerminal(t *testing.T, which string, line ...string) string {
	t.Helper()
	master, slave := openTerminal(t, o.who)
	out, err := unlinked("", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.file.Close()
	s := o.side()
	cmd := exec.Command(o.program)
	cmd.Args = s.forced(append([]string{o.program, "--ro-bind", victim, "/v"}, line...))
	cmd.Dir, cmd.Env = "/", environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, out.file
	if !strings.Contains(which, "1") {
		cmd.Stdout = out.file
	}
	cmd.SysProcAttr = s.attr()
	cmd.SysProcAttr.Setctty = true // descriptor 0
	cmd.Args = s.disguise(cmd.Args, cmd.SysProcAttr)
	cmd.Path = cmd.Args[0]
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	defer time.AfterFunc(harness.Patience, func() { _ = cmd.Process.Kill() }).Stop()
	text := make(chan string)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(master); lines.Scan(); {
			all.WriteString(strings.TrimRight(lines.Text(), "\r") + "\n")
		}
		text <- all.String()
	}()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, contents(out.file))
	}
	return <-text + contents(out.file)
}

func TestConsoleIsTheTerminal(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		got := o.onTerminal(t, "01", "--dev", "/dev", "--", "/v", "stat", "/dev/console", "mount", "/dev/console", "open", "/dev/console", "tty")
		for _, want := range []string{"/dev/console: chr ", " rw nosuid", "tty 0: yes\n", "tty 1: yes\n", "tty 2: no\n", "/dev/tty: ok\n", "/dev/console: ok\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
}

func TestConsoleDependsOnStdoutAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		got := o.onTerminal(t, "0", "--dev", "/dev", "--", "/v", "stat", "/dev/console", "tty")
		if !strings.Contains(got, "/dev/console: ENOENT\n") || !strings.Contains(got, "tty 0: yes\n") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestNewSessionLosesTheTerminal(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for _, more := range []string{"--unshare-uts", "--unshare-pid"} {
			got := o.onTerminal(t, "01", "--new-session", "--unshare-user", more, "--dev", "/dev", "--", "/v", "tty")
			for _, want := range []string{"tty 0: yes\n", "/dev/tty: ENXIO\n"} {
				if !strings.Contains(got, want) {
					t.Errorf("%s: no %q in\n%s", more, want, got)
				}
			}
		}
	})
}

func TestTerminalIsKeptOtherwise(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		got := o.onTerminal(t, "01", "--unshare-all", "--dev", "/dev", "--proc", "/proc", "--", "/v", "tty")
		if !strings.Contains(got, "/dev/tty: ok\n") {
			t.Errorf("got\n%s", got)
		}
	})
}

// A hang-up reaches the command, which is in the terminal's foreground group.
func TestHangUp(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		master, slave := openTerminal(t, o.who)
		onSlave := func(cmd *exec.Cmd) {
			cmd.Stdin = slave
			cmd.SysProcAttr.Setctty = true
		}
		j := o.start(t, onSlave, "--unshare-pid", "--", "/v", "echo", "up", "read", "4")
		_ = slave.Close()
		j.wantLine("up")
		j.settle()
		_ = master.Close()
		j.wantEnd("signal hangup")
		j.wantGone("hang-up")
	})
}
