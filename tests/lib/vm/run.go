package vm

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// run starts the daemon that shares the root file system, and QEMU with the arguments,
// and waits until both have ended. What they complain about is in the file complaints.
//
// Both get a death signal, since nobody else would end them if this process were
// killed. It comes when the thread ends that started them, so each has a thread that
// stays.
func run(ctx context.Context, dir string, output io.Writer, args []string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	complaints, err := os.Create(filepath.Join(dir, "complaints"))
	if err != nil {
		return err
	}
	defer complaints.Close()
	shared, err := share(ctx, filepath.Join(dir, "socket"), complaints)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		<-shared
	}()
	machine := exec.CommandContext(ctx, qemu, args...)
	machine.Stdout, machine.Stderr = output, complaints
	machine.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := machine.Run(); err != nil {
		return fmt.Errorf("%s: %w", qemu, err)
	}
	return nil
}

// share starts the daemon, which waits for QEMU at the socket. The channel is closed
// when it has ended.
func share(ctx context.Context, path string, complaints *os.File) (<-chan struct{}, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Only the daemon's copy stays open: if it dies, QEMU must not wait for an answer.
	listener.SetUnlinkOnClose(false)
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	daemon := exec.CommandContext(ctx, virtiofsd, "--fd=3", "-o", "source=/,sandbox=chroot,cache=always,log_level=err")
	daemon.Stderr, daemon.ExtraFiles = complaints, []*os.File{socket}
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	started, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // until the process ends: the thread's namespace goes with the thread
		err := protect()
		if err == nil {
			err = daemon.Start()
		}
		started <- err
		if err == nil {
			_ = daemon.Wait() // what it has to say is in complaints
		}
	}()
	return ended, <-started
}

// protect moves the thread to a mount namespace of its own, in which nothing can be
// written: the guest's root may remount its root file system, and no more comes of it.
func protect() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("a mount namespace for virtiofsd: %w", err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(-1, "/", unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("making the host's files read-only for virtiofsd: %w", err)
	}
	return nil
}
