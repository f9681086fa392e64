package setuid_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// TestBrokerKeepsNoDescriptor: a broker has closed the descriptors of a request, and what it has opened for it, when
// it answers the next one: whether the request was carried out, refused, or has failed at any of its calls.
func TestBrokerKeepsNoDescriptor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func() error
	}{
		{"all-calls", func() error { return nil }},
		{"no-flags", refusing(unix.SYS_MOUNT_SETATTR, unix.ENOSYS)},
	} {
		s := newUserThreadIn(t, me, c.prepare)
		k := s.startBroker(t, unix.CLONE_NEWUTS, 0).withFrame()
		defer k.close()
		usr, file := k.path("/oldroot/usr"), k.path("/oldroot/etc/passwd")
		for op := broker.Bind; op <= broker.Hostname; op++ {
			if op == broker.Root || op == broker.Pivot { // they end the broker
				continue
			}
			for b := range uint64(4) {
				for _, fds := range [][]int{{usr, k.mkdir("/base/d")}, {file, usr}, {k.sock, k.sock}, {k.host("/usr"), k.path("/base/d")}} {
					k.ask(op, 1, b, fds...)
				}
			}
			k.ask(broker.Hostname, 0, 0) // its answer comes when the descriptors of the request before are closed
			var open []string
			entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", k.keeper))
			for _, e := range entries {
				open = append(open, e.Name())
			}
			// Those of the last request may still be open. 3 is the staging place.
			if extra := slices.DeleteFunc(open, func(fd string) bool { return fd <= "3" && len(fd) == 1 }); len(extra) != 0 || err != nil {
				t.Errorf("%s, operation %d: the broker has the descriptors %v open (%v)", c.name, op, extra, err)
			}
		}
	}
}
