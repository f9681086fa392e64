package e2e_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// behind is a command line of who's launcher that runs inside of what root has set up: the
// step down to the user comes after it.
func behind(who identity, e engine, setUp, options, command []string) launch {
	words := slices.Concat(who.launcher(), box(options...)[1:], command)
	wrap := slices.Concat(setUp, e.Wrap)
	if who.id != 0 {
		wrap = append(wrap, probe, "become", fmt.Sprint(who.id), "exec")
	}
	return launch{who: root, wrap: wrap, args: words}
}

// covering are the operations that put something on a directory that is there, but what
// setuid mode refuses.
func covering(who identity, dir, dst string) [][]string {
	list := [][]string{
		{"--tmpfs", dst},
		{"--ro-bind", dir, dst},
		{"--bind", dir, dst},
		{"--unshare-pid", "--proc", dst},
		{"--proc", dst},
		{"--dev", dst},
		{"--unshare-ipc", "--mqueue", dst},
		{"--dir", dst},
	}
	if !who.setuid {
		list = append(list, []string{"--overlay-src", dir, "--tmp-overlay", dst})
	}
	return list
}

// TestUnseenDestinations: a directory or file that set-up may not look at, since it is the
// root of another user's FUSE mount, or of one whose server is dead or answers with an error,
// is covered like any other.
func TestUnseenDestinations(t *testing.T) {
	t.Parallel()
	needsFUSE(t)
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		root.shell(t, dir, "mkdir x over; : > f; : > over/there; echo data > data; chmod -R a+rX .")
		other := uint32(54321)
		errors := []string{strconv.Itoa(int(unix.EACCES)), "dead"}
		if e.Name != "refused" {
			for _, errno := range []unix.Errno{unix.ENOTCONN, unix.EIO, unix.ESTALE, unix.EHOSTDOWN, unix.EPERM, unix.ETIMEDOUT} {
				errors = append(errors, strconv.Itoa(int(errno)))
			}
		}
		for _, failure := range errors {
			owner := who.id
			if failure == errors[0] { // not by an answer: it is not the user's
				owner, failure = other, "0"
			}
			front := func(more ...string) []string {
				return slices.Concat([]string{"env", "FUSEFS_ERROR=" + failure}, more, []string{"unshare", "-m", "--propagation", "private", fusefs})
			}
			mounted := append(front(), dir+"/x", fmt.Sprint(owner))
			if o := behind(who, engine{}, mounted, []string{"--ro-bind", dir + "/x", "/x"}, []string{"/h/probe"}).run(t); o.Status != "1" {
				t.Fatalf("errno %s: the directory can be looked at, so that this shows nothing: %s", failure, o)
			}
			for _, options := range covering(who, dir+"/over", "/d/x") {
				o := behind(who, e, mounted, slices.Concat([]string{"--ro-bind", dir, "/d"}, options), []string{"/h/probe", "echo", "in"}).run(t)
				if o.Status != "0" || o.Stdout != "in\n" || o.Stderr != "" {
					t.Errorf("errno %s: %q: %s", failure, options, o)
				}
			}
			o := behind(who, e, mounted, []string{"--ro-bind", dir, "/d", "--ro-bind", dir + "/data", "/d/x"}, []string{"/h/probe"}).run(t)
			o.Refused(t, "Can't create file at /d/x: Is a directory")

			file := append(front("FUSEFS_FILE=1"), dir+"/f", fmt.Sprint(owner))
			o = behind(who, e, file, []string{"--ro-bind", dir, "/d", "--ro-bind", dir + "/data", "/d/f"}, []string{"/h/probe", "show", "/d/f"}).run(t)
			o.OK(t, "data\n")
			o = behind(who, e, file, []string{"--ro-bind", dir, "/d", "--tmpfs", "/d/f"}, []string{"/h/probe"}).run(t)
			o.Refused(t, "Can't mkdir /d/f: Not a directory")
		}
	})
}

// TestUnreachableMounts: a mount below a directory that does not admit the user does not keep
// the tree around it from being bound, and the others are read-only. Below a file system
// whose server is dead it is the same.
func TestUnreachableMounts(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		const host = `cd %s; mkdir -p closed/m open after
mount -t tmpfs none closed/m; chmod 0700 closed
mount -t tmpfs -o mode=1777 none open; mount -t tmpfs -o mode=1777 none after`
		o := launch{
			who: who, host: fmt.Sprintf(host, dir), wrap: e.Wrap,
			args: append(box("--ro-bind", dir, "/d"), "/h/probe", "writable", "/d/open", "writable", "/d/after", "writable", "/d/closed/m"),
		}.run(t)
		want := "EACCES"
		if who.id == 0 {
			want = "EROFS"
		}
		if o.Status != "0" || o.Stderr != "" || strings.Count(o.Stdout, "EROFS") < 2 || !strings.Contains(o.Stdout, want) || strings.Contains(o.Stdout, ": ok") {
			t.Error(o)
		}
	})
}

// TestClosedWorkingDirectory: a working directory that the user may not search, and those
// above it, can be bound by their relative names; what is in it cannot.
func TestClosedWorkingDirectory(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		if who.id == 0 {
			return
		}
		dir := root.scratch(t)
		root.shell(t, dir, "mkdir -p a/closed/sub; echo above > a/file; echo top > file; chmod 0700 a/closed")
		run := func(option, source string, command ...string) outcome {
			host := "cd " + dir + "/a/closed"
			return launch{who: who, host: host, wrap: e.Wrap, args: slices.Concat(box(option, source, "/d"), command)}.run(t)
		}
		for _, source := range []string{".", "./", ".//.", "../closed", ".././closed/"} {
			o := run("--ro-bind", source, "/h/probe", "writable", "/d")
			if o.Status != "0" || o.Stderr != "" || !strings.Contains(o.Stdout, "EROFS") && !strings.Contains(o.Stdout, "EACCES") {
				t.Errorf("%s: %s", source, o)
			}
		}
		run("--bind", "..", "/h/probe", "show", "/d/file").OK(t, "above\n")
		run("--bind", "./..//../", "/h/probe", "show", "/d/file").OK(t, "top\n")
		run("--bind", "../../file", "/h/probe", "show", "/d").OK(t, "top\n")
		run("--bind", "sub", "/h/probe").Refused(t, "Can't find source path sub: Permission denied")
		run("--bind", "..x", "/h/probe").Refused(t, "Can't find source path ..x: Permission denied")
		run("--bind-try", "sub/..", "/h/probe").Refused(t, "Can't find source path sub/..: Permission denied")
	})
}
