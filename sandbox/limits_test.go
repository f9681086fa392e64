package sandbox_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
	"golang.org/x/sys/unix"
)

// TestLimits: limits are the command's; a command whose time is over is an error of its own,
// whatever the command makes of SIGTERM, and one that ends in time is not.
func TestLimits(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "/bin/sh", "-c", "ulimit -n; ulimit -Hn; nice")
		c.Spec.Limits = sandbox.Limits{Rlimits: []sandbox.Rlimit{{Name: "nofile", Soft: 60, Hard: 61}}, Nice: sandbox.SetInt(9), Timeout: time.Hour}
		if out, err := c.Output(); err != nil || string(out) != "60\n61\n9\n" {
			t.Errorf("%q, %v", out, err)
		}
		for script, status := range map[string]string{
			"echo; exec sleep 600":                     "signal: terminated",
			"trap 'exit 0' TERM; echo; sleep 600&wait": "",
			"trap 'exit 3' TERM; echo; sleep 600&wait": "exit status 3",
			"trap '' TERM; echo; sleep 600; sleep 600": "signal: killed",
		} {
			err := timeOut(t, m, script, status == "signal: killed")
			var exit *sandbox.ExitError
			if !errors.Is(err, sandbox.ErrTimeout) || errors.As(err, &exit) != (status != "") || !strings.Contains(err.Error(), status) {
				t.Errorf("%s: %v, want %q", script, err, status)
			}
		}
		c = m.Command(host(), "/bin/sh", "-c", "exit 3")
		c.Spec.Limits.Timeout = time.Hour
		if err := c.Run(); errors.Is(err, sandbox.ErrTimeout) || err == nil || err.Error() != "exit status 3" {
			t.Error(err)
		}
	})
}

// timeOut runs a script whose time is over when it has written a line; on a slow machine it gets more time. With
// kill it gets SIGKILL soon after SIGTERM.
func timeOut(t *testing.T, m sandboxtest.Mode, script string, kill bool) error {
	t.Helper()
	for limit := 300 * time.Millisecond; ; limit *= 2 {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		c := m.Command(host(), "/bin/sh", "-c", script)
		c.Stdout = file // not a pipe, which what the script leaves behind may hold open
		c.Spec.Limits.Timeout, c.Spec.Limits.Grace = limit, time.Hour
		if kill {
			c.Spec.Limits.Grace = 300 * time.Millisecond
		}
		result := c.Run()
		info, err := file.Stat()
		if err != nil || file.Close() != nil {
			t.Fatal(err)
		}
		if info.Size() > 0 || limit > time.Hour {
			return result
		}
	}
}

// TestCPUs: the command runs on exactly these CPUs; one that is not there is an error of the field.
func TestCPUs(t *testing.T) {
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !mine.IsSet(cpu) {
		cpu++
	}
	one := strconv.Itoa(cpu)
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		c := m.Command(host(), "/bin/grep", "^Cpus_allowed_list:", "/proc/self/status")
		c.Spec.Files = append(c.Spec.Files, mounts.Proc("/proc"))
		c.Spec.Limits.CPUs = one
		if out, err := c.Output(); err != nil || strings.TrimSpace(string(out)) != "Cpus_allowed_list:\t"+one {
			t.Errorf("%q, %v", out, err)
		}
		c = m.Command(host(), "/bin/echo", "ran")
		c.Spec.Limits.CPUs = one + ",8191"
		out, err := c.Output()
		var failed *sandbox.SetupError
		if !errors.As(err, &failed) || failed.Field != "Limits.CPUs" || !errors.Is(err, unix.EINVAL) || !strings.Contains(failed.Hint, "online") || len(out) != 0 {
			t.Errorf("%q, %+v", out, err)
		}
	})
}
