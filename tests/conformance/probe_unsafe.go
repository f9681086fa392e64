package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// prctlOut is for those that write a number.
func prctlOut(option int, n *int32) error {
	return unix.Prctl(option, uintptr(unsafe.Pointer(n)), 0, 0, 0)
}

// pushInput pushes a letter into the input of the terminal on standard input, once as
// programs do it, and once with bits of the number set that a careless filter overlooks.
func pushInput([]string) error {
	letter, one := byte('x'), uintptr(1)
	for _, request := range []uintptr{unix.TIOCSTI, unix.TIOCSTI | one<<32} {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, 0, request, uintptr(unsafe.Pointer(&letter)))
		var err error
		if e != 0 {
			err = e
		}
		fmt.Println(word(err))
	}
	return nil
}

// onTerminal runs a command in a session of its own whose terminal is a new one, as its
// standard input only, and says how much input waits there when it has ended.
func onTerminal(args []string) error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer slave.Close()
	if err := raw(int(slave.Fd())); err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Run()
	time.Sleep(10 * time.Millisecond)
	waiting, ioErr := unix.IoctlGetInt(int(slave.Fd()), unix.TIOCINQ)
	fmt.Println("waiting input:", waiting, word(ioErr))
	return err
}

// raw has the terminal hand on every letter at once.
func raw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
