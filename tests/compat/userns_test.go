package compat

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// holdIDs starts a user namespace in which the caller is 0 and 1 to 100 are other ids, and
// returns it as descriptor 11.
func (o on) holdIDs(t *testing.T) []fdSpec {
	t.Helper()
	pid := o.hold(t, "unshare", "--user")
	for file, own := range map[string]uint32{"uid_map": o.who.uid, "gid_map": o.who.gid} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file), fmt.Appendf(nil, "0 %d 1\n1 300000 100\n", own), 0); err != nil {
			t.Fatal(err)
		}
	}
	return []fdSpec{{11, "read", fmt.Sprintf("/proc/%d/ns/user", pid)}}
}

// --uid and --gid choose among the ids of a given user namespace. The caller's own number,
// which it does not map, changes nothing.
func TestIDsInAGivenUserNamespace(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		fds := o.holdIDs(t)
		for options, want := range map[string]string{
			"":                                    "uid: 0 0 0 0\ngid: 0 0 0 0\n",
			"--gid 8":                             "uid: 0 0 0 0\ngid: 8 8 8 8\n",
			"--gid 8 --unshare-pid --proc /proc":  "uid: 0 0 0 0\ngid: 8 8 8 8\n",
			"--gid 8 --unshare-net --dev /dev":    "uid: 0 0 0 0\ngid: 8 8 8 8\n",
			"--uid 0 --gid 0":                     "uid: 0 0 0 0\ngid: 0 0 0 0\n",
			fmt.Sprintf("--uid %d", o.who.uid):    "uid: 0 0 0 0\ngid: 0 0 0 0\n",
			fmt.Sprintf("--gid %d", o.who.gid):    "uid: 0 0 0 0\ngid: 0 0 0 0\n",
			"--gid 8 --gid 9 --cap-add CAP_CHOWN": "uid: 0 0 0 0\ngid: 9 9 9 9\n",
		} {
			r := o.run(t, &testCase{run: "$B --userns 11 " + options + " -- /v ids", fds: fds})
			if r.status != "0" || !strings.HasPrefix(r.stdout, want) {
				t.Errorf("%q: status %s, stdout %q, stderr %q", options, r.status, r.stdout, r.stderr)
			}
		}
		for options, want := range map[string]string{
			"--uid 101":         "unable to switch to uid 101: Invalid argument",
			"--gid 101":         "unable to switch to gid 101: Invalid argument",
			"--uid 0 --gid 101": "unable to switch to gid 101: Invalid argument",
		} {
			r := o.run(t, &testCase{run: "$B --userns 11 " + options + " -- /v echo ran", fds: fds})
			if r.status != "1" || r.stdout != "" || !strings.Contains(r.stderr, want) {
				t.Errorf("%q: status %s, stdout %q, stderr %q", options, r.status, r.stdout, r.stderr)
			}
		}
	})
}

// The reference switches before set-up, which then lacks the capabilities for it.
func TestUIDInAGivenUserNamespace(t *testing.T) {
	deliberate(t, "userns-uid", func(t *testing.T, o on) bool {
		fds, same := o.holdIDs(t), true
		for _, more := range []string{"", "--unshare-pid --proc /proc --dev /dev", "--die-with-parent --dir /d --tmpfs /t"} {
			r := o.run(t, &testCase{run: "$B --userns 11 --uid 7 --gid 8 " + more + " -- /v ids", fds: fds})
			same = same && r.status == "0" && strings.HasPrefix(r.stdout, "uid: 7 7 7 7\ngid: 8 8 8 8\n")
		}
		return same
	})
}

// The last of several --userns counts, and nobody looks at the others.
func TestLastUserNamespaceCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		fds := o.holdIDs(t)
		for options, want := range map[string]string{"--userns 11 --userns 50": "1", "--userns 50 --userns 11": "0"} {
			r := o.run(t, &testCase{run: "$B " + options + " -- /v ids", fds: fds})
			if r.status != want || strings.HasPrefix(r.stdout, "uid: 0 0 0 0\n") != (want == "0") ||
				!strings.Contains(r.stderr, "Only the last --userns option will take effect") {
				t.Errorf("%s: status %s, stdout %q, stderr %q", options, r.status, r.stdout, r.stderr)
			}
		}
	})
}
