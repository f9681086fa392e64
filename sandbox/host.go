package sandbox

import (
	"syscall"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"

	"golang.org/x/sys/unix"
)

// facts is everything that a plan may depend on besides the Spec.
type facts front.Facts

// readFacts reads the facts that s depends on. What cannot be read counts as not there.
func readFacts(s *wanted) facts {
	h := facts{
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
func (h *facts) probe(s *wanted) {
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
