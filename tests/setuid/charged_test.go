package setuid_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// fewNamespaces is a host with all ids on which each user may have four namespaces of these kinds.
func fewNamespaces(kinds, script string) launch {
	every := []syscall.SysProcIDMap{{Size: 1<<32 - 1}}
	return kernelOfRoot(launch{
		args:   []string{"sh", "-c", script, "sh", installed, base},
		dir:    base,
		change: func(attr *syscall.SysProcAttr) { attr.UidMappings, attr.GidMappings = every, every },
	}, "cd /proc/sys/user; for f in max_"+kinds+"_namespaces; do echo 4 > $f; done; cd /")
}

// sandboxes defines a shell function: "sandbox UID NAME" starts a sandbox that keeps running, and prints its
// first line of output.
const sandboxes = `launcher=$1; cd $2; d=$(mktemp -d); chmod 1777 $d
sandbox() {
	mkfifo -m 0666 $d/$2
	setpriv --reuid $1 --regid $1 --clear-groups -- $launcher --mode setuid --unshare-all --ro-bind / / sh -c 'echo in; exec sleep 1000' > $d/$2 2>&1 &
	head -n 1 $d/$2
}
`

// TestNamespacesAreCounted: the namespaces of sandboxes are counted for their users' owner ids. So no user
// can use up root's, and a user who has reached the limit gets no sandbox, rather than one whose
// mounts are not locked.
func TestNamespacesAreCounted(t *testing.T) {
	t.Parallel()
	const end = "rm -r $d"
	fewNamespaces("*", sandboxes+"for u in 1 2 3 4 5 6; do sandbox 2000$u $u; done; "+end).run(t).OK(t, strings.Repeat("in\n", 6))
	o := fewNamespaces("user", sandboxes+"for n in 1 2 3 4 5; do sandbox 20001 $n; done; sandbox 20002 other; "+end).run(t)
	lines := strings.Split(strings.TrimSpace(o.Stdout), "\n")
	if len(lines) != 6 || lines[0] != "in" || lines[5] != "in" || !strings.Contains(lines[4], "exceeded") {
		t.Errorf("want some sandboxes, then no more, and one of another user: %s", o)
	}
}

// TestOwnerOfTheLocks: the user namespace that locks the mounts also belongs to the owner id, not to an id
// that the user can take.
func TestOwnerOfTheLocks(t *testing.T) {
	t.Parallel()
	for who, want := range map[uint32]uint32{me: suid.Owner(me), suid.FirstOwner: 0} {
		cmd := launch{who: who, args: append(byKeeper(), "/h/witness", "pause")}.command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := settled(t, cmd.Process.Pid)
		mounts, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid))
		if err != nil {
			t.Fatal(err)
		}
		space, _, e := unix.Syscall(unix.SYS_IOCTL, mounts.Fd(), unix.NS_GET_USERNS, 0)
		if e != 0 {
			t.Fatal(e)
		}
		locks := os.NewFile(space, "user namespace")
		if owner := ownerOf(t, locks); owner != want {
			t.Errorf("uid %d: the owner is %d, want %d", who, owner, want)
		}
		_, _ = locks.Close(), mounts.Close()
		_ = killGroup(cmd.Process.Pid)
		_ = cmd.Wait()
	}
}

// TestQueuesAreTheUsers: a new file system of message queues belongs to the user.
func TestQueuesAreTheUsers(t *testing.T) {
	t.Parallel()
	args := append(byKeeper("--ro-bind", "/", "/", "--unshare-ipc", "--tmpfs", "/tmp", "--mqueue", "/tmp/q"), "stat", "-c", "%u", "/tmp/q")
	launch{args: args}.run(t).OK(t, "12345\n")
}
