package harness

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// hostName is the suite's, whatever the machine's is: that may be empty.
const hostName = "test-machine"

// firstPID is where the suite's PIDs begin: above all that occur in the PID namespaces of
// its sandboxes, so that a test cannot take the one for the other.
const firstPID = 1000

// runInit is PID 1. It mounts what the suite needs, starts it with its temporary files below
// dir, reaps whatever becomes an orphan, and returns the suite's status.
func runInit(dir string) (int, error) {
	told := make(chan os.Signal, 8)
	signal.Notify(told, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	self, err := os.Executable()
	if err != nil {
		return 2, err
	}
	if err := errors.Join(mountAll(dir), skipPIDs(), unix.Sethostname([]byte(hostName))); err != nil {
		return 2, err
	}
	if err := errors.Join(os.Setenv(roleVar, suiteRole), os.Setenv("TMPDIR", dir)); err != nil {
		return 2, err
	}
	suite, err := syscall.ForkExec(self, os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return 2, err
	}
	go func() {
		for sig := range told {
			if sig == syscall.SIGQUIT { // for the others the outer process kills us
				_ = syscall.Kill(suite, syscall.SIGQUIT)
			}
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err != nil && err != syscall.EINTR:
			return 2, fmt.Errorf("waiting for the suite: %w", err)
		case err == nil && pid == suite && status.Signaled():
			return 128 + int(status.Signal()), fmt.Errorf("the suite was ended by signal %d", status.Signal())
		case err == nil && pid == suite:
			return status.ExitStatus(), nil
		}
	}
}

// mountAll makes the mounts of this namespace private, and mounts a proc and the file system
// for temporary files.
func mountAll(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting a proc: %w", err)
	}
	if err := mountTemporary(dir); err != nil {
		return fmt.Errorf("mounting a file system for temporary files: %w", err)
	}
	return nil
}

// mountTemporary mounts a tmpfs on dir; where that takes no extended attributes of users
// (before Linux 6.6), which overlays of ordinary users need, a directory of the disk in its
// place, below one that only root may enter.
func mountTemporary(dir string) error {
	if err := unix.Mount("tests", dir, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	if unix.Setxattr(dir, "user.tests", []byte("x"), 0) == nil {
		return unix.Removexattr(dir, "user.tests")
	}
	if err := unix.Unmount(dir, 0); err != nil {
		return err
	}
	return mountOfDisk(dir)
}

func mountOfDisk(dir string) error {
	below := dir + "/disk"
	return errors.Join(os.Chmod(dir, 0o700), os.Mkdir(below, 0o755), os.Chmod(below, 0o755), unix.Mount(below, dir, "", unix.MS_BIND, ""))
}

// skipPIDs has PIDs begin at firstPID.
func skipPIDs() error {
	if os.WriteFile("/proc/sys/kernel/ns_last_pid", fmt.Append(nil, firstPID), 0) == nil {
		return nil
	}
	// A kernel without CONFIG_CHECKPOINT_RESTORE.
	for pid := 0; pid < firstPID; {
		child, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
		if err != nil {
			return fmt.Errorf("using up PIDs: %w", err)
		}
		_, _ = syscall.Wait4(child, nil, 0, nil)
		pid = child
	}
	return nil
}
