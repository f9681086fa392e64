package setuid_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// powerlessKernels are those on which a user namespace gives no rights, whoever has made it: a
// call that takes a capability is refused in every one but the first. tests/vm has the same
// as a security module (the model strict).
func kernelsWithoutCaps() []defect {
	first, _ := os.Readlink("/proc/self/ns/user")
	below := func(errno unix.Errno) func(q question) unix.Errno {
		return func(q question) unix.Errno {
			if space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", q.pid)); err != nil || space == first {
				return 0
			}
			return errno
		}
	}
	return []defect{
		{name: "ids", nr: unix.SYS_SETRESGID, refuse: below(unix.EPERM)},
		{name: "uids", nr: unix.SYS_SETRESUID, refuse: below(unix.EPERM)},
	}
}

// TestPowerless: a user namespace that is only a wish is left out where it would be of no
// use, and nothing of the attempt stays; one that is asked for is refused with the reason.
func TestPowerless(t *testing.T) {
	t.Parallel()
	here, _ := os.Readlink("/proc/self/ns/user")
	for _, d := range kernelsWithoutCaps() {
		for _, options := range [][]string{
			{"--unshare-user-try"}, {"--unshare-user-try", "--dev", "/dev"}, {"--unshare-all"}, all(), all("--uid", fmt.Sprint(me)),
		} {
			args := append(byKeeper(append([]string{"--ro-bind", "/", "/"}, options...)...), "/bin/sh", "-c", "readlink /proc/self/ns/user; id -u; id -g")
			o := d.under(t, launch{args: args})
			o.OK(t, here+"\n12345\n12345\n")
		}
		o := d.under(t, launch{args: append(byKeeper(all("--bind", bait(t), "/b", "--tmpfs", "/t")...), "/h/witness", "report")})
		if complaint := powerless(o.Stdout); complaint != "" || o.Status != "0" {
			t.Errorf("%s: %s: %s", d.name, complaint, o)
		}
		for _, options := range [][]string{{"--unshare-user"}, {"--uid", "7"}, all("--gid", "7")} {
			o := d.under(t, launch{args: append(byKeeper(options...), "/h/probe", "echo", "in")})
			o.Refused(t, "root could make it, but has no capability in it")
			if !strings.HasPrefix(o.Stderr, "gobwrap: a user namespace (--unshare-user, --uid, --gid) is not possible in setuid mode: ") {
				t.Errorf("%s, %v: %s", d.name, options, o)
			}
		}
	}
}

// TestPowerlessLeavesNothing: the process for which the user namespace was of no use is
// reaped by the monitor, not by who adopts orphans.
func TestPowerlessLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, d := range kernelsWithoutCaps() {
		o := d.under(t, launch{args: append([]string{witness, "adopt"}, append(byKeeper("--unshare-user-try"), "/h/probe", "echo", "in")...)})
		o.OK(t, "in\nadopted: 0\n")
	}
}
