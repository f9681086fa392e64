package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// TestInitIsReaped: where nothing but the command lived in the sandbox, its PID 1 is gone
// with the launcher. We are the process that would inherit it, and reap nothing here.
func TestInitIsReaped(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user, setuid, fallback, either}, func(t *testing.T, who identity) {
		for _, options := range [][]string{{"--unshare-pid"}, {"--unshare-all"}, {"--unshare-pid", "--as-pid-1"}} {
			for range 5 {
				j := start(t, who, options, "read", "4")
				pid := j.first()
				_ = j.leash.Close()
				j.ends("0")
				if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
					t.Errorf("%v: PID 1 is left: state %s", options, proc.State(pid))
				}
			}
		}
	})
}

// The control: bubblewrap leaves it.
func TestControlInitIsLeft(t *testing.T) {
	t.Parallel()
	info, infoW := pipe(t)
	defer info.Close()
	cmd := launch{who: root, args: []string{"bwrap", "--unshare-pid", "--ro-bind", "/", "/", "--info-fd", "3", "true"}, files: []*os.File{infoW}}.command()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	_ = infoW.Close()
	pid := (&job{t: t, info: info}).first()
	if err := syscall.Kill(pid, 0); err != nil || !gone(pid) {
		t.Errorf("bwrap's PID 1: %v", err)
	}
}

// TestEnteredProcessHoldsNothingUp: the kernel lets PID 1 end only when every process of its
// namespace has been reaped. One that was put there from outside has a parent that may be
// waiting for the launcher.
func TestEnteredProcessHoldsNothingUp(t *testing.T) {
	t.Parallel()
	j := start(t, root, []string{"--unshare-pid"}, "read", "4")
	guest := exec.Command("sleep", "1000")
	errs := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with this function
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", j.first()))
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWPID)
		}
		if err == nil {
			err = guest.Start()
		}
		errs <- err
	}()
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	_ = j.leash.Close()
	j.ends("0")
	_ = guest.Process.Kill()
	_ = guest.Wait()
}

// TestTerminalIsGivenBack: after an interactive shell in a PID namespace, whose end leaves
// the terminal with a process group that is gone, the caller can read on.
func TestTerminalIsGivenBack(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user, setuid, either}, func(t *testing.T, who identity) {
		for _, more := range [][]string{{}, {"--as-pid-1"}, {"--unshare-user"}} {
			if got := afterShell(t, who, gobwrap, more...); got != "status 3, got hello" {
				t.Errorf("%v: %q", more, got)
			}
		}
	})
}

// The control: with bubblewrap it cannot. Whether the terminal is lost depends on which process
// ends first there, so it may take a few tries.
func TestControlTerminalIsLost(t *testing.T) {
	t.Parallel()
	got := ""
	for range 20 {
		if got = afterShell(t, root, "bwrap"); got == "status 3, got " {
			return
		}
	}
	t.Errorf("%q", got)
}

// TestTerminalOfAnother: a launcher in the background takes the terminal from nobody.
func TestTerminalOfAnother(t *testing.T) {
	t.Parallel()
	script := `set -m; "$@" /tmp/h/probe exit 3 & wait $!; echo "status $?"; read x; echo "got $x"`
	if got := onTerminal(t, user, gobwrap, script); got != "status 3, got hello" {
		t.Errorf("%q", got)
	}
}

// afterShell has a shell on a terminal start a sandbox with an interactive shell, end that
// with status 3, and then read a line.
func afterShell(t *testing.T, who identity, program string, more ...string) string {
	t.Helper()
	return onTerminal(t, who, program, `"$@" env 'PS1=ready> ' bash --norc -i; echo "status $?"; read x; echo "got $x"`, more...)
}

// onTerminal runs a script of bash's on a terminal; its arguments are a launcher and
// options. It answers the prompt of a shell inside, and the script's read. The result is
// what the script has printed.
func onTerminal(t *testing.T, who identity, program, script string, more ...string) string {
	t.Helper()
	master, slave := terminal(t, who)
	line := slices.Concat([]string{
		"bash", "--norc", "-c", script, "bash", program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
		"--tmpfs", "/tmp", "--ro-bind", base + "/bin", "/tmp/h", "--unshare-pid",
	}, more)
	cmd := launch{who: who, args: line, env: []string{"PATH=/usr/bin:/bin", "TERM=dumb"}}.command()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setctty = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	defer time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL) }).Stop() // the session leader: all are hung up
	var found []string
	answered := false
	said, in := "", bufio.NewReader(master)
	for {
		b, err := in.ReadByte()
		if err != nil {
			break
		}
		said += string(b)
		switch {
		case strings.HasSuffix(said, "ready> ") && !answered:
			answered = true
			_, _ = master.WriteString("exit 3\n")
		case strings.HasSuffix(said, "status 3\r\n"):
			found = append(found, "status 3")
			_, _ = master.WriteString("hello\n")
		case b == '\n':
			lines := strings.Split(strings.TrimRight(said, "\r\n"), "\n")
			if last := lines[len(lines)-1]; strings.HasPrefix(last, "got ") {
				found = append(found, last)
			}
		}
	}
	_ = cmd.Wait()
	if len(found) != 2 {
		t.Logf("the terminal showed %q", said)
	}
	return strings.Join(found, ", ")
}

// terminal makes a pseudo-terminal, the slave of which who owns.
func terminal(t *testing.T, who identity) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	if err == nil {
		err = os.Chown(name, int(who.id), int(who.id))
	}
	if err == nil {
		slave, err = os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestNoKeeperBesideTheCommand: where a setuid copy gets its user namespace, the keeper is
// gone before the command runs, however late it is: it is stopped here, and goes on when
// all others wait.
func TestNoKeeperBesideTheCommand(t *testing.T) {
	t.Parallel()
	each(t, []identity{either}, func(t *testing.T, who identity) {
		const script = "for p in $(cat /proc/$PPID/task/$PPID/children); do grep CapPrm /proc/$p/status; done"
		stopped := 0
		for n := 20; n <= 140; n += 20 {
			info, infoW := pipe(t)
			o := launch{who: who, files: []*os.File{infoW}, args: []string{
				inject, "-u", fmt.Sprint(who.id), fmt.Sprint(rawLow), fmt.Sprint(rawHigh),
				fmt.Sprint(n), "stop-child1", "--", gobwrap, "--ro-bind", "/", "/", "--", "sh", "-c", script,
			}}.run(t)
			_ = infoW.Close()
			if strings.Contains(text(info), "struck") {
				stopped++
			}
			_ = info.Close()
			for line := range strings.SplitSeq(strings.TrimSpace(o.Stdout), "\n") {
				if line != "CapPrm:\t0000000000000000" {
					t.Errorf("stopped at %d: %q beside the command: %s", n, line, o)
				}
			}
		}
		if stopped == 0 {
			t.Error("no keeper was stopped")
		}
	})
}
