package setuid_test

import (
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
	keeper  bool // it is the keeper that waits
	inside  bool // the command waits
}

// holds are the phases of a launch in which somebody has capabilities, and one after.
// The scene's fd 4 is a pipe that is not closed.
func holds() []hold {
	return []hold{
		{name: "keeper-without-a-plan", keeper: true, parcels: func([]byte) []parcel { return nil }},
		{name: "keeper-with-a-part", keeper: true, parcels: func(p []byte) []parcel { return []parcel{{data: framed(p)[:len(p)/2]}} }},
		{name: "keeper-without-the-end", keeper: true, parcels: func(p []byte) []parcel { return []parcel{{data: framed(p)}} }},
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
		return last != 0 && stays && (proc.Field(last, "Name") == "witness") == at.inside
	}) {
		t.Fatalf("nobody waits: %s, faults %+v, said %q", describe(proc.Tree(h.pid)), h.faults(), h.said())
	}
	return h, pids
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
				for i, pid := range pids {
					own := at.inside && i == len(pids)-1 // the command
					switch {
					case own && clone&unix.CLONE_NEWUSER == 0:
						// It has nothing that its user has not, who may look at it.
						if powers(pid) {
							t.Errorf("the command has capabilities: %s", has(pid))
						}
						s.allOpen(t, "the command", pid)
					case own:
						// It is in a namespace of root's, which its user may not enter by it.
						s.allShut(t, "the command", pid, false)
					case !own && !at.inside && !powers(pid):
						t.Errorf("process %d has nothing to protect: %s", pid, has(pid))
					default:
						s.allShut(t, fmt.Sprint("process ", i), pid, true)
					}
				}
			})
		}
	}
}

// TestDoors: who holds a capability opens no door to the user whose ids it has; and
// PID 1 opens none for as long as it lives.
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
