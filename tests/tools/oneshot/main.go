// Command oneshot is an embedding program that starts one sandbox and ends like its command:
//
//	oneshot [-mode MODE] [-try] [-unshare-pid] [-status FD] LAUNCHER DIR COMMAND...
//
// DIR becomes /h inside. What its own descriptors from 3 to 11 are is passed on.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"syscall"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

func main() {
	mode := flag.Int("mode", 0, "a sandbox.Mode")
	try := flag.Bool("try", false, "a user namespace if there can be one")
	pid := flag.Bool("unshare-pid", false, "a PID namespace")
	status := flag.Int("status", 0, "a descriptor for Report.JSONStatusFD")
	flag.Parse()
	words := flag.Args()
	c := sandbox.Command(words[2], words[3:]...)
	c.Launcher = words[0]
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	for fd := 3; fd <= 11; fd++ {
		var file *os.File
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			file = os.NewFile(uintptr(fd), "passed on")
		}
		c.ExtraFiles = append(c.ExtraFiles, file)
	}
	s := &c.Spec
	s.Mode = sandbox.Mode(*mode)
	s.Files = []mounts.Op{
		mounts.ReadOnly(words[1]).At("/h"),
		mounts.Tmpfs("/tmp"),
	}
	s.Namespaces = sandbox.Namespaces{IPC: sandbox.Share, PID: sandbox.Share, Net: sandbox.Share, UTS: sandbox.Share, Cgroup: sandbox.Share}
	if *try {
		s.Namespaces.User = sandbox.Try
	}
	if *pid {
		s.Namespaces.PID = sandbox.Want
		s.Files = append(s.Files, mounts.Proc("/proc"))
	}
	if *status != 0 {
		s.Report.JSONStatusFD = sandbox.SetFD(*status)
	}
	err := c.Run()
	var ended *sandbox.ExitError
	switch {
	case err == nil:
	case errors.As(err, &ended) && ended.Sys().(syscall.WaitStatus).Signaled():
		os.Exit(128 + int(ended.Sys().(syscall.WaitStatus).Signal()))
	case errors.As(err, &ended):
		os.Exit(ended.ExitCode())
	default:
		fmt.Fprintln(os.Stderr, "oneshot:", err)
		os.Exit(1)
	}
}
