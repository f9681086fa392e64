package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A filter that kills, as systemd's SystemCallFilter= does by default, kills set-up at a
// call that it does not permit. That is said, and the status is the launcher's own: not
// that of a command that was killed.
func TestFilterKillsSetUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		call    uint
		options []string
	}{
		{"mount", unix.SYS_MOUNT, nil},
		{"pivot_root", unix.SYS_PIVOT_ROOT, nil},
		{"open_tree", unix.SYS_OPEN_TREE, nil},
		{"mount_setattr", unix.SYS_MOUNT_SETATTR, []string{"--unshare-pid", "--proc", "/proc", "--dev", "/dev"}},
		{"sethostname", unix.SYS_SETHOSTNAME, []string{"--unshare-uts", "--hostname", "x"}},
		{"setsid", unix.SYS_SETSID, []string{"--new-session"}},
		{"setsid below init", unix.SYS_SETSID, []string{"--new-session", "--unshare-pid"}},
		{"capset", unix.SYS_CAPSET, []string{"--unshare-user"}},
		{"mkdirat", unix.SYS_MKDIRAT, []string{"--dir", "/x/y"}},
		{"symlinkat", unix.SYS_SYMLINKAT, []string{"--symlink", "a", "/b", "--unshare-pid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachWho(t, func(t *testing.T, who identity) {
				if who.name == "setuid" && c.call == unix.SYS_CAPSET {
					t.Log("capset is called before anything is read there: the launcher itself is killed")
					return
				}
				wrap := []string{enosys, "-e", "KILL", "-n", fmt.Sprint(c.call), "--"}
				for status, options := range map[string][]string{"1": nil, "42": {"--setup-exit-status", "42"}} {
					o := launch{who: who, wrap: wrap, args: append(box(append(options, c.options...)...), "/h/probe", "echo", "ran")}.run(t)
					if complaint := o.Message("gobwrap"); complaint != "" || o.Status != status || o.Stdout != "" ||
						!strings.HasPrefix(o.Stderr, "gobwrap: killed before the command ran\ngobwrap: hint: this process runs under a seccomp filter") {
						t.Errorf("want status %s, a sentence and a hint: %s: %s", status, complaint, o)
					}
				}
			})
		})
	}
}

// A command that such a filter kills is killed as any other: nothing is said.
func TestFilterKillsCommand(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		wrap := []string{enosys, "-e", "KILL", "-n", fmt.Sprint(unix.SYS_REBOOT), "--"}
		for _, options := range [][]string{nil, {"--unshare-pid"}, {"--setup-exit-status", "42"}} {
			args := append(box(options...), "/h/enosys", "-e", "KILL", "-n", fmt.Sprint(unix.SYS_WRITE), "--", "/h/probe", "echo", "ran")
			if o := (launch{who: who, wrap: wrap, args: args}).run(t); o.Status != "159" || o.Stdout+o.Stderr != "" {
				t.Errorf("%v: want status 159 and silence: %s", options, o)
			}
		}
	})
}
