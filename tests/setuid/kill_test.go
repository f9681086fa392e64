package setuid_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
	"golang.org/x/sys/unix"
)

// interference is a signal that the user sends to a process of a launch.
type interference struct {
	sig  unix.Signal
	whom string // launcher, keeper, third (a front end, where there is one), last, group
	then unix.Signal
}

func interferences() (all []interference) {
	for _, whom := range []string{"launcher", "keeper", "third", "last", "group"} {
		all = append(all,
			interference{unix.SIGKILL, whom, 0}, interference{unix.SIGTERM, whom, 0}, interference{unix.SIGSEGV, whom, 0},
			// A process that is stopped must not outlive the launcher; one that goes on goes on.
			interference{unix.SIGSTOP, whom, unix.SIGKILL}, interference{unix.SIGSTOP, whom, unix.SIGCONT})
	}
	return all
}

// TestKilledAnywhere: the user kills or stops any process of a launch at any moment. No process, mount
// or file of root's is left afterwards.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	options := [][]string{
		{"--die-with-parent"},
		all("--die-with-parent"),
		{"--die-with-parent", "--unshare-user", "--unshare-net", "--tmpfs", "/tmp"},
		{"--die-with-parent", "--unshare-pid", "--unshare-uts", "--hostname", "box", "--proc", "/proc"},
		{"--die-with-parent", "--level-prefix", "--explain"}, // with a front end
	}
	length := measure(t, options)
	before := mounts()
	var group sync.WaitGroup
	for worker := range 2 {
		group.Go(func() {
			s, dir := newUserThread(t, me), scratch(t)
			for round := range harness.Times(100, 260) {
				b := interferences()[round%len(interferences())]
				s.interfere(t, dir, b, options[(round/len(interferences())+worker)%len(options)], time.Duration(rand.Int64N(int64(length))))
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("files were left: %v", left)
			}
		})
	}
	group.Wait()
	if after := mounts(); after != before {
		t.Errorf("the host's mounts have changed:\n%s", difference(before, after))
	}
}

// measure returns how long the slowest launch takes, and a quarter more.
func measure(t *testing.T, options [][]string) time.Duration {
	t.Helper()
	var longest time.Duration
	for range 3 {
		for _, o := range options {
			start := time.Now()
			got := launch{args: append(byKeeper(o...), "/h/witness", "exit", "0")}.run(t)
			got.Stderr = unexplained(got.Stderr)
			got.OK(t, "")
			longest = max(longest, time.Since(start))
		}
	}
	return longest * 5 / 4
}

// interfere starts a launch, waits, sends the signal and checks what is left.
func (s *userThread) interfere(t *testing.T, dir string, b interference, options []string, delay time.Duration) {
	t.Helper()
	cmd := exec.Command(installed, append(byKeeper(options...)[1:], "/h/witness", "sleep", "60", "exit", "7")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	cmd.WaitDelay = soon
	if err := s.do(cmd.Start); err != nil {
		t.Error(err)
		return
	}
	time.Sleep(delay)
	pids := proc.Tree(cmd.Process.Pid)
	target := map[string]int{"launcher": pids[0], "keeper": pids[min(1, len(pids)-1)], "third": pids[min(2, len(pids)-1)], "last": pids[len(pids)-1], "group": -pids[0]}[b.whom]
	_ = s.kill(target, b.sig)
	stopped := false
	if b.then != 0 {
		stopped = b.then == unix.SIGCONT
		if !stopped {
			_ = s.kill(cmd.Process.Pid, b.then)
		}
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	late, again := time.After(2*soon), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-again.C:
			if stopped {
				_ = s.kill(target, unix.SIGCONT)
			}
		case <-late:
			t.Errorf("%+v after %v: the launcher does not end: %s", b, delay, describe(proc.Tree(cmd.Process.Pid)))
			_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
			late = nil
		}
	}
	// A process that was stopped right after its clone, before it could set its death signal, ends after
	// SIGCONT.
	if stuck := waiting(cmd.Process.Pid); len(stuck) > 0 {
		t.Errorf("%+v after %v: processes that did not end: %s", b, delay, describe(stuck))
	}
	_ = s.kill(-cmd.Process.Pid, unix.SIGCONT)
	if err := noneLeftOf(cmd.Process.Pid); err != nil {
		t.Errorf("%+v after %v: %v", b, delay, err)
	}
	o := outcome{testcmd.Outcome{Status: testcmd.Status(cmd.ProcessState), Stderr: unexplained(said.String())}}
	switch {
	case o.Status == "7" && o.Stderr == "": // too late, or it went on
	case o.Stderr != "" && (o.Status != "1" || o.Message("gobwrap") != ""):
		t.Errorf("%+v after %v: %s", b, delay, o)
	case stopped:
		t.Errorf("%+v after %v: it does not continue: %s", b, delay, o)
	}
}

// unexplained removes the lines of --explain and the level prefixes.
func unexplained(said string) string {
	var rest strings.Builder
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "<6>") {
			rest.WriteString(strings.TrimPrefix(line, "<3>"))
		}
	}
	return rest.String()
}

// waiting returns the processes of a group that have neither ended nor stopped in time.
func waiting(group int) (pids []int) {
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if !reapGroup(group) {
			return nil
		}
		pids = nil
		for _, pid := range proc.Children(os.Getpid()) {
			if g, err := unix.Getpgid(pid); err == nil && g == group && !strings.Contains("ZTX", proc.State(pid)) {
				pids = append(pids, pid)
			}
		}
		if len(pids) == 0 {
			return nil
		}
	}
	return pids
}

// noneLeftOf waits until a process group is empty. It kills nothing before it reports an error.
func noneLeftOf(group int) error {
	for end := time.Now().Add(soon); reapGroup(group); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			var left []int
			for _, pid := range proc.Children(os.Getpid()) {
				if g, err := unix.Getpgid(pid); err == nil && g == group {
					left = append(left, pid)
				}
			}
			return errors.Join(fmt.Errorf("processes that did not end: %s", describe(left)), killGroup(group))
		}
	}
	return nil
}
