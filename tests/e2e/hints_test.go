package e2e_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// hinted checks a failure and words of its hint.
func (o outcome) hinted(t *testing.T, sense, hint string) {
	t.Helper()
	o.Refused(t, sense)
	if _, found, _ := strings.Cut(o.Stderr, "hint: "); !strings.Contains(found, hint) {
		t.Errorf("the hint lacks %q: %s", hint, o)
	}
}

// TestHintsOfUserNamespaces: what a given user namespace lacks.
func TestHintsOfUserNamespaces(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		bare := namespace(t, holder(t, who, "-U"), "user")
		mapped := namespace(t, holder(t, who, "-Ur"), "user")
		run := func(f *os.File, options ...string) outcome {
			return launch{who: who, args: append(box(options...), "/h/probe"), files: []*os.File{f, f}}.run(t)
		}
		run(mapped, "--userns", "3", "--userns2", "4").hinted(t, "Setting userns2 failed: Invalid argument", "already")
		run(mapped, "--userns", "3", "--uid", "7").hinted(t, "unable to switch to uid 7: Invalid argument", "uid_map")
		if who == user {
			run(bare, "--userns", "3").hinted(t, "Value too large for defined data type", "uid_map and gid_map")
		}
	})
}

// TestHintsOfSurroundings: a read-only proc, a pipe as a source, another user's directory.
func TestHintsOfSurroundings(t *testing.T) {
	t.Parallel()
	host := "mount --bind /proc /proc; mount -o remount,bind,ro /proc"
	launch{who: user, host: host, args: append(box(), "/h/probe")}.run(t).hinted(t, "setting up uid map: Read-only file system", "/proc is read-only here")

	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			_ = w.Close()
			o := launch{who: who, wrap: e.Wrap, files: []*os.File{r}, args: append(box("--ro-bind", "/dev/fd/3", "/x"), "/h/probe")}.run(t)
			o.hinted(t, "Can't bind mount /dev/fd/3 on /newroot/x", "--ro-bind-data")
			_ = r.Close()
		}
	})

	dir := user.scratch(t)
	user.shell(t, dir, "mkdir in; chmod 0700 .")
	args := append(box("--unshare-user", "--ro-bind", dir+"/in", "/x"), "/h/probe")
	launch{who: root, args: args}.run(t).hinted(t, "Can't find source path "+dir+"/in: Permission denied", "--unshare-user")
	args = append(box("--ro-bind", dir+"/in", "/x"), "/h/probe", "echo", "in")
	launch{who: root, args: args}.run(t).OK(t, "in\n")
}

// TestHollowCapabilities: added capabilities count for the sandbox's namespaces, or a
// warning says that they do not.
func TestHollowCapabilities(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options string
		warned  bool
	}{
		{"--cap-add ALL", false},
		{"--cap-add ALL --dev /dev", true},
		{"--cap-add ALL --dev /dev --uid 0 --gid 0", false},
		{"--cap-add ALL --dev /dev --uid 0", true},
		{"--cap-drop ALL --dev /dev", false},
		{"--dev /dev", false},
		{"--cap-add CAP_CHOWN --unshare-user --disable-userns --uid 0 --gid 0", true},
	} {
		args := slices.Concat(box("--ro-bind", "/", "/", "--unshare-net", "--unshare-uts", "--unshare-pid"), []string{"hostname", "x"})
		at := len(box()) - 1
		args = slices.Insert(args, at, strings.Fields(c.options)...)
		o := launch{who: user, args: args}.run(t)
		warned := strings.Contains(o.Stderr, "do not count for the sandbox's")
		if warned != c.warned {
			t.Errorf("%s: warned %v: %s", c.options, warned, o)
		}
		if set := o.Status == "0"; strings.Contains(c.options, "--cap-add ALL") && set == c.warned {
			t.Errorf("%s: the host name was set: %v: %s", c.options, set, o)
		}
	}
}

// TestExplainStdin: --explain says that a file as standard input can be written, and the
// control shows that it can.
func TestExplainStdin(t *testing.T) {
	t.Parallel()
	dir := user.scratch(t)
	user.shell(t, dir, "echo before >file; cp file closed; chmod 0444 closed")
	run := func(name string) outcome {
		args := append(box("--ro-bind", "/", "/", "--explain"), "sh", "-c", "echo after >/proc/self/fd/0")
		return launch{who: user, args: args, stdin: open(t, dir+"/"+name)}.run(t)
	}
	const risk = "risk: standard input is a file"
	o := run("file")
	if text, _ := os.ReadFile(dir + "/file"); string(text) != "after\n" || !strings.Contains(o.Stderr, risk) {
		t.Errorf("%q: %s", text, o)
	}
	if o := run("closed"); strings.Contains(o.Stderr, risk) {
		t.Error(o)
	}
}
