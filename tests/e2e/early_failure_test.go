package e2e_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// What fails before there is a front end is said without one: with the errno's text and
// name, whatever it is, and with a hint where there is something to do.
func TestFailureBeforeTheFrontEnd(t *testing.T) {
	t.Parallel()
	const filter = "gobwrap: hint: a seccomp filter, a security module or a setting refuses this: see gobwrap --doctor\n"
	for _, c := range []struct {
		call        uint
		errno, want string
	}{
		{unix.SYS_SOCKETPAIR, "EMFILE", "gobwrap: Can't make a socket pair: Too many open files (EMFILE)\ngobwrap: hint: raise the limit on open files (ulimit -n)\n"},
		{unix.SYS_SOCKETPAIR, "ENFILE", "gobwrap: Can't make a socket pair: Too many open files in system (ENFILE)\ngobwrap: hint: the system, or the memory limit of the cgroup, has no more\n"},
		{unix.SYS_SOCKETPAIR, "EPERM", "gobwrap: Can't make a socket pair: Operation not permitted (EPERM)\n" + filter},
		{unix.SYS_SOCKETPAIR, "EOPNOTSUPP", "gobwrap: Can't make a socket pair: Operation not supported (EOPNOTSUPP)\n" + filter},
		{unix.SYS_SOCKETPAIR, "111", "gobwrap: Can't make a socket pair: errno 111\n"},
		{unix.SYS_CLONE, "EAGAIN", "gobwrap: Can't start the front end: Resource temporarily unavailable (EAGAIN)\ngobwrap: hint: the limit on processes is reached (ulimit -u, or pids.max of the cgroup)\n"},
	} {
		each(t, []identity{root, user}, func(t *testing.T, who identity) {
			wrap := []string{enosys, "-e", c.errno, "-n", fmt.Sprint(c.call), "--"}
			if o := (launch{who: who, wrap: wrap, args: append(box(), "/h/probe")}).run(t); o.Status != "1" || o.Stdout != "" || o.Stderr != c.want {
				t.Errorf("%s: want status 1 and %q: %s", c.errno, c.want, o)
			}
		})
	}
}
