package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// cgroups is a mount of cgroup version 2, which goes with the suite's mount namespace.
func cgroups(t *testing.T) string {
	t.Helper()
	dir := root.scratch(t)
	if err := unix.Mount("none", dir, "cgroup2", 0, ""); err != nil {
		t.Skipf("no cgroup version 2 here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// delegated is a cgroup below top with two others in it, run and box, which belong to who.
func delegated(t *testing.T, top string, who identity) string {
	t.Helper()
	dir := filepath.Join(top, fmt.Sprintf("gobwrap-e2e-%d-%d", harness.Number(), time.Now().UnixNano()))
	for i, d := range []string{dir, dir + "/run", dir + "/box"} {
		if i == 0 {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
			who.own(t, d, d+"/cgroup.procs")
		} else {
			who.shell(t, dir, "mkdir "+d) // all files in it are who's
		}
		t.Cleanup(func() {
			if !harness.Until(func() bool { return unix.Rmdir(d) != unix.EBUSY }) {
				t.Errorf("%s is not empty", d)
			}
		})
	}
	return dir
}

// launchIn is a launch by a process in the cgroup run of dir, with box open as descriptor 3.
func launchIn(t *testing.T, dir string, l launch) outcome {
	t.Helper()
	l.host = "echo $$ >" + dir + "/run/cgroup.procs"
	l.files = []*os.File{open(t, dir+"/box")}
	return l.run(t)
}

// TestCgroup: the sandbox starts in the cgroup, and the launcher does not; at the time-out all that
// is in it ends; and setuid mode refuses it by name.
func TestCgroup(t *testing.T) {
	t.Parallel()
	top := cgroups(t)
	eachWay(t, func(t *testing.T, v via) {
		if v.mode == "setuid" {
			dir := delegated(t, top, v.who)
			launchIn(t, dir, launch{who: v.who, args: v.inShell("echo ran", "--cgroup", "3")}).notInSetuid(t, "--cgroup")
			return
		}
		for name, options := range map[string][]string{"": nil, "pid": {"--unshare-pid", "--proc", "/proc"}, "lock": {"--lock-file", "/etc/passwd"}} {
			dir := delegated(t, top, v.who)
			options = append(options, "--cgroup", "3", "--usage", "--json-status-fd", "2")
			out := launchIn(t, dir, launch{who: v.who, args: v.inShell("grep ^0: /proc/self/cgroup; test -e /proc/$$/fd/3 || echo closed", options...)})
			if want := "/box\nclosed\n"; !strings.HasSuffix(out.Stdout, want) || !strings.Contains(out.Stderr, `"ended-by": "exit"`) {
				t.Errorf("%s: %v, want %q", name, out, want)
			}
		}
		dir := delegated(t, top, v.who)
		mark := fmt.Sprint(1e6 + time.Now().UnixNano()%1e9)
		script := "trap '' TERM; (setsid sleep " + mark + " &); sleep " + mark
		out := ignoringTERM(func(limit string) outcome {
			return launchIn(t, dir, launch{who: v.who, args: v.inShell(script, "--cgroup", "3", "--timeout", limit)})
		})
		if out.Status != "137" {
			t.Error(out)
		}
		if !harness.Until(func() bool { return exec.Command("pgrep", "-f", "^sleep "+mark).Run() != nil }) {
			t.Error("something is left")
		}
	})
}

// TestCgroupRefused: what is not a cgroup, and one that the caller may not enter, is an error that
// says so, and the command does not run.
func TestCgroupRefused(t *testing.T) {
	t.Parallel()
	top := cgroups(t)
	old := root.scratch(t)
	haveOld := unix.Mount("none", old, "cgroup", 0, fmt.Sprintf("none,name=gobwrap-e2e-%d", harness.Number())) == nil
	if haveOld {
		t.Cleanup(func() { _ = unix.Unmount(old, unix.MNT_DETACH) })
	}
	eachWay(t, func(t *testing.T, v via) {
		if v.mode == "setuid" {
			return
		}
		dir := delegated(t, top, v.who)
		gone := filepath.Join(dir, "gone")
		if err := os.Mkdir(gone, 0o755); err != nil {
			t.Fatal(err)
		}
		removed := open(t, gone)
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
		type row struct {
			file *os.File
			want string
		}
		rows := []row{
			{open(t, "/etc"), "which is not a cgroup"},
			{open(t, "/dev/null"), "which is not a cgroup"},
			{open(t, dir+"/box/cgroup.procs"), "which is a file in a cgroup and not its directory"},
			{removed, "hint: the cgroup has been removed"},
		}
		if haveOld {
			rows = append(rows, row{open(t, old), "which is one of version 1"})
		}
		if v.who == user {
			rows = append(rows, row{open(t, delegated(t, top, root)), "Permission denied\ngobwrap: hint: it takes write permission for cgroup.procs"})
		}
		for _, r := range rows {
			for _, more := range [][]string{nil, {"--unshare-all"}} {
				out := launch{who: v.who, args: v.inShell("echo ran", slices.Concat(more, []string{"--cgroup", "3"})...), files: []*os.File{r.file}}.run(t)
				if out.Status != "1" || out.Stdout != "" || !strings.Contains(out.Stderr, "Can't start in the cgroup of fd 3") || !strings.Contains(out.Stderr, r.want) {
					t.Errorf("%v, want %q", out, r.want)
				}
			}
		}
		out := launch{who: v.who, args: v.inShell("echo ran", "--cgroup", "9")}.run(t)
		out.Refused(t, "--cgroup: fd 9 is not open")
		out = launchIn(t, dir, launch{who: v.who, wrap: []string{enosys, "-n", "435"}, args: v.inShell("echo ran", "--cgroup", "3")})
		out.hinted(t, "Can't start in the cgroup of fd 3: Function not implemented", "this takes clone3(2) of Linux 5.7")
	})
}
