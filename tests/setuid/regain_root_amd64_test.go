package setuid_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// TestCannotRegainRoot: neither the launcher nor its front end can become root again. The user, as
// their tracer, makes them try.
func TestCannotRegainRoot(t *testing.T) {
	t.Parallel()
	for name, front := range map[string]bool{"alone": false, "with-a-front-end": true} {
		t.Run(name, func(t *testing.T) { noWayBack(t, front) })
	}
}

func noWayBack(t *testing.T, front bool) {
	t.Helper()
	s := newUserThread(t, me)
	h, err := s.startAndSteal(startOptions{front: front})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.end(); err != nil {
			t.Error(err)
		}
	}()
	harness.Until(func() bool { return proc.State(h.pid) == "S" && (!front || proc.State(h.front) == "S") })
	for name, pid := range h.ours() {
		for call, args := range map[uint64][3]uint64{
			unix.SYS_SETUID: {0}, unix.SYS_SETGID: {0}, unix.SYS_SETRESUID: {1<<64 - 1, 0, 1<<64 - 1},
			unix.SYS_SETRESGID: {1<<64 - 1, 0, 1<<64 - 1}, unix.SYS_SETGROUPS: {0},
		} {
			result, err := s.force(pid, call, args)
			if err != nil {
				t.Fatal(name, err)
			}
			if result != -int64(unix.EPERM) {
				t.Errorf("call %d of the %s answers %d", call, name, result)
			}
		}
		// The control: it carries out the calls that it is made to do.
		if result, err := s.force(pid, unix.SYS_GETPID, [3]uint64{}); err != nil || result != int64(pid) {
			t.Errorf("the %s cannot be made to say who it is: %d, %v", name, result, err)
		}
	}
	for name, pid := range h.ours() {
		if ids := proc.Field(pid, "Uid"); !strings.HasPrefix(ids, fmt.Sprint(me)) || strings.Contains(ids, "\t0") {
			t.Errorf("the %s has the ids %s", name, ids)
		}
	}
}

// force makes a process that is blocked in a system call do another one, and then continue as before.
func (s *userThread) force(pid int, call uint64, args [3]uint64) (result int64, err error) {
	harness.Until(func() bool {
		result, err = s.tryForce(pid, call, args)
		return !errors.Is(err, errOnItsWay)
	})
	return result, err
}

var errOnItsWay = errors.New("it does not wait in a system call")

func (s *userThread) tryForce(pid int, call uint64, args [3]uint64) (result int64, err error) {
	err = s.do(func() error {
		if err := ptrace(unix.PTRACE_SEIZE, pid, 0, 0); err != nil {
			return err
		}
		if err := ptrace(unix.PTRACE_INTERRUPT, pid, 0, 0); err != nil {
			return err
		}
		if _, err := unix.Wait4(pid, nil, unix.WALL, nil); err != nil {
			return err
		}
		defer func() { _ = ptrace(unix.PTRACE_DETACH, pid, 0, 0) }()
		var was, now unix.PtraceRegs
		if err := ptrace(unix.PTRACE_GETREGS, pid, 0, uintptr(unsafe.Pointer(&was))); err != nil {
			return err
		}
		now = was
		now.Rip -= 2 // the instruction that it waits behind
		var code uint64
		if err := ptrace(unix.PTRACE_PEEKTEXT, pid, uintptr(now.Rip), uintptr(unsafe.Pointer(&code))); err != nil {
			return err
		}
		if was.Orig_rax == 1<<64-1 || code&0xffff != 0x050f {
			return errOnItsWay
		}
		now.Orig_rax, now.Rax, now.Rdi, now.Rsi, now.Rdx = 1<<64-1, call, args[0], args[1], args[2]
		if err := ptrace(unix.PTRACE_SETREGS, pid, 0, uintptr(unsafe.Pointer(&now))); err != nil {
			return err
		}
		if err := ptrace(unix.PTRACE_SINGLESTEP, pid, 0, 0); err != nil {
			return err
		}
		if _, err := unix.Wait4(pid, nil, unix.WALL, nil); err != nil {
			return err
		}
		if err := ptrace(unix.PTRACE_GETREGS, pid, 0, uintptr(unsafe.Pointer(&now))); err != nil {
			return err
		}
		if now.Rip != was.Rip {
			return fmt.Errorf("it stands at %#x, not behind the call at %#x", now.Rip, was.Rip)
		}
		result = int64(now.Rax)
		return ptrace(unix.PTRACE_SETREGS, pid, 0, uintptr(unsafe.Pointer(&was)))
	})
	return result, err
}

func ptrace(what, pid int, address, data uintptr) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(what), uintptr(pid), address, data, 0, 0); e != 0 {
		return e
	}
	return nil
}
