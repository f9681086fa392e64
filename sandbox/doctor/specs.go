package doctor

import (
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// minimal returns the smallest sandbox: it changes as little as possible, so that an attempt
// fails for one reason.
func minimal(mode sandbox.Mode) sandbox.Spec {
	const share = sandbox.Share
	return sandbox.Spec{
		Mode:       mode,
		Namespaces: sandbox.Namespaces{User: share, IPC: share, PID: share, Net: share, UTS: share, Cgroup: share},
		Identity:   sandbox.Identity{KeepCaps: true},
		Session:    sandbox.Session{New: share},
	}
}

// spec returns the minimal sandbox with something more, in the order given.
func spec(mode sandbox.Mode, with ...func(*sandbox.Spec)) sandbox.Spec {
	s := minimal(mode)
	for _, add := range with {
		add(&s)
	}
	return s
}

func nothing(*sandbox.Spec) {}

func newUser(s *sandbox.Spec) { s.Namespaces.User = sandbox.Want }
func newPID(s *sandbox.Spec)  { s.Namespaces.PID = sandbox.Want }
func newNet(s *sandbox.Spec)  { s.Namespaces.Net = sandbox.Want }

func noFurtherUserNS(s *sandbox.Spec) {
	newUser(s)
	s.Namespaces.DisableUsers = true
}

func ranges(s *sandbox.Spec) {
	newUser(s)
	s.Identity.MapAuto = true
}

// another is an id that is not root's.
func another(s *sandbox.Spec) {
	s.Identity.UID, s.Identity.GID = sandbox.SetID(1), sandbox.SetID(1)
}

// file adds an operation on files.
func file(op mounts.Op) func(*sandbox.Spec) {
	return func(s *sandbox.Spec) { s.Files = append(s.Files, op) }
}

func newProc(s *sandbox.Spec) {
	newPID(s)
	file(mounts.Proc("/proc"))(s)
}

// allowAll adds a seccomp filter that permits everything.
func allowAll(s *sandbox.Spec) {
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f} // SECCOMP_RET_ALLOW, little-endian
	s.Lockdown.Filters = []sandbox.Filter{{BPF: allow}}
}
