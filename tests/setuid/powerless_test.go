package setuid_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// kernelsWithoutCaps are kernels on which no user namespace gives capabilities, not even to root: calls that
// need one are refused in all user namespaces except the initial one, of which mount(2) is the first that
// set-up makes. tests/vm has a security module that does this (the model strict).
func kernelsWithoutCaps() []defect {
	return []defect{
		{name: "EPERM", nr: unix.SYS_MOUNT, refuse: below(unix.EPERM)},
		{name: "EACCES", nr: unix.SYS_MOUNT, refuse: below(unix.EACCES)},
	}
}

// below refuses a call in all user namespaces except the initial one.
func below(errno unix.Errno) func(q question) unix.Errno {
	first, _ := os.Readlink("/proc/self/ns/user")
	return func(q question) unix.Errno {
		if space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", q.pid)); err != nil || space == first {
			return 0
		}
		return errno
	}
}

// TestUserNamespaceUselessToRoot: on such kernels an optional user namespace is left out, and nothing of
// the attempt stays. A required one is refused with the reason.
func TestUserNamespaceUselessToRoot(t *testing.T) {
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

// TestUserNamespaceWithoutIDs: if root has capabilities in a user namespace but the user's ids are refused there, the
// launch ends with the reason, also if the user namespace is optional.
func TestUserNamespaceWithoutIDs(t *testing.T) {
	t.Parallel()
	for _, d := range []defect{
		{name: "gids", nr: unix.SYS_SETRESGID, refuse: below(unix.EPERM)},
		{name: "uids", nr: unix.SYS_SETRESUID, refuse: below(unix.EPERM)},
	} {
		for _, options := range [][]string{{"--unshare-user"}, {"--unshare-user-try"}, all("--uid", "7")} {
			o := d.under(t, launch{args: append(byKeeper(options...), "/h/probe", "echo", "in")})
			o.Refused(t, "root could make it, but has no capability in it")
		}
	}
}
