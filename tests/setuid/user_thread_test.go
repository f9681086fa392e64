package setuid_test

import (
	"fmt"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The main thread stays root's: it stands for the process in /proc.
func init() { runtime.LockOSThread() }

// soul is a thread with an ordinary user's ids and without a capability: what it does, he
// does. The kernel keeps credentials by thread, and asks the calling one's. What it starts
// is his.
type userThread struct {
	id   int
	jobs chan func()
}

// become makes a soul for the time of a test.
func newUserThread(t testing.TB, id int) *userThread {
	t.Helper()
	return newUserThreadIn(t, id, func() error { return nil })
}

// becomeIn makes one that lives on another host: a mount namespace of its thread's own, in
// which root has run a script.
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

// elsewhere gives the calling thread mounts of its own, and runs a script as root there.
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

// turn changes the calling thread alone; package syscall would change all.
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

// do has the soul do something, and waits for it.
func (s *userThread) do(what func() error) error {
	done := make(chan error)
	s.jobs <- func() { done <- what() }
	return <-done
}

// kill sends a signal as the user.
func (s *userThread) kill(pid int, sig unix.Signal) error {
	return s.do(func() error { return unix.Kill(pid, sig) })
}
