package compat

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
)

// The launcher takes every signal's default action, and the command lives on.
func TestSignalsEndTheLauncherAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for _, sig := range []syscall.Signal{
			syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
			syscall.SIGALRM, syscall.SIGPIPE, syscall.SIGVTALRM, syscall.SIGIO, syscall.Signal(37), syscall.Signal(64),
		} {
			t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
				t.Parallel()
				j := o.start(t, nil, "--unshare-pid", "--", "/v", "echo", "up", "read", "4")
				j.wantLine("up")
				_ = j.cmd.Process.Signal(sig)
				j.wantEnd("signal " + sig.String())
				j.wantAlive("launcher ended by a signal")
			})
		}
	})
}

func TestSignalsThatAreIgnoredByDefaultDoNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--", "/v", "echo", "up", "read", "4", "exit", "3")
		j.wantLine("up")
		for _, sig := range []syscall.Signal{syscall.SIGWINCH, syscall.SIGURG, syscall.SIGCONT, syscall.SIGCHLD} {
			_ = j.cmd.Process.Signal(sig)
		}
		time.Sleep(50 * time.Millisecond)
		_ = j.leash.Close()
		j.wantEnd("3")
	})
}

func TestSignalsEndEverythingWithDieWithParent(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--die-with-parent", "--", "/v", "echo", "up", "read", "4")
		j.wantLine("up")
		j.settle() // the reference's reaper is armed after its command is started
		_ = j.cmd.Process.Signal(syscall.SIGTERM)
		j.wantEnd("signal terminated")
		j.wantGone("launcher ended by a signal")
	})
}

func TestInitIgnoresAllButKill(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--info-fd", "5", "--", "/v", "echo", "up", "read", "4")
		j.wantLine("up")
		pid := j.child()
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGPIPE, syscall.Signal(37)} {
			_ = syscall.Kill(pid, sig)
		}
		j.wantAlive("signals to PID 1")
		_ = syscall.Kill(pid, syscall.SIGKILL)
		j.wantGone("PID 1 killed")
		j.wantEnd("137")
	})
}

// The process that started a launcher may end it, and what it started.
func TestTheCallerMaySignal(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--info-fd", "5", "--", "/v", "echo", "up", "read", "4")
		j.wantLine("up")
		for _, pid := range []int{j.cmd.Process.Pid, j.child()} {
			kill := exec.Command("sh", "-c", "kill -KILL "+fmt.Sprint(pid))
			kill.SysProcAttr = o.side().attr()
			if out, err := kill.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
		j.wantEnd("signal killed")
		j.wantGone("killed by its caller")
	})
}

func TestCommandKilledFromOutside(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--info-fd", "5", "--", "/v", "echo", "up", "read", "4")
		j.wantLine("up")
		_ = syscall.Kill(j.child(), syscall.SIGTERM)
		j.wantEnd("143")
	})
}

// Ctrl-Z in a shell stops the whole job, and fg continues it.
func TestStopAndContinue(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		asJob := func(cmd *exec.Cmd) { cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setpgid = false, true }
		j := o.start(t, asJob, "--info-fd", "5", "--", "/v", "echo", "up", "read", "4", "echo", "done", "exit", "5")
		j.wantLine("up")
		pids := []int{j.cmd.Process.Pid, j.child()}
		if err := syscall.Kill(-j.cmd.Process.Pid, syscall.SIGTSTP); err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids {
			wantState(t, pid, "T")
		}
		_ = j.leash.Close()
		time.Sleep(20 * time.Millisecond)
		if !j.running() {
			t.Error("the launcher ended while it was stopped")
		}
		_ = syscall.Kill(-j.cmd.Process.Pid, syscall.SIGCONT)
		j.wantLine("done")
		j.wantEnd("5")
	})
}

func wantState(t *testing.T, pid int, want string) {
	t.Helper()
	if !harness.Until(func() bool { return proc.State(pid) == want }) {
		t.Errorf("process %d is in state %q, want %q", pid, proc.State(pid), want)
	}
}

func TestBlockFDHoldsTheCommandBack(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for name, release := range map[string]func(j *job) error{
			"byte": func(j *job) error { _, err := j.leash.Write([]byte("x")); return err },
			"end":  func(j *job) error { return j.leash.Close() },
		} {
			t.Run(name, func(t *testing.T) {
				j := o.start(t, nil, "--info-fd", "5", "--block-fd", "4", "--", "/v", "echo", "up", "exit", "2")
				j.child()
				time.Sleep(moment)
				if !j.running() || j.out.Buffered() > 0 {
					t.Error("the command did not wait")
				}
				if err := release(j); err != nil {
					t.Fatal(err)
				}
				j.wantLine("up")
				j.wantEnd("2")
			})
		}
	})
}

// The launcher dies while its child is still being set up.
func TestLauncherKilledDuringSetUp(t *testing.T) {
	deliberate(t, "orphaned-set-up", func(t *testing.T, o on) bool {
		j := o.start(t, nil, "--info-fd", "5", "--block-fd", "4", "--", "/v", "echo", "up", "read", "4")
		pid := j.child()
		_ = j.cmd.Process.Kill()
		j.wantEnd("signal killed")
		gone := closes(j.alive, o.while())
		if !gone {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may wait for the launcher and not for us
		}
		return gone
	})
}
