package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// anyCmd is what Cmd has in common with the one of package os/exec.
type anyCmd interface {
	StdoutPipe() (io.ReadCloser, error)
	Start() error
	Wait() error
}

// pair is a script prepared for package os/exec, as the control, and for a sandbox.
func pair(ctx context.Context, m sandboxtest.Mode, script string) (*exec.Cmd, *sandbox.Cmd) {
	return exec.CommandContext(ctx, "/bin/sh", "-c", script), withContext(ctx, m.Command(host(), "/bin/sh", "-c", script))
}

// started starts a command and waits until it has said something.
func started(t *testing.T, c anyCmd) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
}

// TestUsageAfterKill: what a command has used is known, however it ended: as much as package
// os/exec knows of it, and half of that to be sure.
func TestUsageAfterKill(t *testing.T) {
	const script = `x=$(head -c 12000000 /dev/zero | tr '\0' x); i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; echo burnt; exec sleep 1000`
	usage := func(p *os.ProcessState) (time.Duration, int64) {
		return p.UserTime() + p.SystemTime(), p.SysUsage().(*syscall.Rusage).Maxrss
	}
	ctx, cancel := context.WithCancel(t.Context())
	control := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	started(t, control)
	cancel()
	_ = control.Wait()
	wantTime, wantMemory := usage(control.ProcessState)
	if wantMemory < 12000 {
		t.Fatalf("the control has used %v and %d KiB", wantTime, wantMemory)
	}
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		for name, end := range map[string]func(*sandbox.Cmd, context.CancelFunc) error{
			"context":      func(_ *sandbox.Cmd, cancel context.CancelFunc) error { cancel(); return nil },
			"Kill":         func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Kill() },
			"Process.Kill": func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Process.Kill() },
			"SIGTERM":      func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Signal(syscall.SIGTERM) },

			"Kill, as PID 1":            func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Kill() },
			"SIGTERM, no PID namespace": func(c *sandbox.Cmd, _ context.CancelFunc) error { return c.Signal(syscall.SIGTERM) },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			_, c := pair(ctx, m, script)
			switch name {
			case "Kill, as PID 1":
				c.Spec.Session.AsPID1 = true
			case "SIGTERM, no PID namespace":
				c.Spec.Namespaces.PID = sandbox.Share
			}
			started(t, c)
			if err := end(c, cancel); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			err := c.Wait()
			cancel()
			if took, memory := usage(c.ProcessState); took < wantTime/2 || memory < wantMemory/2 {
				t.Errorf("%s: %v: %v and %d KiB, package os/exec has %v and %d", name, err, took, memory, wantTime, wantMemory)
			}
		}
	})
}

// TestGracefulStop: a command that is asked to end when the context is done ends as it does
// with package os/exec, and Wait says the same.
func TestGracefulStop(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		for _, c := range []struct {
			script, want string
			delay        time.Duration
		}{
			{`trap 'exit 3' TERM; echo; while :; do sleep 0.01; done`, "exit status 3", time.Minute},
			{`trap 'exit 0' TERM; echo; while :; do sleep 0.01; done`, "context canceled", time.Minute},
			{`echo; exec sleep 1000`, "signal: terminated", time.Minute},
			{`trap '' TERM; echo; while :; do sleep 0.01; done`, "signal: killed", 100 * time.Millisecond},
		} {
			for _, way := range []string{"os/exec", "Signal", "Process.Signal"} {
				ctx, cancel := context.WithCancel(t.Context())
				control, cmd := pair(ctx, m, c.script)
				var any anyCmd = cmd
				cmd.WaitDelay, control.WaitDelay = c.delay, c.delay
				cmd.Cancel = func() error { return cmd.Signal(syscall.SIGTERM) }
				switch way {
				case "os/exec":
					any = control
					control.Cancel = func() error { return control.Process.Signal(syscall.SIGTERM) }
				case "Process.Signal":
					cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
				}
				started(t, any)
				cancel()
				if err := any.Wait(); err == nil || err.Error() != c.want {
					t.Errorf("%s: %s: %v, want %s", way, c.script, err, c.want)
				}
			}
		}
	})
}

// TestCancel: what Wait makes of the error of Cancel, and that Cancel is not called before
// the command runs: there is nobody who could be asked.
func TestCancel(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		for err, want := range map[error]string{errors.New("no"): "canceling Cmd: no", os.ErrProcessDone: ""} {
			for _, way := range []string{"os/exec", "sandbox"} {
				ctx, cancel := context.WithCancel(t.Context())
				control, cmd := pair(ctx, m, "echo; read x")
				in, out, pipeErr := os.Pipe()
				if pipeErr != nil {
					t.Fatal(pipeErr)
				}
				called := make(chan bool)
				control.Cancel = func() error { close(called); return err }
				cmd.Cancel = control.Cancel
				control.Stdin, cmd.Stdin = in, in
				var any anyCmd = cmd
				if way == "os/exec" {
					any = control
				}
				started(t, any)
				cancel()
				<-called
				fmt.Fprintln(out)
				if got := any.Wait(); want == "" && got != nil || want != "" && (got == nil || !strings.HasSuffix(got.Error(), want) || !errors.Is(got, err)) {
					t.Errorf("%s: %v, want %q", way, got, want)
				}
				_, _ = in.Close(), out.Close()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, c := pair(ctx, m, "echo ran")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Spec.Session.BlockFD = c.Pass(r)
		c.Cancel = func() error { t.Error("Cancel was called"); return nil }
		time.AfterFunc(50*time.Millisecond, cancel) // before or in set-up, which waits
		if out, err := c.Output(); !errors.Is(err, context.Canceled) || len(out) > 0 || c.Process != nil {
			t.Errorf("%q, %v, process %v", out, err, c.Process)
		}
		_, _ = r.Close(), w.Close()
	})
	c := sandbox.Command("/bin/true")
	c.Cancel = c.Kill
	if err := c.Run(); err == nil || err.Error() != "Cmd.Cancel: needs a Cmd made by CommandContext" {
		t.Error(err)
	}
}

// TestSignal: a signal goes to the command alone, and Process is the command.
func TestSignal(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "/bin/sh", "-c", `
			trap 'echo command; exit 5' USR1
			(trap 'echo child' USR1; echo; while :; do sleep 0.01; done) &
			while :; do sleep 0.01; done`)
		if err := c.Signal(syscall.SIGUSR1); err == nil {
			t.Error("a signal before the start")
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.Process.Pid)); err != nil || !strings.HasPrefix(string(name), "/bin/sh\x00-c\x00") {
			t.Errorf("Process is %q, %v", name, err)
		}
		if err := c.Signal(syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		if line, _ := lines.ReadString('\n'); line != "command\n" {
			t.Errorf("%q", line)
		}
		if err := c.Wait(); err == nil || err.Error() != "exit status 5" {
			t.Error(err)
		}
		for _, err := range []error{c.Signal(syscall.SIGUSR1), c.Kill()} {
			if !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("after the end: %v", err)
			}
		}
		if err := c.Process.Signal(syscall.SIGUSR1); err == nil || c.Process.Pid <= 0 {
			t.Errorf("after the end: %v, pid %d", err, c.Process.Pid)
		}
		if err := c.Wait(); err == nil {
			t.Error("Wait twice")
		}
	})
}
