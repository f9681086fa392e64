package setuid_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// asMe is what stands in front of a program that root starts for the attacker.
var asMe = []string{"setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"}

// kernel is a launch on a model of another kernel: a user namespace with all ids mapped. Set-id bits give the
// rights of its root. That root runs prepare, which sets how many user namespaces there may be.
func kernel(l launch, prepare string) launch {
	l.wrap = slices.Concat(asMe, l.wrap)
	return kernelOfRoot(l, prepare)
}

// kernelOfRoot is kernel for what its root starts.
func kernelOfRoot(l launch, prepare string) launch {
	script := "mount --make-rprivate /\n" + strings.ReplaceAll(prepare, "AS-USER", strings.Join(asMe, " ")) + "\nexec \"$@\""
	l.who = nobody
	l.wrap = append([]string{"sh", "-ec", script, "sh"}, l.wrap...)
	change := l.change
	l.change = func(attr *syscall.SysProcAttr) {
		attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
		attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = ids, ids, true
		if change != nil {
			change(attr)
		}
	}
	return l
}

const (
	// nobodyMay is a kernel without user namespaces.
	nobodyMay = "echo 0 > /proc/sys/user/max_user_namespaces"
	// usedUp is a kernel on which the user already has as many user namespaces as permitted.
	usedUp = "echo 1 > /proc/sys/user/max_user_namespaces; x=$(AS-USER unshare -U sh -c 'sleep 1000 >/dev/null 2>&1 &')"
)

// kernels are those that refuse user namespaces, to all or to ordinary users. Each runs a
// launch.
func kernels() map[string]func(t *testing.T, l launch) outcome {
	return map[string]func(t *testing.T, l launch) outcome{
		"nobody-may": func(t *testing.T, l launch) outcome { return kernel(l, nobodyMay).run(t) },
		"root-may":   func(t *testing.T, l launch) outcome { return defects()[0].under(t, l) },
	}
}

// differing are the lines of the probe's facts and of the witness's report that tell one
// launch from another, or one mode from the other.
var differing = regexp.MustCompile(`(?m)^(pid|session|seccomp|arg|/proc/self/\S+|cpu|may set(res)?[ug]id): .*\n`)

// TestFallback: on a kernel that refuses user namespaces the launcher uses setuid mode by itself, and
// the result is the same as in direct mode on another kernel.
func TestFallback(t *testing.T) {
	t.Parallel()
	for name, on := range kernels() {
		for _, c := range []struct {
			name    string
			options []string
			files   []string // texts of descriptors from 3 on
			command []string
		}{
			{name: "report", command: []string{"/h/witness", "report"}},
			{name: "report-all", options: all(), command: []string{"/h/witness", "report"}},
			{name: "facts", command: []string{"/h/probe", "facts"}},
			{name: "facts-reaper", options: []string{"--unshare-pid"}, command: []string{"/h/probe", "facts"}},
			{name: "file", options: []string{"--file", "3", "/t/f", "--bind-data", "4", "/t/g", "--ro-bind-data", "5", "/t/h"}, files: []string{"one", "two", "three"}, command: []string{"/h/probe", "show", "/t/f", "show", "/t/g", "show", "/t/h"}},
			{name: "args", options: []string{"--args", "3", "--file", "4", "/t/y"}, files: []string{"--tmpfs\x00/new\x00--setenv\x00A\x00B\x00", "text"}, command: []string{"/h/probe", "writable", "/new", "show", "/t/y"}},
			{name: "own-files", options: []string{"--dir", "/b/mine/d", "--file", "3", "/b/mine/f", "--symlink", "x", "/b/mine/l"}, files: []string{"mine"}, command: []string{"/h/probe", "writable", "/b/mine", "show", "/b/mine/f"}},
			{name: "seccomp", options: []string{"--seccomp", "3"}, files: []string{"\x06\x00\x00\x00\x00\x00\xff\x7f"}, command: []string{"/h/witness", "report"}},
			{name: "status", options: []string{"--unshare-pid", "--new-session", "--die-with-parent"}, command: []string{"/h/probe", "raise", "15"}},
			{name: "descriptors", options: []string{"--sync-fd", "3"}, files: []string{"", "", ""}, command: []string{"/h/witness", "report"}},
			{name: "wish", options: []string{"--unshare-user-try"}, command: []string{"/h/witness", "report"}},
		} {
			t.Run(fmt.Sprint(name, "-", c.name), func(t *testing.T) {
				t.Parallel()
				run := func(program string, on func(t *testing.T, l launch) outcome) (outcome, string) {
					baitDir := bait(t)
					options := slices.Concat([]string{"--bind", baitDir, "/b", "--tmpfs", "/t"}, c.options)
					l := launch{args: append(box(program, options...), c.command...), files: texts(t, c.files)}
					was := snapshot(baitDir)
					o := on(t, l)
					if now := snapshot(baitDir); now != was {
						t.Errorf("files of the host have changed:\n%s", difference(was, now))
					}
					var left []string
					found, _ := filepath.Glob(baitDir + "/mine/*")
					for _, path := range found {
						left = append(left, filepath.Base(path))
					}
					return o, strings.Join(left, " ")
				}
				// The control: without setuid mode the launch fails there.
				if o, _ := run(gobwrap, on); o.Status == "0" || !strings.Contains(o.Stderr, "namespace") {
					t.Errorf("direct mode works on this kernel: %s", o)
				}
				want, files := run(gobwrap, func(t *testing.T, l launch) outcome { return l.run(t) })
				have, made := run(installed, on)
				all := have.Stdout
				want.Stdout, have.Stdout = differing.ReplaceAllString(want.Stdout, ""), differing.ReplaceAllString(have.Stdout, "")
				if want.Status != have.Status || want.Stdout != have.Stdout || have.Stderr != want.Stderr || files != made {
					t.Errorf("status %s, want %s; stderr %q; files %q, want %q\n%s\nof:\n%s", have.Status, want.Status, have.Stderr, made, files, difference(want.Stdout, have.Stdout), all)
				}
			})
		}
	}
}

// texts opens files with these contents.
func texts(t *testing.T, all []string) (files []*os.File) {
	t.Helper()
	for _, text := range all {
		f, err := os.CreateTemp(base, "text-")
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(f.Name())
		t.Cleanup(func() { _ = f.Close() })
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		_, _ = f.Seek(0, io.SeekStart)
		files = append(files, f)
	}
	return files
}

// TestUserNamespaceByRoot: --unshare-user works if root may make user namespaces, with the ids that are
// asked for. If root may not either, it is refused with a message.
func TestUserNamespaceByRoot(t *testing.T) {
	t.Parallel()
	ids := func(uid, gid string) string { return fmt.Sprintf("ids: %s %s %s %s\n", uid, uid, gid, gid) }
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"--unshare-user"}, ids("12345", "12345")},
		{[]string{"--unshare-user", "--uid", "0", "--gid", "0"}, ids("0", "0")},
		{[]string{"--unshare-user", "--uid", "7", "--gid", "8", "--unshare-pid", "--proc", "/proc", "--dev", "/dev"}, ids("7", "8")},
		{[]string{"--uid", "65534"}, ids("65534", "12345")},
	} {
		l := launch{args: append(box(installed, c.options...), "/h/probe", "facts")}
		if o := kernels()["root-may"](t, l); o.Status != "0" || o.Stderr != "" || !strings.Contains(o.Stdout, c.want) {
			t.Errorf("%v: want %s: %s", c.options, c.want, o)
		}
		kernel(l, nobodyMay).run(t).Refused(t, "")
	}
	// Mounts that are not locked do not propagate to the host either: pivot_root(2) refuses a new root that
	// propagates.
	kernel(launch{args: append(box(installed, "--tmpfs", "/t"), "/h/probe", "echo", "in")}, nobodyMay+"; mount --make-rshared /").run(t).OK(t, "in\n")
	// An exceeded limit is not a refusal of the kernel's: it is reported, and setuid mode is not tried.
	kernel(launch{args: append(box(installed), "/h/probe", "facts")}, usedUp).run(t).Refused(t, "exceeded")
}

// TestDirectModeIsTriedFirst: if the kernel permits user namespaces, the keeper ends without having
// done anything, and options that setuid mode refuses work.
func TestDirectModeIsTriedFirst(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	for _, options := range [][]string{
		{"--cap-add", "CAP_NET_RAW"},
		{"--unshare-user", "--disable-userns"},
		{"--overlay-src", base + "/bin", "--tmp-overlay", "/o"},
		{"--overlay-src", base + "/bin", "--overlay-src", dir, "--ro-overlay", "/o"},
		{"--not-a-security-boundary"},
	} {
		launch{args: append(box(installed, options...), "/h/probe", "echo", "in")}.run(t).OK(t, "in\n")
		launch{args: append(byKeeper(options...), "/h/probe", "echo", "in")}.run(t).Refused(t, "is not possible in setuid mode")
	}
	here, _ := os.Readlink("/proc/self/ns/user")
	o := launch{args: append(box(installed, "--ro-bind", "/", "/", "--bind", dir, "/mnt"), "/bin/readlink", "/proc/self/ns/user")}.run(t)
	if o.Status != "0" || o.Stdout == here+"\n" || !strings.HasPrefix(o.Stdout, "user:[") {
		t.Errorf("the command is not in a user namespace: %s", o)
	}
	o = launch{args: append(byKeeper("--ro-bind", "/", "/"), "/bin/readlink", "/proc/self/ns/user")}.run(t)
	o.OK(t, here+"\n")

	// While the command runs, no process of the launch has capabilities.
	for _, args := range [][]string{box(installed, all()...), byKeeper(all()...)} {
		cmd := launch{args: append(args, "/h/witness", "pause")}.command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		command := func() bool {
			pids := proc.Tree(cmd.Process.Pid)
			return proc.Field(pids[len(pids)-1], "Name") == "witness"
		}
		if !harness.Until(func() bool { return command() && len(proc.Tree(cmd.Process.Pid)) == 3 }) {
			t.Errorf("%v: want monitor, PID 1 and the command: %s", args, describe(proc.Tree(cmd.Process.Pid)))
		}
		for _, pid := range proc.Tree(cmd.Process.Pid) {
			outside, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid))
			if hasCaps(pid) && outside == here {
				t.Errorf("%v: a process has capabilities: %s", args, procSummary(pid))
			}
		}
		for _, pid := range proc.Tree(cmd.Process.Pid) {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		_ = cmd.Wait()
		if err := noneLeftOf(cmd.Process.Pid); err != nil {
			t.Error(err)
		}
	}
}
