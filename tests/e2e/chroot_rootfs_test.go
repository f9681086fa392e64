package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// many is a sandbox with something of every kind: binds of directories and files, a relative
// source, data, a new file system of each kind. What dir has is in it.
func many(who identity, dir string) []string {
	options := all(
		"--tmpfs", "/t", "--ro-bind", dir, "/d", "--bind", "./sub/..//file", "/t/file", "--ro-bind-data", "3", "/t/data",
		"--file", "4", "/t/copy", "--symlink", "copy", "/t/link", "--dir", "/t/a/b", "--chmod", "0700", "/t/a", "--hostname", "inside",
	)
	if !who.setuid {
		options = append(options, "--overlay-src", dir+"/sub", "--tmp-overlay", "/o")
	}
	return options
}

// looking is what shows that it is there, and what is said of it.
const looked = "one\none\ntwo\nthree\n"

func looking() []string {
	return []string{"/h/probe", "show", "/d/file", "show", "/t/file", "show", "/t/data", "show", "/t/link", "show", "/proc/self/mountinfo"}
}

// tellsOfOutside checks that the tree is complete, and that mountinfo names nothing that
// stands around it.
func (o outcome) complete(t *testing.T) {
	t.Helper()
	if o.Status != "0" || o.Stderr != "" || !strings.HasPrefix(o.Stdout, looked) || strings.Contains(o.Stdout, "oldroot") {
		t.Error(o)
	}
}

// sourceFiles are the descriptors 3 and 4 of many.
func sourceFiles(t *testing.T, dir string) []*os.File {
	t.Helper()
	return []*os.File{open(t, dir+"/two"), open(t, dir+"/three")}
}

const sources = "mkdir sub; echo one > file; echo two > two; echo three > three; echo four > sub/four"

// TestNoChroot: a filter that refuses chroot(2), or root without the capability for it,
// keeps nobody from making a sandbox: bubblewrap does not need it either.
func TestNoChroot(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := who.scratch(t)
		who.shell(t, dir, sources)
		for _, errno := range []string{"EOPNOTSUPP", "EPERM", "ENOSYS"} {
			wrap := slices.Concat([]string{enosys, "-e", errno, "-n", fmt.Sprint(unix.SYS_CHROOT), "--"}, e.Wrap)
			args := slices.Concat(box(many(who, dir)...), looking())
			launch{who: who, dir: dir, wrap: wrap, args: args, files: sourceFiles(t, dir)}.run(t).complete(t)
			args = append(box("--ro-bind", "/", "/", "--tmpfs", base, "--ro-bind", base+"/bin", base+"/bin"), probe, "echo", "in")
			launch{who: who, wrap: wrap, args: args}.run(t).OK(t, "in\n")
			args = append(box("--bind", dir+"/missing", "/x"), "/h/probe")
			launch{who: who, wrap: wrap, args: args}.run(t).Refused(t, "Can't find source path "+dir+"/missing: No such file or directory")
		}
		if who == root {
			wrap := append([]string{"setpriv", "--bounding-set", "-sys_chroot", "--inh-caps", "-sys_chroot", "--"}, e.Wrap...)
			args := slices.Concat(box(many(who, dir)...), looking())
			launch{who: who, dir: dir, wrap: wrap, args: args, files: sourceFiles(t, dir)}.run(t).complete(t)
		}
	})
}

// TestRootfs: where the root is the kernel's first file system, as on a machine that stays
// in its initramfs, pivot_root(2) cannot take it away; sandboxes are made nevertheless.
// Nothing inside leads to what is under the new root; a command that could take that away
// is refused.
func TestRootfs(t *testing.T) {
	t.Parallel()
	here := launch{who: root, args: []string{rootfs, base, probe, "echo", "here"}}.run(t)
	if here.Status == "77" {
		t.Skip("the kernel's first file system cannot be had here: ", here.Stderr)
	}
	here.OK(t, "here\n")
	onRootfs := []string{rootfs, base}
	if o := (launch{who: root, wrap: onRootfs, args: []string{probe, "show", "/proc/self/mountinfo"}}).run(t); !strings.Contains(o.Stdout, " / / ") {
		t.Fatalf("the root is another one: %s", o)
	}
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := who.scratch(t)
		who.shell(t, dir, sources)
		run := func(options, command []string) outcome {
			l := behind(who, e, onRootfs, options, command)
			l.wrap = append(slices.Clone(l.wrap[:2]), append([]string{probe, "in", dir, "exec"}, l.wrap[2:]...)...)
			l.files = sourceFiles(t, dir)
			return l.run(t)
		}
		options := many(who, dir)
		if who == root {
			options = append(options, "--cap-drop", "CAP_SYS_ADMIN") // --unshare-all makes a user namespace
		}
		run(options, looking()).complete(t)
		// The whole root, with what is mounted on it and without what is in the way.
		run([]string{"--ro-bind", "/", "/", "--tmpfs", dir}, []string{probe, "echo", "in"}).OK(t, "in\n")
		o := run([]string{"--bind", "/", "/", "--proc", "/proc"}, []string{probe, "show", "/proc/self/mountinfo"})
		if o.Status != "0" || strings.Contains(o.Stdout, "newroot") || !strings.Contains(o.Stdout, " "+base+" ") {
			t.Errorf("the root in itself: %s", o)
		}
		for _, more := range [][]string{nil, {"--unshare-user", "--cap-drop", "ALL"}} {
			if who == setuid {
				more = more[:min(len(more), 1)] // --cap-drop is what it does anyway
			}
			o := run(more, []string{"/h/probe", "reveal"})
			if o.Status != "0" || !strings.Contains(o.Stdout, "umount: E") {
				t.Errorf("%v: %s", more, o)
			}
		}
		if who == setuid {
			return
		}
		admin := []string{"--unshare-user", "--cap-add", "CAP_SYS_ADMIN"}
		run(admin, []string{"/h/probe"}).Refused(t, "pivot_root: Operation not permitted")
		if who == user { // whose capabilities are then those of a nested user namespace
			if o := run(append(admin, "--dev", "/dev"), []string{"/h/probe", "echo", "in"}); o.Status != "0" || o.Stdout != "in\n" {
				t.Error(o) // a warning says that they do not count
			}
		} else {
			run([]string{"--unshare-user"}, []string{"/h/probe"}).Refused(t, "pivot_root: Operation not permitted")
		}
		run([]string{"--unshare-user", "--cap-drop", "ALL", "--cap-add", "CAP_SYS_CHROOT"}, []string{"/h/probe", "echo", "in"}).OK(t, "in\n")
		if who != user {
			return
		}
		inner := []string{"/h/gobwrap", "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc", "--dev", "/dev", "--"}
		run(all(), slices.Concat(inner, inner, []string{"/h/probe", "echo", "deep"})).OK(t, "deep\n")
	})
}
