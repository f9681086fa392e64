package harness

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// runOuter starts the suite in new namespaces and waits for it. The status is the suite's;
// 128 and the signal's number if this process is told to end, whereupon it kills all of the
// suite.
func runOuter() (int, error) {
	runtime.LockOSThread() // init is killed when this thread ends
	self, err := os.Executable()
	if err != nil {
		return 2, err
	}
	dir, err := os.MkdirTemp("", "gobwrap-tests-")
	if err != nil {
		return 2, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return 2, err
	}
	told := make(chan os.Signal, 8)
	signal.Notify(told, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), roleVar+"="+initRole, dirVar+"="+dir, fmt.Sprint(outerVar, "=", os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 2, fmt.Errorf("making a mount, a PID and a UTS namespace: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	status := 0
	for {
		select {
		case sig := <-told:
			if sig == syscall.SIGQUIT { // go test has lost its patience: the suite prints its stacks
				_ = cmd.Process.Signal(sig)
				continue
			}
			status = 128 + int(sig.(syscall.Signal))
			_ = cmd.Process.Kill() // with PID 1 all others go
		case <-ended:
			if status == 0 {
				status = cmd.ProcessState.ExitCode()
			}
			if status < 0 {
				return 2, fmt.Errorf("init of the suite: %v", cmd.ProcessState)
			}
			return status, nil
		}
	}
}
