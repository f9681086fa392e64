package e2e_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLoopbackSockets: the loopback device goes up without socket(2), of which a filter or a kernel may refuse any
// family with any error. Where the ioctl is refused, the message is bubblewrap's.
func TestLoopbackSockets(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"EPERM", "EACCES", "EINVAL", "ENOSYS", "97"} { // EAFNOSUPPORT
		t.Run(errno, func(t *testing.T) {
			t.Parallel()
			wrap := []string{enosys, "-e", errno, "-n", fmt.Sprint(unix.SYS_SOCKET), "--"}
			eachWho(t, func(t *testing.T, who identity) {
				args := append(box("--ro-bind", "/", "/", "--unshare-net"), "sh", "-c", "grep -q 127.0.0.1 /proc/net/fib_trie && echo up")
				if who == root {
					args = append(box("--ro-bind", "/", "/", "--unshare-net", "--unshare-user"), args[len(args)-3:]...)
				}
				launch{who: who, wrap: wrap, args: args}.run(t).OK(t, "up\n")
			})
		})
	}
	wrap := []string{enosys, "-e", "EPERM", "-n", fmt.Sprintf("%d:1=%d", unix.SYS_IOCTL, unix.SIOCSIFFLAGS), "--"}
	launch{who: user, wrap: wrap, args: append(box("--unshare-net"), "/h/probe")}.run(t).Refused(t, "loopback: Failed RTM_NEWADDR: Operation not permitted")
}
