package ranges_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// pivot makes a new root and goes over to it.
const pivot = `mount -t tmpfs new /mnt; cd /mnt; mkdir old usr proc dev
mount --rbind /usr usr; ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64; mount --rbind /dev dev
mount -t proc proc proc
pivot_root . old; cd /; umount -l /old; rmdir /old
echo $(ls /); id -u; echo > /dev/null; echo $$`

// TestLikeUnshare: the one-line equivalent of "unshare --user --map-root-user --mount-proc
// --pid --fork", in which a root can be changed like there.
func TestLikeUnshare(t *testing.T) {
	t.Parallel()
	const want = "bin dev lib lib64 proc sbin usr\n0\n1\n"
	unshare := []string{"unshare", "--user", "--map-root-user", "--mount-proc", "--pid", "--fork"}
	ours := []string{gobwrap, "--map-root-user", "--cap-add", "ALL", "--unshare-pid", "--as-pid-1", "--dev-bind", "/", "/", "--proc", "/proc", "--"}
	launch{who: bare, args: append(unshare, "sh", "-ec", pivot)}.run(t).OK(t, want)
	for _, e := range testcmd.Engines(t, enosys) {
		launch{who: bare, wrap: e.Wrap, args: append(slices.Clone(ours), "sh", "-ec", pivot)}.run(t).OK(t, want)
	}
	// The rest of what can be seen is the same, except for NoNewPrivs and inherited
	// capabilities.
	const facts = `id -u; id -g; id -G; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status; ls -ld /proc/1 | cut -c1-10; echo $$; hostname; ls /sys/class/net`
	theirs := launch{who: bare, args: append(unshare, "sh", "-ec", facts)}.run(t)
	launch{who: bare, args: append(ours, "sh", "-ec", facts)}.run(t).OK(t, theirs.Stdout)
	if !strings.HasPrefix(theirs.Stdout, "0\n0\n") {
		t.Errorf("the control: %s", theirs)
	}
}

// TestPivotWithRanges: the same where several ids are mapped.
func TestPivotWithRanges(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		o := launch{who: who, args: []string{
			gobwrap, "--map-auto", "--map-root-user", "--cap-add", "ALL", "--unshare-pid", "--as-pid-1", "--dev-bind", "/", "/", "--proc", "/proc", "--",
			"sh", "-ec", pivot + "; chown 33:33 /usr2 2>&- || : > /f; chown 33:33 /f; stat -c %u:%g /f",
		}}.run(t)
		o.OK(t, "bin dev lib lib64 proc sbin usr\n0\n1\n33:33\n")
	}
}
