package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The helper: this program under the name probe, on the host and, bound to /probe, in the
// sandbox. It does what no shell can. Its words are the keys of probes.
var probes map[string]func(args []string) error

func probe(args []string) int {
	probes = map[string]func(args []string) error{
		"filter":    writeFilter,                                           // KIND: a seccomp filter on standard output, see there
		"call":      makeCalls,                                             // NAME …: calls that filters are about; ok or the error
		"lock":      func(a []string) error { return queryLock(a, false) }, // FILE …: which lock is held on it
		"unlocked":  func(a []string) error { return queryLock(a, true) },  // the same, when it has gone
		"trylock":   tryLock,                                               // FILE SHELL: the line, while a write lock is held
		"pdeathsig": printDeath,                                            // the signal of the parent's death
		"dumpable":  printDumpable,                                         // whether processes of the same user may trace this one
		"userns":    newUserns,                                             // a new user namespace, if that is permitted
		"loopback":  tryLoopback,                                           // a connection over 127.0.0.1 and ::1
		"pty":       onTerminal,                                            // COMMAND …: on a terminal of its own; prints what came there
		"tiocsti":   pushInput,                                             // push a letter into the terminal's input
		"access":    tryAccess,                                             // PID …: ways into a process that are open
		"capeff":    printEffective,                                        // the effective capabilities, as a number
		"open":      tryOpen,                                               // MODE FILE …: open for r, w or rw; ok or the error
		"true":      func([]string) error { return nil },
	}
	if len(args) == 0 || probes[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "probe: unknown word", args)
		return 99
	}
	if err := probes[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		return 98
	}
	return 0
}

// word returns the name of an error number, or ok.
func word(err error) string {
	if err == nil {
		return "ok"
	}
	if e := syscall.Errno(0); errors.As(err, &e) {
		return unix.ErrnoName(e)
	}
	return err.Error()
}

// queryLock prints which lock each file has, once it is locked, or with free once it is
// not: bubblewrap's init takes the locks while the payload starts. After half a minute it
// prints what there is.
func queryLock(names []string, free bool) error {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		lk := unix.Flock_t{Type: unix.F_WRLCK}
		for range 30_000 {
			lk = unix.Flock_t{Type: unix.F_WRLCK}
			if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk); err != nil {
				return err
			}
			if (lk.Type == unix.F_UNLCK) == free {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		kind := map[int16]string{unix.F_UNLCK: "unlocked", unix.F_RDLCK: "read lock", unix.F_WRLCK: "write lock"}[lk.Type]
		fmt.Printf("%s: %s\n", name, kind)
		_ = f.Close()
	}
	return nil
}

func tryLock(args []string) error {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", preamble+args[1])
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		os.Exit(code)
	}
	return err
}

// The main goroutine stays in the main thread, whose death signal printDeath asks for: each
// thread has one of its own.
func init() { runtime.LockOSThread() }

func printDeath([]string) error {
	var sig int32
	if err := prctlOut(unix.PR_GET_PDEATHSIG, &sig); err != nil {
		return err
	}
	fmt.Println(sig)
	return nil
}

func printDumpable([]string) error {
	n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println(n)
	return err
}

func newUserns([]string) error {
	proc, err := os.StartProcess("/proc/self/exe", []string{"probe", "true"}, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, // exec.Cmd would open /dev/null
		Sys:   &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	if err == nil {
		_, err = proc.Wait()
	}
	fmt.Println(word(err))
	if err != nil {
		os.Exit(1)
	}
	return nil
}

func printEffective([]string) error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return err
	}
	fmt.Printf("%08x%08x\n", data[1].Effective, data[0].Effective)
	return nil
}

func tryOpen(args []string) error {
	flags := map[string]int{"r": unix.O_RDONLY, "w": unix.O_WRONLY, "rw": unix.O_RDWR}[args[0]]
	for _, name := range args[1:] {
		fd, err := unix.Open(name, flags|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
		}
		fmt.Printf("%s: %s\n", name, word(err))
	}
	return nil
}

func tryLoopback([]string) error {
	fmt.Println("127.0.0.1", word(connect(unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})))
	fmt.Println("::1", word(connect(unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}})))
	return nil
}

// connect listens on an address, at a port that the kernel chooses, and connects to it.
func connect(family int, addr unix.Sockaddr) error {
	l, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(l, addr); err != nil {
		return err
	}
	if err := unix.Listen(l, 1); err != nil {
		return err
	}
	bound, err := unix.Getsockname(l)
	if err != nil {
		return err
	}
	c, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Connect(c, bound)
}

// tryAccess prints the ways into processes that are open to this one: traces, memory,
// descriptors.
func tryAccess(args []string) error {
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		for _, name := range []string{"mem", "environ", "fd/0", "root", "ns/mnt"} {
			if fd, err := unix.Open(fmt.Sprintf("/proc/%d/%s", pid, name), unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
				fmt.Println("open:", name)
				_ = unix.Close(fd)
			}
		}
		if unix.PtraceSeize(pid) == nil {
			fmt.Println("open: PTRACE_SEIZE")
		}
		if pidfd, err := unix.PidfdOpen(pid, 0); err == nil {
			if _, err := unix.PidfdGetfd(pidfd, 0, 0); err == nil {
				fmt.Println("open: pidfd_getfd")
			}
		}
	}
	return nil
}
