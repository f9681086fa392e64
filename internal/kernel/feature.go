package kernel

import "syscall"

// Feature is something that a kernel may be too old for, or built without, or that a
// seccomp filter may hide.
type Feature struct {
	Name  string
	Since string // the release of Linux that brought it
	calls []attempt
}

// attempt is a call, and what a kernel answers to it that has the feature.
type attempt struct {
	Call
	there syscall.Errno
}

// The features that gobwrap asks for.
//
//nolint:gochecknoglobals // read-only values
var (
	// Seccomp is filters (CONFIG_SECCOMP_FILTER): one at no address is EFAULT (prctl(2)).
	Seccomp = Feature{"seccomp filters", "3.5", []attempt{{setFilter, syscall.EFAULT}}}
	// NewMounts is what the new mount engine works with. Flags that no kernel knows are
	// EINVAL where the call is there. move_mount looks at the caller's rights first (EPERM);
	// it came with open_tree (5.2).
	NewMounts = Feature{"mount_setattr", "5.12", []attempt{{openTree, syscall.EINVAL}, {mountSetattr, syscall.EINVAL}, {openat2, syscall.EINVAL}}}
	// Openat2 is openat2(2), by which paths are kept inside the new root.
	Openat2 = Feature{"openat2", "5.6", []attempt{{openat2, syscall.EINVAL}}}
	// Landlock is landlock(7). Its interface has versions.
	Landlock = Feature{"Landlock", "5.13", []attempt{{landlockVersion, 0}}}
)

// Versions of Landlock's interface.
const (
	ScopesABI  = 6 // scopes of signals and abstract sockets (6.12)
	SocketsABI = 9 // what comes to the same for sockets with a path (7.1)
)

// Features returns all of them.
func Features() []Feature { return []Feature{Seccomp, NewMounts, Openat2, Landlock} }

// Answer is what a kernel says to a feature's calls.
type Answer struct {
	Version int           // of the feature's interface, 1 where there is only one; 0: it is not there
	Call    string        // the call that says so
	Errno   syscall.Errno // and its answer
	Killed  bool          // a filter kills the process that makes the call
}

// Probe asks the kernel.
func (f Feature) Probe() (a Answer) {
	for _, c := range f.calls {
		if c.Deadly() {
			return Answer{Call: c.Name, Killed: true}
		}
		r, e := c.make()
		if e != c.there {
			return Answer{Call: c.Name, Errno: e}
		}
		if a.Version = 1; e == 0 {
			a.Version = int(r)
		}
	}
	return a
}

// Has reports whether the kernel has the feature, and a caller may use it.
func (f Feature) Has() bool { return f.Probe().Version > 0 }
