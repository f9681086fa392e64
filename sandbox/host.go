package sandbox

import (
	"syscall"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"

	"golang.org/x/sys/unix"
)

// Host is everything that Compile may know about this machine and the caller. Tests
// make one by hand.
type Host struct {
	UID, GID uint32
	Caps     uint64   // the caller's permitted capabilities
	Env      []string // the caller's environment, in order
	Cwd      string   // where the command should start; empty if the directory has no name
	Tty      bool     // standard output is a terminal

	// Facts for the -try forms.
	UserNamespaces, CgroupNamespaces bool
	SELinux                          bool

	// Setuid: the plan is for the keeper of the setuid mode (package suid), which has no
	// user namespace to offer unless root may make one. Tentative: the kernel may refuse
	// direct mode, and a keeper waits.
	Setuid, Tentative bool

	// For Identity.MapAuto: the caller's login name, "" if there is none, and the texts of
	// /etc/subuid and /etc/subgid.
	UserName       string
	SubUID, SubGID string

	// Filtered: a seccomp filter is installed here, which may kill set-up: the payload says
	// when it is about to run, so that nobody takes its death before for its status.
	Filtered bool

	// Hosted: the front end is a Go program that goes on, and who starts the launcher.
	Hosted bool

	// StdinFile: standard input is a regular file that the caller may write.
	StdinFile bool

	// SameFile reports whether two paths lead to the same file; nil: never.
	SameFile func(a, b string) bool
}

// readHost reads the facts that s depends on. What cannot be read counts as not there.
func readHost(s *Spec) Host {
	h := Host{
		SameFile: sameFile,
		UID:      uint32(syscall.Getuid()),
		GID:      uint32(syscall.Getgid()),
		Env:      child.Environ(),
		Setuid:   s.Mode == Setuid,
	}
	h.Caps = permitted()
	h.Cwd, _ = syscall.Getwd()
	var t unix.Termios
	h.Tty = ioctlTermios(1, &t)
	h.Filtered = kernel.Filtered()
	h.probe(s)
	return h
}

// probe reads the facts that only some command lines need.
func (h *Host) probe(s *Spec) {
	if s.Namespaces.User == Try && h.UID == 0 {
		h.UserNamespaces = exists("/proc/self/ns/user") && !zero("/proc/sys/user/max_user_namespaces")
	}
	if s.Namespaces.Cgroup == Try {
		h.CgroupNamespaces = exists("/proc/self/ns/cgroup")
	}
	if s.Identity.MapAuto {
		h.readSubIDs()
	}
	if s.Lockdown.ExecLabel.Given() || s.Lockdown.FileLabel.Given() {
		h.SELinux = exists("/sys/fs/selinux/enforce") || exists("/selinux/enforce")
	}
}

func exists(path string) bool {
	var st syscall.Stat_t
	return syscall.Stat(path, &st) == nil
}

// zero reports whether the file holds the number 0.
func zero(path string) bool { return procfs.Word(path) == "0" }

// sameFile reports whether two paths lead to the same file.
func sameFile(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}
