package e2e_test

import (
	"strings"
	"testing"
)

// TestNotASecurityBoundary: a submount that cannot be made read-only is an error, and a
// warning with --not-a-security-boundary; the mount itself must be, either way. The
// filter refuses recursive changes of flags (AT_RECURSIVE|AT_EMPTY_PATH).
func TestNotASecurityBoundary(t *testing.T) {
	t.Parallel()
	refuse := []string{enosys, "-e", "EPERM", "-n", "442:2=0x9000"}
	eachWho(t, func(t *testing.T, who identity) {
		args := []string{gobwrap, "--ro-bind", "/", "/", "--", "sh", "-c", "echo ran; touch /tmp/x"}
		launch{who: who, wrap: refuse, args: args}.run(t).Refused(t, "Can't bind mount / on /newroot/")

		args = append([]string{gobwrap, "--level-prefix", "--not-a-security-boundary"}, args[1:]...)
		o := launch{who: who, wrap: refuse, args: args}.run(t)
		if who.setuid { // what stays open would be open by root's hand
			if o.Status != "1" || o.Stdout != "" || !strings.HasPrefix(o.Stderr, "<3>gobwrap: --not-a-security-boundary is not possible in setuid mode: ") {
				t.Error(o)
			}
			return
		}
		if o.Stdout != "ran\n" || o.Status == "0" || !strings.Contains(o.Stderr, "<4>gobwrap: Can't bind mount / on /newroot/: Unable to remount a mount below it") {
			t.Error(o)
		}
		if !strings.Contains(o.Stderr, "Read-only file system") {
			t.Errorf("the mount itself is not read-only: %v", o)
		}

		// Where even that is refused, nothing may run.
		all := []string{enosys, "-e", "EPERM", "-n", "442:2=0x9000", "-n", "442:2=0x1000"}
		o = launch{who: who, wrap: all, args: args}.run(t)
		if o.Status != "1" || o.Stdout != "" || !strings.Contains(o.Stderr, "<3>gobwrap: Can't bind mount / on /newroot/") {
			t.Error(o)
		}
	})
}
