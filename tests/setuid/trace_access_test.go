package setuid_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// pausePoint is a point at which a plan makes the launch wait.
type pausePoint struct {
	name    string
	edit    func(d *draft)
	packets func(p []byte) []packet
	keeper  bool // only the keeper exists, no first process
	inside  bool // the payload waits
}

// pausePoints returns the phases of a launch: first those in which the keeper or the broker has
// capabilities, then those after. Descriptor 4 of the launcher is a pipe that stays open.
func pausePoints() []pausePoint {
	return []pausePoint{
		{name: "keeper-without-a-header", keeper: true, packets: func([]byte) []packet { return nil }},
		{name: "keeper-with-a-part", keeper: true, packets: func(p []byte) []packet { return []packet{{data: wholeLaunch(p)[0].data[:7]}} }},
		{name: "first-without-a-plan", packets: func(p []byte) []packet { return wholeLaunch(p)[:1] }},
		{name: "first-with-a-part", packets: func(p []byte) []packet { return append(wholeLaunch(p)[:2:2], packet{data: p[:len(p)/2]}) }},
		{name: "first-on-data", edit: frame(data(4, "/t/f"))},
		{name: "first-on-a-file", edit: frame(file(4, "/t/f"))},
		{name: "first-at-the-handshake", edit: func(d *draft) {
			d.flags |= plan.FlagHandshake
			d.frame = append(d.frame, one(plan.OpGo, 0))
		}},
		{name: "first-behind-the-pivot", edit: late(one(plan.OpWaitFd, 0, 4))},
		{name: "command", edit: func(d *draft) { d.argv = []string{"witness", "pause"} }, inside: true},
		{name: "command-of-an-init", edit: func(d *draft) {
			d.argv = []string{"witness", "pause"}
			d.flags |= plan.FlagInit
		}, inside: true},
	}
}

// pausedAt brings a launch to a pause point, and returns its processes: those of the sandbox last.
func pausedAt(t *testing.T, s *userThread, clone uint32, at pausePoint) (*stolenLaunch, []int) {
	t.Helper()
	return pausedIn(t, s, clone, at, startOptions{})
}

func pausedIn(t *testing.T, s *userThread, clone uint32, at pausePoint, in startOptions) (*stolenLaunch, []int) {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	in.fds = []int{pipe[0]}
	h, err := s.startAndSteal(in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = unix.Close(pipe[0]), unix.Close(pipe[1])
		if err := h.end(); err != nil {
			t.Error(err)
		}
	})
	d := good(base)
	d.clone |= clone
	if at.edit != nil {
		at.edit(d)
	}
	packets := wholeLaunch(d.program(t))
	if at.packets != nil {
		packets = at.packets(d.program(t))
	}
	if err := h.send(packets); err != nil {
		t.Fatal(err)
	}
	if at.keeper {
		if !harness.Until(func() bool { return proc.State(h.keeper) == "S" && proc.Field(h.keeper, "NoNewPrivs") == "1" }) {
			t.Fatalf("the keeper does not wait: %s", procSummary(h.keeper))
		}
		return h, []int{h.keeper}
	}
	var pids []int
	before := ""
	if !harness.Until(func() bool {
		pids = proc.Tree(h.pid)
		now := sleepCounts(pids)
		stays := now != "" && now == before // not only asleep for a moment, on its way
		before = now
		pids = pids[min(2, len(pids)):] // launcher, keeper
		last := 0
		if len(pids) > 0 {
			last = pids[len(pids)-1]
		}
		return last != 0 && last != h.keeper && stays && (proc.Field(last, "Name") == "witness") == at.inside
	}) {
		t.Fatalf("no process waits: %s, faults %+v, said %q", describe(proc.Tree(h.pid)), h.faults(), h.said())
	}
	return h, pids
}

// mustBeProtected requires that the user can neither signal a process nor set its limits. SIGCONT is not
// tried: it is permitted within a session (kill(2)).
func (s *userThread) mustBeProtected(t *testing.T, pid int) {
	t.Helper()
	for _, sig := range []unix.Signal{0, unix.SIGTERM, unix.SIGSTOP, unix.SIGKILL} {
		if err := s.kill(pid, sig); !errors.Is(err, unix.EPERM) {
			t.Errorf("signal %d to %s: %v", sig, procSummary(pid), err)
		}
	}
	for _, resource := range []int{unix.RLIMIT_NOFILE, unix.RLIMIT_CPU} {
		if err := s.limit(pid, resource, 1<<20); !errors.Is(err, unix.EPERM) {
			t.Errorf("limit %d of %s: %v", resource, procSummary(pid), err)
		}
	}
}

// checkAccess tries every kind of access to every process, in each phase.
func checkAccess(t *testing.T) {
	t.Helper()
	for name, clone := range map[string]uint32{"plain": plain, "user": user, "pid": plain | unix.CLONE_NEWPID, "user-pid": user | unix.CLONE_NEWPID} {
		for _, at := range pausePoints() {
			t.Run(fmt.Sprint(name, "-", at.name), func(t *testing.T) {
				s := newUserThread(t, me)
				h, pids := pausedAt(t, s, clone, at)
				s.mustAllowAll(t, "the launcher", h.pid)
				if state := proc.State(h.keeper); state != "Z" && state != "" {
					if !hasCaps(h.keeper) || !hasRootUID(h.keeper) {
						t.Errorf("the keeper has no privilege to protect: %s", procSummary(h.keeper))
					}
					s.mustDenyAll(t, "the keeper", h.keeper, true)
					s.mustBeProtected(t, h.keeper)
				} else if !at.inside && at.name != "first-behind-the-pivot" {
					t.Errorf("there is no broker: %s", describe(proc.Tree(h.pid)))
				}
				for i, pid := range pids {
					if pid == h.keeper {
						continue
					}
					if hasCaps(pid) {
						t.Errorf("process %d, which is the user's, has capabilities: %s", i, procSummary(pid))
					}
					own := at.inside && i == len(pids)-1 || !at.inside // the command, or set-up
					switch {
					case own && clone&unix.CLONE_NEWUSER == 0:
						// It has no more rights than the user, who may trace it.
						s.mustAllowAll(t, "the user's process", pid)
					default:
						// Its user namespace belongs to another id, which forbids tracing; or it is init.
						s.mustDenyAll(t, fmt.Sprint("process ", i), pid, !own)
					}
				}
			})
		}
	}
}

// TestProcessAccess: the keeper and the broker, which have capabilities, do not have the user's ids, and the
// user cannot access, signal or limit them. The user's processes have no capabilities. PID 1 can never be
// accessed.
func TestProcessAccess(t *testing.T) {
	t.Parallel()
	checkAccess(t)
}

// TestDumpableSetting: the same if the administrator permits dumps of set-id programs.
func TestDumpableSetting(t *testing.T) {
	const knob = "/proc/sys/fs/suid_dumpable"
	harness.Setting(t, knob)
	for _, value := range []string{"1", "2"} {
		t.Run(value, func(t *testing.T) {
			if err := os.WriteFile(knob, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
			// The control: this process has just changed its ids, so its dumpable flag is the setting.
			newUserThread(t, me)
			if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); fmt.Sprint(n) != value {
				t.Errorf("the setting %s makes a process %d (%v)", value, n, err)
			}
			checkAccess(t)
		})
	}
}
