package setuid_test

import (
	"fmt"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The main thread stays root's: its ids are those that /proc shows for the process.
func init() { runtime.LockOSThread() }

// userThread is a thread with an ordinary user's ids and no capabilities. The kernel keeps credentials per
// thread and checks those of the calling one, so what it does and starts is the user's.
type userThread struct {
	id   int
	jobs chan func()
}

// newUserThread starts such a thread, which ends with the test.
func newUserThread(t testing.TB, id int) *userThread {
	t.Helper()
	return newUserThreadIn(t, id, func() error { return nil })
}

// newUserThreadIn is newUserThread, but root's prepare runs in the thread first: see inOwnMounts.
func newUserThreadIn(t testing.TB, id int, prepare func() error) *userThread {
	t.Helper()
	s := &userThread{id: id, jobs: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := prepare()
		if err == nil {
			err = setThreadIDs(uint32(id))
		}
		ready <- err
		for job := range s.jobs {
			job()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal("becoming an ordinary user:", err)
	}
	t.Cleanup(func() { close(s.jobs) })
	return s
}

// inOwnMounts gives the calling thread a mount namespace of its own and runs a script there as root.
func inOwnMounts(script string) func() error {
	return func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// setThreadIDs changes the ids of the calling thread only; package syscall would change all threads.
func setThreadIDs(id uint32) error {
	n := uintptr(id)
	for _, c := range [][4]uintptr{
		{unix.SYS_SETGROUPS, 0, 0},
		{unix.SYS_SETRESGID, n, n, n},
		{unix.SYS_SETRESUID, n, n, n},
	} {
		if _, _, e := unix.RawSyscall(c[0], c[1], c[2], c[3]); e != 0 {
			return e
		}
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETUID, 0, 0, 0); e != unix.EPERM {
		return fmt.Errorf("this thread is still root's: %v", e)
	}
	return nil
}

// do runs a function in the thread and waits for it.
func (s *userThread) do(what func() error) error {
	done := make(chan error)
	s.jobs <- func() { done <- what() }
	return <-done
}

// kill sends a signal as the user.
func (s *userThread) kill(pid int, sig unix.Signal) error {
	return s.do(func() error { return unix.Kill(pid, sig) })
}
