package e2e_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// The loopback device goes up through whatever family of sockets is left, whatever the
// error with which a filter or a kernel refuses the others.
func TestLoopbackSockets(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"EPERM", "EACCES", "EINVAL", "ENOSYS", "97"} { // EAFNOSUPPORT
		wrap, name := []string{enosys, "-e", errno}, errno
		for _, family := range []int{unix.AF_INET6, unix.AF_INET, unix.AF_NETLINK} {
			wrap = append(wrap, "-n", fmt.Sprintf("%d:0=%d", unix.SYS_SOCKET, family))
			name += fmt.Sprint("-", family)
			wrap := append(wrap[:len(wrap):len(wrap)], "--")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				eachWho(t, func(t *testing.T, who identity) {
					args := append(box("--ro-bind", "/", "/", "--unshare-net"), "sh", "-c", "grep -q 127.0.0.1 /proc/net/fib_trie && echo up")
					if who == root {
						args = append(box("--ro-bind", "/", "/", "--unshare-net", "--unshare-user"), args[len(args)-3:]...)
					}
					launch{who: who, wrap: wrap, args: args}.run(t).OK(t, "up\n")
				})
			})
		}
	}
	wrap := []string{enosys, "-e", "EPERM", "-n", fmt.Sprint(unix.SYS_SOCKET), "--"}
	launch{who: user, wrap: wrap, args: append(box("--unshare-net"), "/h/probe")}.run(t).Refused(t, "loopback: Failed RTM_NEWADDR: Operation not permitted")
}
