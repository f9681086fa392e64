package setuid_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// access is one kind of access to another process. Any result except EPERM and EACCES means that the kernel
// would permit it.
type access struct {
	name string
	try  func(pid int) error
	own  bool // permitted to the owner of the file in /proc, without the right to trace the process
}

// ownerAccess is a file that is protected by its mode only.
func ownerAccess(name string, flags int) access {
	d := fileAccess(name, flags)
	d.own = true
	return d
}

func fileAccess(name string, flags int) access {
	return access{name: name, try: func(pid int) error {
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/%s", pid, name), flags|unix.O_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	}}
}

func linkAccess(name string) access {
	return access{name: name, try: func(pid int) error {
		_, err := unix.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name), make([]byte, 100))
		return err
	}}
}

func callAccess(name string, call func(pid uintptr) unix.Errno) access {
	return access{name: name, try: func(pid int) error {
		if e := call(uintptr(pid)); e != 0 {
			return e
		}
		return nil
	}}
}

func withPidfd(pid int, use func(pidfd int) error) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	return use(pidfd)
}

// accesses returns all kinds of access.
func accesses() []access {
	var word [8]byte
	iov := [2]uintptr{uintptr(unsafe.Pointer(&word)), uintptr(len(word))}
	here := uintptr(unsafe.Pointer(&iov))
	getfd := func(fd int) access {
		return access{name: fmt.Sprint("pidfd_getfd ", fd), try: func(pid int) error {
			return withPidfd(pid, func(pidfd int) error {
				stolen, err := unix.PidfdGetfd(pidfd, fd, 0)
				if err == nil {
					_ = unix.Close(stolen)
				}
				return err
			})
		}}
	}
	return []access{
		fileAccess("mem", unix.O_RDONLY), fileAccess("mem", unix.O_RDWR), fileAccess("environ", unix.O_RDONLY), fileAccess("auxv", unix.O_RDONLY),
		fileAccess("maps", unix.O_RDONLY), fileAccess("pagemap", unix.O_RDONLY), fileAccess("smaps", unix.O_RDONLY), ownerAccess("clear_refs", unix.O_WRONLY),
		ownerAccess("coredump_filter", unix.O_WRONLY), ownerAccess("oom_score_adj", unix.O_WRONLY), ownerAccess("fd", unix.O_RDONLY),
		fileAccess("root", unix.O_RDONLY), fileAccess("ns/mnt", unix.O_RDONLY), fileAccess("ns/pid", unix.O_RDONLY), fileAccess("ns/user", unix.O_RDONLY),
		linkAccess("exe"), linkAccess("cwd"), linkAccess("fd/1"), linkAccess("ns/mnt"),
		getfd(0), getfd(1), getfd(1001),
		callAccess("process_vm_readv", func(pid uintptr) unix.Errno {
			_, _, e := unix.Syscall6(unix.SYS_PROCESS_VM_READV, pid, here, 1, here, 1, 0)
			return e
		}),
		callAccess("process_vm_writev", func(pid uintptr) unix.Errno {
			there := [2]uintptr{4096, 8} // never mapped: nothing is written if this is permitted
			_, _, e := unix.Syscall6(unix.SYS_PROCESS_VM_WRITEV, pid, here, 1, uintptr(unsafe.Pointer(&there)), 1, 0)
			return e
		}),
		callAccess("kcmp", func(pid uintptr) unix.Errno {
			_, _, e := unix.Syscall6(unix.SYS_KCMP, pid, pid, 1 /* KCMP_VM */, 0, 0, 0)
			return e
		}),
		{name: "PTRACE_SEIZE", try: func(pid int) error { return traced(pid, unix.PTRACE_SEIZE) }},
		{name: "PTRACE_ATTACH", try: func(pid int) error { return traced(pid, unix.PTRACE_ATTACH) }},
	}
}

// traced starts to trace a process, and stops again.
func traced(pid, how int) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(how), uintptr(pid), 0, 0, 0, 0); e != 0 {
		return e
	}
	if how == unix.PTRACE_SEIZE {
		_, _, _ = unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_INTERRUPT, uintptr(pid), 0, 0, 0, 0)
	}
	_, _ = unix.Wait4(pid, nil, unix.WALL, nil)
	_, _, _ = unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, 0, 0, 0)
	return nil
}

// allowedAccess tries all kinds of access to a process as the user, and lists those that are permitted. With
// own it also tries those that the owner of the files has.
func (s *userThread) allowedAccess(pid int, own bool) (open []string) {
	_ = s.do(func() error {
		for _, d := range accesses() {
			if d.own && !own {
				continue
			}
			err := d.try(pid)
			switch {
			case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
			case errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) && proc.State(pid) == "":
				return nil // it has ended meanwhile
			default:
				open = append(open, fmt.Sprintf("%s (%v)", d.name, err))
			}
		}
		return nil
	})
	return open
}

// mustAllowAll requires that every access is permitted. This is the control.
func (s *userThread) mustAllowAll(t *testing.T, whose string, pid int) {
	t.Helper()
	if open := s.allowedAccess(pid, true); len(open) != len(accesses()) {
		t.Errorf("%s: only %d of %d kinds of access are permitted: %v", whose, len(open), len(accesses()), open)
	}
}

// mustDenyAll requires that no access is permitted.
func (s *userThread) mustDenyAll(t *testing.T, whose string, pid int, own bool) {
	t.Helper()
	if open := s.allowedAccess(pid, own); len(open) > 0 {
		t.Errorf("%s can be accessed (%s): %s", whose, procSummary(pid), strings.Join(open, ", "))
	}
	if proc.State(pid) == "" {
		t.Errorf("%s has ended: nothing was tried", whose)
	}
}

// hasCaps reports whether a process has permitted capabilities.
func hasCaps(pid int) bool { return strings.Trim(proc.Field(pid, "CapPrm"), "0") != "" }

func procSummary(pid int) string {
	return fmt.Sprintf("%s %s, uid %s, permitted %s", proc.Field(pid, "Name"), proc.State(pid), proc.Field(pid, "Uid"), proc.Field(pid, "CapPrm"))
}
