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

// hold is a place where a plan makes set-up wait.
type hold struct {
	name    string
	edit    func(d *draft)
	parcels func(p []byte) []parcel
	keeper  bool // there is no first process yet
	inside  bool // the command waits
}

// holds are the phases of a launch: those in which the keeper, or the broker that it has become,
// has capabilities, and those after. The scene's fd 4 is a pipe that is not closed.
func holds() []hold {
	return []hold{
		{name: "keeper-without-a-header", keeper: true, parcels: func([]byte) []parcel { return nil }},
		{name: "keeper-with-a-part", keeper: true, parcels: func(p []byte) []parcel { return []parcel{{data: whole(p)[0].data[:7]}} }},
		{name: "first-without-a-plan", parcels: func(p []byte) []parcel { return whole(p)[:1] }},
		{name: "first-with-a-part", parcels: func(p []byte) []parcel { return append(whole(p)[:2:2], parcel{data: p[:len(p)/2]}) }},
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

// held brings a launch to a hold, and returns its processes: those of the sandbox last.
func held(t *testing.T, s *soul, clone uint32, at hold) (*heist, []int) {
	t.Helper()
	return heldIn(t, s, clone, at, scene{})
}

func heldIn(t *testing.T, s *soul, clone uint32, at hold, in scene) (*heist, []int) {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	in.fds = []int{pipe[0]}
	h, err := s.rob(in)
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
	parcels := whole(d.program(t))
	if at.parcels != nil {
		parcels = at.parcels(d.program(t))
	}
	if err := h.send(parcels); err != nil {
		t.Fatal(err)
	}
	if at.keeper {
		if !harness.Until(func() bool { return proc.State(h.keeper) == "S" && proc.Field(h.keeper, "NoNewPrivs") == "1" }) {
			t.Fatalf("the keeper does not wait: %s", has(h.keeper))
		}
		return h, []int{h.keeper}
	}
	var pids []int
	before := ""
	if !harness.Until(func() bool {
		pids = proc.Tree(h.pid)
		now := asleep(pids)
		stays := now != "" && now == before // and has not slept for another reason, on its way
		before = now
		pids = pids[min(2, len(pids)):] // launcher, keeper
		last := 0
		if len(pids) > 0 {
			last = pids[len(pids)-1]
		}
		return last != 0 && last != h.keeper && stays && (proc.Field(last, "Name") == "witness") == at.inside
	}) {
		t.Fatalf("nobody waits: %s, faults %+v, said %q", describe(proc.Tree(h.pid)), h.faults(), h.said())
	}
	return h, pids
}

// untouchable requires that the user can neither signal a process nor set its limits. SIGCONT is
// permitted in one session (kill(2)).
func (s *soul) untouchable(t *testing.T, pid int) {
	t.Helper()
	for _, sig := range []unix.Signal{0, unix.SIGTERM, unix.SIGSTOP, unix.SIGKILL} {
		if err := s.kill(pid, sig); !errors.Is(err, unix.EPERM) {
			t.Errorf("signal %d to %s: %v", sig, has(pid), err)
		}
	}
	for _, resource := range []int{unix.RLIMIT_NOFILE, unix.RLIMIT_CPU} {
		if err := s.limit(pid, resource, 1<<20); !errors.Is(err, unix.EPERM) {
			t.Errorf("limit %d of %s: %v", resource, has(pid), err)
		}
	}
}

// burglary tries every door of everybody, in each phase.
func burglary(t *testing.T) {
	t.Helper()
	for name, clone := range map[string]uint32{"plain": plain, "user": user, "pid": plain | unix.CLONE_NEWPID, "user-pid": user | unix.CLONE_NEWPID} {
		for _, at := range holds() {
			t.Run(fmt.Sprint(name, "-", at.name), func(t *testing.T) {
				s := become(t, me)
				h, pids := held(t, s, clone, at)
				s.allOpen(t, "the launcher", h.pid)
				if state := proc.State(h.keeper); state != "Z" && state != "" {
					if !powers(h.keeper) || !roots(h.keeper) {
						t.Errorf("the keeper has nothing to protect: %s", has(h.keeper))
					}
					s.allShut(t, "the keeper", h.keeper, true)
					s.untouchable(t, h.keeper)
				} else if !at.inside && at.name != "first-behind-the-pivot" {
					t.Errorf("there is no broker: %s", describe(proc.Tree(h.pid)))
				}
				for i, pid := range pids {
					if pid == h.keeper {
						continue
					}
					if powers(pid) {
						t.Errorf("process %d, which is the user's, has capabilities: %s", i, has(pid))
					}
					own := at.inside && i == len(pids)-1 || !at.inside // the command, or set-up
					switch {
					case own && clone&unix.CLONE_NEWUSER == 0:
						// It has nothing that its user has not, who may look at it.
						s.allOpen(t, "the user's process", pid)
					default:
						// It is in a namespace of root's, which its user may not enter by it; or init.
						s.allShut(t, fmt.Sprint("process ", i), pid, !own)
					}
				}
			})
		}
	}
}

// TestDoors: the keeper and the broker, which hold capabilities, have not the user's ids, open no
// door to the user, and take no signal and no limit. The user's processes hold none, and PID 1
// opens no door for as long as it lives.
func TestDoors(t *testing.T) {
	t.Parallel()
	burglary(t)
}

// TestDumpableSetting: nor where the administrator lets set-id programs be dumped.
func TestDumpableSetting(t *testing.T) {
	const knob = "/proc/sys/fs/suid_dumpable"
	harness.Setting(t, knob)
	for _, value := range []string{"1", "2"} {
		t.Run(value, func(t *testing.T) {
			if err := os.WriteFile(knob, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
			// The setting counts: who changes his ids, as this process does, is what it says.
			become(t, me)
			if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); fmt.Sprint(n) != value {
				t.Errorf("the setting %s makes a process %d (%v)", value, n, err)
			}
			burglary(t)
		})
	}
}
