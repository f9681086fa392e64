package setuid_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// TestBeforeExec: between set-up and its exec, neither the payload's process nor init has a capability,
// and the user can access neither. A plan with many directories to try, and then a lock, keeps both
// processes busy.
func TestBeforeExec(t *testing.T) {
	t.Parallel()
	for name, clone := range map[string]uint32{"plain": plain, "roomy": allButUser, "user": user} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newUserThread(t, me)
			h, err := s.startAndSteal(startOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := h.end(); err != nil {
					t.Error(err)
				}
			})
			d := good(base, "pause")
			d.clone |= clone
			d.flags |= plan.FlagInit
			caps := d.payload[0]
			d.payload = []step{caps}
			for range 15000 {
				d.payload = append(d.payload, one(plan.OpChdir, plan.FlagTry).of("/nowhere").at("PWD=/"))
			}
			d.payload = append(d.payload, one(plan.OpChdir, 0).of("/").at("PWD=/"), one(plan.OpLock, 0).of("/h/witness"))
			if err := h.send(wholeLaunch(d.program(t))); err != nil {
				t.Fatal(err)
			}
			var pids []int
			if !harness.Until(func() bool { pids = proc.Tree(h.pid); return len(pids) == 4 }) {
				t.Fatalf("no init and no payload: %s, faults %v", describe(pids), h.faults())
			}
			pids = pids[2:]
			payload := pids[1]
			payloads, inits := 0, 0
			for proc.Field(payload, "Name") != "witness" && proc.State(payload) != "" {
				for _, pid := range pids {
					power := hasCaps(pid)
					open := s.allowedAccess(pid, true)
					switch {
					case proc.Field(payload, "Name") == "witness" && pid == payload:
						continue
					case len(open) > 0:
						t.Fatalf("accessible before the exec: %s: %v", procSummary(pid), open)
					case power:
						t.Fatalf("capabilities after set-up: %s", procSummary(pid))
					case pid == pids[0]:
						inits++
					default:
						payloads++
					}
				}
			}
			t.Log("looked at the payload", payloads, "times, at init", inits, "times")
			if payloads == 0 || inits == 0 {
				t.Error("one of the two was not seen before the exec")
			}
		})
	}
}

// TestEndingProcesses: a process that is ending has released its memory, and with it the dumpable flag
// (CVE-2026-46333). Its capabilities still protect its descriptors until it is gone.
func TestEndingProcesses(t *testing.T) {
	t.Parallel()
	// The controls: this loop takes descriptors of a process of the user's, and on a kernel with the
	// flaw also of an undumpable one, while it ends.
	control := newUserThread(t, me)
	for name, words := range map[string][]string{"open": {"pause"}, "undumpable": {"shut", "pause"}} {
		won := 0
		for range 40 {
			cmd := exec.Command(witness, words...)
			if err := control.do(cmd.Start); err != nil {
				t.Fatal(err)
			}
			harness.Until(func() bool {
				return proc.State(cmd.Process.Pid) == "S" && proc.Field(cmd.Process.Pid, "Name") == "witness"
			})
			won += takeWhileEnding(t, cmd.Process.Pid, []int{0, 1, 2}, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
		}
		t.Logf("%d descriptors of the user's own processes (%s) were taken", won, name)
		if name == "open" && won == 0 {
			t.Error("the attack does not even work on an ordinary process")
		}
	}
	kinds := pausePoints()
	for i, at := range slices.Concat(kinds[:1], kinds[2:7], kinds[4:7]) {
		t.Run(fmt.Sprint(at.name, "-", i), func(t *testing.T) {
			s := newUserThread(t, me)
			for range 10 {
				h, pids := pausedAt(t, s, []uint32{plain, user, allButUser}[i%3], at)
				pid := h.keeper
				end := func() { _ = unix.Kill(pid, unix.SIGKILL) }
				if i%2 == 0 { // it ends by itself, because its socket closes
					end = func() {
						_ = unix.Shutdown(h.keeperSock, unix.SHUT_RDWR)
						_ = unix.Shutdown(h.faultsIn, unix.SHUT_RDWR)
						for _, pid := range append(pids, h.pid) {
							if pid != h.keeper {
								_ = unix.Kill(pid, unix.SIGKILL)
							}
						}
					}
				}
				if !hasCaps(pid) {
					t.Fatalf("nothing to protect: %s", procSummary(pid))
				}
				if n := takeWhileEnding(t, pid, []int{0, 1, 2, 3, 4, 5, 1000, 1001}, end); n > 0 {
					t.Errorf("%d descriptors were taken from an ending process", n)
				}
			}
		})
	}
}

// takeWhileEnding tries to take descriptors of a process, without pause, while end makes it end. It counts
// those that it got, and refusals that are not about permission.
func takeWhileEnding(t *testing.T, pid int, fds []int, end func()) (won int) {
	t.Helper()
	thief := newUserThread(t, me)
	started := make(chan struct{})
	go func() {
		<-started
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		end()
	}()
	_ = thief.do(func() error {
		return withPidfd(pid, func(pidfd int) error {
			close(started)
			for round, stop := 0, time.Now().Add(soon); time.Now().Before(stop); round++ {
				if s := proc.State(pid); round%16 == 0 && (s == "" || s == "Z") {
					return nil
				}
				for _, fd := range fds {
					got, err := unix.PidfdGetfd(pidfd, fd, 0)
					switch {
					case err == nil:
						won++
						_ = unix.Close(got)
					case errors.Is(err, unix.EBADF):
						won++
					}
				}
			}
			return fmt.Errorf("it does not end")
		})
	})
	return won
}

// TestStoppedAnywhere: the user stops all processes of a launch at a random moment. The only stopped
// process that can have capabilities is the launcher before it has dropped them, and the user cannot
// access it. After SIGCONT the launch ends normally.
func TestStoppedAnywhere(t *testing.T) {
	t.Parallel()
	options := map[string][]string{
		"plain": {}, "all": {"--unshare-all", "--proc", "/proc", "--dev", "/dev"},
		"some": {"--unshare-pid", "--unshare-net", "--tmpfs", "/tmp"},
	}
	stopped := 0
	rounds := harness.Times(30, 120)
	// How long a launch takes, and whether the signal comes in time, is the machine's affair: there are
	// more rounds until enough processes were stopped.
	for round := 0; round < rounds || stopped < rounds/5 && round < 50*rounds; round++ {
		name := []string{"plain", "all", "some"}[round%3]
		s := newUserThread(t, me)
		args := slices.Concat([]string{"--mode", "setuid", "--ro-bind", base + "/bin", "/h"}, options[name], []string{"--", "/h/witness", "exit", "7"})
		cmd := exec.Command(installed, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var said strings.Builder
		cmd.Stderr = &said
		if err := s.do(cmd.Start); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(500+500*(round%12))) * time.Microsecond)
		_ = s.kill(-cmd.Process.Pid, unix.SIGSTOP)
		for _, pid := range proc.Tree(cmd.Process.Pid) {
			if proc.State(pid) != "T" {
				continue
			}
			stopped++
			switch {
			case !hasCaps(pid):
			case pid == cmd.Process.Pid:
				s.mustDenyAll(t, "the stopped launcher", pid, true)
			default:
				t.Errorf("stopped with capabilities: %s", procSummary(pid))
			}
		}
		// SIGCONT is repeated: a process that was being cloned meanwhile starts with the pending stop
		// signal and misses a SIGCONT that came before.
		again := time.NewTicker(20 * time.Millisecond)
		late := time.AfterFunc(4*soon, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
		ended := make(chan error)
		go func() { ended <- cmd.Wait() }()
		for running := true; running; {
			_ = s.kill(-cmd.Process.Pid, unix.SIGCONT)
			select {
			case <-ended:
				running = false
			case <-again.C:
			}
		}
		late.Stop()
		again.Stop()
		if err := noneLeftOf(cmd.Process.Pid); err != nil {
			t.Error(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != 7 || said.String() != "" {
			t.Errorf("%s: status %d after SIGCONT: %s", name, code, said.String())
		}
	}
	if t.Log(stopped, "stopped"); stopped < rounds/5 {
		t.Error("too few processes were stopped")
	}
}
