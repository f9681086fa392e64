package setuid_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// limit sets a limit of another process as the user. The kernel requires equal ids, not the right to trace
// (prlimit(2)).
func (s *userThread) limit(pid, resource int, value uint64) error {
	return s.do(func() error {
		var l unix.Rlimit
		at := uintptr(unsafe.Pointer(&l))
		if _, _, e := unix.Syscall6(unix.SYS_PRLIMIT64, uintptr(pid), uintptr(resource), 0, at, 0, 0); e != 0 {
			return e
		}
		l.Max = min(l.Max, value)
		l.Cur = l.Max
		if _, _, e := unix.Syscall6(unix.SYS_PRLIMIT64, uintptr(pid), uintptr(resource), at, 0, 0, 0); e != 0 {
			return e
		}
		return nil
	})
}

// TestLimitsFromOutside: the user cannot set limits of a waiting keeper. During set-up the user limits
// descriptors, memory, stack and time of the first process; a failure because of that ends the launch.
func TestLimitsFromOutside(t *testing.T) {
	t.Parallel()
	s, baitDir := newUserThread(t, me), bait(t)
	failed, went := 0, 0
	for _, resource := range []int{unix.RLIMIT_NOFILE, unix.RLIMIT_AS, unix.RLIMIT_DATA, unix.RLIMIT_STACK, unix.RLIMIT_CPU, unix.RLIMIT_FSIZE, unix.RLIMIT_NPROC, unix.RLIMIT_MEMLOCK, unix.RLIMIT_CORE} {
		for _, value := range []uint64{0, 8, 1004} {
			for _, clone := range []uint32{plain, user, allButUser} {
				for _, keeper := range []bool{true, false} {
					l := s.sendUnderLimit(t, baitDir, clone, keeper, resource, value)
					switch {
					case ran(l) == "":
						went++
					case leaks(l.said, false) == "": // the limit may also have ended the payload
						failed++
					default:
						t.Errorf("resource %d, %d, keeper %v: %s", resource, value, keeper, l)
					}
				}
			}
		}
	}
	t.Log(went, "ran,", failed, "failed")
	if failed < 5 || went < 5 {
		t.Errorf("%d ran, %d failed: want at least 5 of each", went, failed)
	}
}

func (s *userThread) sendUnderLimit(t *testing.T, baitDir string, clone uint32, keeper bool, resource int, value uint64) result {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	h, err := s.startAndSteal(startOptions{fds: []int{pipe[0]}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.end(); err != nil {
			t.Error(err)
		}
	}()
	d := good(baitDir)
	d.clone = clone
	d.flags |= plan.FlagInit
	d.frame = append(d.frame, file(4, "/t/f"))
	target := h.keeper
	if !keeper {
		_ = h.send(wholeLaunch(d.program(t)))
		harness.Until(func() bool { return len(proc.Children(h.pid)) == 2 })
		pids := proc.Tree(h.pid)
		target = pids[len(pids)-1]
	}
	own := strings.Repeat(fmt.Sprint(me, "\t"), 4)
	harness.Until(func() bool { return proc.State(target) == "S" && (keeper || proc.Field(target, "Uid")+"\t" == own) })
	if err := s.limit(target, resource, value); keeper != errors.Is(err, unix.EPERM) && proc.State(target) != "Z" {
		t.Errorf("limits of %s: %v", procSummary(target), err)
	}
	if keeper {
		_ = h.send(wholeLaunch(d.program(t)))
	}
	_ = unix.Close(pipe[1])
	return h.wait()
}

// TestPermittedFlags: with each permitted flag of a plan and each namespace, with and without a user
// namespace, the payload has no privilege.
func TestPermittedFlags(t *testing.T) {
	t.Parallel()
	s, baitDir := newUserThread(t, me), bait(t)
	flags := []uint32{0, plan.FlagInit, plan.FlagDieWithParent, plan.FlagKeepSync, plan.FlagTentative, plan.FlagTryUser, plan.FlagInit | plan.FlagTryUser}
	for _, mapped := range []uint32{0, unix.CLONE_NEWUSER} {
		for _, flag := range flags {
			d := good(baitDir)
			d.clone |= mapped
			d.flags = flag
			s.try(t, startOptions{}, baitDir, d.program(t), ran)
		}
		for _, namespace := range plan.NamespaceFiles {
			d := good(baitDir)
			d.clone |= mapped | namespace.Flag
			s.try(t, startOptions{}, baitDir, d.program(t), ran)
		}
	}
	// Ids of a user namespace are what the plan says; outside they stay the user's.
	for _, id := range [][2]uint32{{0, 0}, {0, me}, {me, 0}, {65534, 65534}, {1<<32 - 2, 7}} {
		for _, flag := range flags {
			d := good(baitDir)
			d.clone |= unix.CLONE_NEWUSER
			d.flags, d.uid, d.gid = flag, id[0], id[1]
			s.try(t, startOptions{}, baitDir, d.program(t), func(l result) string {
				if l.first == 0 || len(l.faults) > 0 || len(l.said) < 100 {
					return fmt.Sprint("ids ", id, ", flags ", flag)
				}
				return leaks(l.said, true)
			})
		}
	}
	d := good(baitDir)
	d.clone |= unix.CLONE_NEWUSER
	d.uid = 1<<32 - 1
	s.try(t, startOptions{}, baitDir, d.program(t), func(l result) string {
		_, complaint := faulted(l, plan.SubUIDMap)
		return complaint
	})
}
