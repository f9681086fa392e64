package setuid_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// TestBrokerKeepsNoDescriptor: when a broker answers a request, it has open its socket and the stage: whether
// the request was carried out, refused, or has failed at any of its calls.
func TestBrokerKeepsNoDescriptor(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func() error{
		"all-calls": func() error { return nil },
		"no-flags":  refusing(unix.SYS_MOUNT_SETATTR, unix.ENOSYS),
	} {
		s := newUserThreadIn(t, me, prepare)
		k := s.startBroker(t, unix.CLONE_NEWUTS, 0).withFrame()
		defer k.close()
		usr, file := k.path("/oldroot/usr"), k.path("/oldroot/etc/passwd")
		for op := broker.Bind; op <= broker.Hostname; op++ {
			if op == broker.Root || op == broker.Pivot { // they end the broker
				continue
			}
			for _, b := range []uint64{0, broker.Directory, broker.TopOnly, broker.TopOnly << 1} {
				for _, fds := range [][]int{
					{usr, k.mkdir("/base/d")},
					{usr, file},
					{file, usr},
					{file, file},
					{k.sock, k.sock},
					{file, k.sock},
					{k.host("/usr"), k.path("/base/d")},
					{usr, k.host("/usr")},
				} {
					answer := k.ask(op, unix.MS_RDONLY, b, fds...)
					if open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", k.keeper)); len(open) != 2 {
						t.Errorf("%s: operation %d, %d, %v answers %#x: %d descriptors are open", name, op, b, fds, answer, len(open))
					}
				}
			}
		}
	}
}
