package ranges_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// marked are the processes with a mark in their command line that are alive.
func marked(mark string) (pids []string) {
	for _, pid := range proc.All() {
		if words := proc.CommandLine(pid); strings.Contains(words, mark) && !proc.Gone(pid) {
			pids = append(pids, fmt.Sprint(pid, " ", words))
		}
	}
	return pids
}

// TestKilledAnywhere: whenever the launcher is killed or told to end, with newuidmap
// running or before or after, nothing of it stays.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			t.Run(fmt.Sprint(who.name, "-", int(sig)), func(t *testing.T) {
				t.Parallel()
				longest := time.Duration(0)
				random := rand.New(rand.NewPCG(uint64(who.id), uint64(sig)))
				for i := range harness.Times(20, 60) {
					mark := filepath.Join(who.scratch(t), "mark")
					options := append(who.maps(100), "--uid", "0", "--gid", "0", "--unshare-pid", "--disable-userns", "--die-with-parent", "--bind", filepath.Dir(mark), "/w")
					cmd := launch{who: who, args: append(box(options...), "/h/probe", "pause", mark)}.command()
					if i < 3 {
						cmd.Args = append(cmd.Args[:len(cmd.Args)-2], "exit", "0")
						begin := time.Now()
						if err := cmd.Run(); err != nil {
							t.Fatal(err)
						}
						longest = max(longest, time.Since(begin))
						continue
					}
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Duration(random.Int64N(int64(longest))))
					_ = cmd.Process.Signal(sig)
					_ = cmd.Wait()
					if !harness.Until(func() bool { return len(marked(mark)) == 0 }) {
						t.Fatalf("kill %d: left: %q", i, marked(mark))
					}
				}
			})
		}
	}
}

// dies is a shell script that kills the first process and waits until it has ended.
const dies = "kill -9 $1; while grep -q '^State:.[^ZX]' /proc/$1/status 2>&-; do sleep 0.01; done; "

// TestHelperStruck: newuidmap, the first process or the front end is killed while maps are
// made: the launcher says so and ends.
func TestHelperStruck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, sense string }{
		"the helper":         {"kill -9 $$", "newuidmap"},
		"before and success": {dies + "exit 0", "uid map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := stub(t, "newuidmap", c.script)
			launch{who: granted, args: without(granted.maps(10)...), env: []string{"PATH=" + dir + ":/usr/bin:/bin"}}.fails(t, c.sense)
		})
	}
	// The front end's death has no words, nor has that of a first process whose maps could be written.
	for _, script := range []string{"kill -9 $PPID; exec sleep 1000", dies + "exec /usr/bin/newuidmap \"$@\""} {
		dir := stub(t, "newuidmap", script)
		o := launch{who: granted, args: append(box(granted.maps(10)...), "echo", "ran"), env: []string{"PATH=" + dir + ":/usr/bin:/bin"}}.run(t)
		if o.Status != "1" || o.Stdout != "" {
			t.Errorf("%s: %s", script, o)
		}
	}
}

// TestManyLeaveNothing: many at a time, with the documents or without.
func TestManyLeaveNothing(t *testing.T) {
	t.Parallel()
	before, _ := os.ReadFile("/proc/self/mountinfo")
	done := make(chan string)
	for i := range 6 {
		go func() {
			for k := range 12 {
				who := []identity{granted, member, root}[i%3]
				cmd := launch{who: who, args: append(box("--map-auto", "--map-root-user", "--unshare-all", "--dev", "/dev", "--disable-userns"), "sh", "-c", fmt.Sprint("exit ", k))}.command()
				_ = cmd.Run()
				if have := testcmd.Status(cmd.ProcessState); have != fmt.Sprint(k) {
					done <- fmt.Sprint("want ", k, ", have ", have)
					return
				}
			}
			done <- ""
		}()
	}
	for range 6 {
		if complaint := <-done; complaint != "" {
			t.Error(complaint)
		}
	}
	if after, _ := os.ReadFile("/proc/self/mountinfo"); string(before) != string(after) {
		t.Errorf("mounts before:\n%s\nafter:\n%s", before, after)
	}
}

// TestKilledWhileHeld: a set-up that waits goes with its launcher, whatever ids it has taken
// by then: the kernel forgets the death signal when they change.
func TestKilledWhileHeld(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			for _, more := range [][]string{{"--block-fd", "4"}, {"--block-fd", "4", "--disable-userns"}, {"--userns-block-fd", "4"}} {
				t.Run(strings.Join(append([]string{who.name, s.name}, more...), " "), func(t *testing.T) {
					t.Parallel()
					h := who.hold(t, nil, slices.Concat(s.options, []string{"--info-fd", "3", "--unshare-user"}, more), "true")
					pid := h.next(t).PID
					h.waits(t, pid)
					_ = h.cmd.Process.Kill()
					_ = h.cmd.Wait()
					gone(t, pid)
				})
			}
		}
	}
}

// waits waits until a process sleeps at the descriptor.
func (h *held) waits(t *testing.T, pid int) {
	t.Helper()
	waitFor(t, func() string {
		at, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if strings.HasPrefix(string(at), "0 0x4 ") {
			return "there"
		}
		return ""
	})
}
