package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// automount is what stands in front of a program for an automount on dir, in a namespace of
// the program's own whose mounts are shared, as systemd has them. log gets a byte a request.
func automount(who identity, dir, answer, log string) []string {
	return []string{"unshare", "-m", "sh", "-ec", `mount --make-rshared /; exec "$@"`, "sh", autofs, dir, fmt.Sprint(who.id), answer, log}
}

// TestAutomounts: what an automount stands for is mounted before it is bound, and bound with
// the flags of the bind; what the daemon does not have does not exist. Automounts below a
// source, and those that are covered, are left alone.
func TestAutomounts(t *testing.T) {
	t.Parallel()
	needs(t, "autofs")
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		root.shell(t, dir, "mkdir -p in/auto")
		auto := dir + "/in/auto"
		run := func(answer string, requests int, options []string, command ...string) outcome {
			t.Helper()
			log := filepath.Join(dir, "log")
			_ = os.Remove(log)
			o := behind(who, e, automount(who, auto, answer, log), options, append([]string{"/h/probe"}, command...)).run(t)
			if made, err := os.ReadFile(log); err != nil || len(made) != requests {
				t.Errorf("%s %q: %d requests to the daemon, want %d (%v)", answer, options, len(made), requests, err)
			}
			return o
		}
		for _, source := range []string{auto, auto + "/"} {
			o := run("ok", 1, []string{"--ro-bind", source, "/m"}, "writable", "/m")
			if o.Status != "0" || o.Stderr != "" || !strings.Contains(o.Stdout, "EROFS") || strings.Contains(o.Stdout, ": ok") {
				t.Errorf("read-only: %s", o)
			}
		}
		o := run("ok", 1, []string{"--bind", auto, "/m", "--proc", "/proc"}, "show", "/proc/self/mountinfo")
		if flags := mountFlags(o.Stdout, ""); o.Status != "0" || !slices.Contains(flags["m"], "nosuid") || !slices.Contains(flags["m"], "nodev") {
			t.Errorf("flags: %v: %s", flags["m"], o.Stderr)
		}
		if !who.setuid {
			run("ok", 1, []string{"--overlay-src", auto, "--tmp-overlay", "/m"}, "echo", "in").OK(t, "in\n")
		}
		run("fail", 1, []string{"--ro-bind-try", auto, "/m"}, "echo", "in").OK(t, "in\n")
		run("fail", 1, []string{"--ro-bind", auto, "/m"}).Refused(t, fmt.Sprintf("Can't find source path %s: No such file or directory", auto))
		for _, options := range [][]string{
			{"--ro-bind", dir, "/d"},
			{"--bind", dir, "/d"},
			{"--bind", dir, "/d", "--tmpfs", "/d/in/auto"},
			{"--bind", dir, "/d", "--ro-bind", base + "/bin", "/d/in/auto"},
		} {
			run("fail", 0, options, "echo", "in").OK(t, "in\n")
		}
	})
}
