package setuid_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestLoopbackOutside: the keeper raises the loopback interface of a new network namespace, and never that of
// the caller's.
func TestLoopbackOutside(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, func() error { return unix.Unshare(unix.CLONE_NEWNET) })
	for _, clone := range []uint32{0, unix.CLONE_NEWUTS, unix.CLONE_NEWNET} {
		s.startBroker(t, clone, 0).close()
		err := s.do(func() error {
			sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(sock)
			lo, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			if err := unix.IoctlIfreq(sock, unix.SIOCGIFFLAGS, lo); err != nil {
				return err
			}
			if lo.Uint16()&unix.IFF_UP != 0 {
				t.Errorf("with the namespaces %#x the caller's interface has been raised", clone)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
