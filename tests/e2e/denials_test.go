package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// denyBox is a sandbox with a tree of w's on /t, and a shell.
func denyBox(w string, options ...string) []string {
	return box(slices.Concat([]string{
		"--unshare-pid", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--proc", "/proc", "--dev-bind", "/dev/null", "/dev/null", "--dir", "/tmp", "--bind", w + "/t", "/t",
	}, options)...)
}

// denialEngines are the engines without the one that mounts as the classic one does.
func denialEngines(t *testing.T) []engine {
	t.Helper()
	return slices.DeleteFunc(engines(t), func(e engine) bool { return e.Name == "refused" && !harness.Long() })
}

// eachEngine is eachSide for these.
func eachEngine(t *testing.T, test func(t *testing.T, who identity, e engine)) {
	t.Helper()
	eachWho(t, func(t *testing.T, who identity) {
		for _, e := range denialEngines(t) {
			t.Run(e.Name, func(t *testing.T) { test(t, who, e) })
		}
	})
}

// denyTree makes such a tree.
func denyTree(t *testing.T, who identity) (w string) {
	t.Helper()
	w = who.scratch(t)
	who.shell(t, w, `mkdir -p t/a/b/dir; printf 'secret\n' > t/a/b/file; printf 'secret\n' > t/a/b/dir/f; ln -s b/file t/a/link`)
	return w
}

// held is every file of a tree, with what it holds.
func held(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", "cd $0; find . -printf '%p %y %l\\n' | sort; find . -type f | sort | xargs -d '\\n' cat", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// What defy does in vain where nothing is denied, and what it does everywhere.
var (
	maskFile    = "open root path-fd path-fd-nofollow list truncate chmod utime remove rename exchange replace link link-fd symlink"
	maskDir     = "open root path-fd path-fd-nofollow list chmod utime remove rename exchange symlink"
	protectFile = strings.ReplaceAll(maskFile, "list ", "")
	protectDir  = strings.ReplaceAll(maskDir, "list ", "")
	makeMissing = "make mkdir rename-onto rename-dir-onto symlink-onto link-onto aside"
	above       = "rename-above exchange-above work work-above rename-above exchange-above work work-above"
	mounted     = "own unmount own bind own open-tree own rbind own pivot given unmount"
	maskMounted = strings.Replace(mounted, "own rbind", "own overlay own rbind", 1)
	unmounted   = "own unmount given unmount" // where nothing can be mounted
	work        = "work work-above work work-above"
)

// TestDenialAttacks: what a command can do against a mask, or a protection, it does in vain. It
// succeeds where there is none, and ordinary work above a protected path goes on.
func TestDenialAttacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, option, kind, file, without, with string }{
		{"mask", "--mask /t/a/b/file", "mask", "file", maskFile + " " + maskMounted, ""},
		{"mask-link", "--mask /t/a/link", "mask", "file", "", ""},
		{"mask-directory", "--mask /t/a/b/dir", "mask", "dir", maskDir + " " + maskMounted, ""},
		{"mask-glob", "--mask-glob /t/**/[!x]i??", "mask", "file", "", ""},
		{"protect", "--protect /t/a/b/file", "protect", "file", protectFile + " " + above + " " + mounted, work},
		{"protect-directory", "--protect /t/a/b/dir", "protect", "dir", protectDir + " " + above + " " + mounted, work},
		{"protect-glob", "--protect-glob /t/**/file", "protect", "file", "", work},
		{"missing", "--protect /t/a/b/none", "missing", "none", makeMissing + " " + above + " " + mounted, work},
		{"missing-directory", "--protect /t/a/b/none/", "missing", "none", "", work},
		{"missing-above", "--protect /t/a/b/none/x/y", "missing", "none", "", work},
		{"below-a-file", "--protect /t/a/b/file/x/y", "protect", "file", "", work},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, who identity, e engine) {
				w := denyTree(t, who)
				before := held(t, w)
				run := func(options ...string) string {
					t.Helper()
					if who.id == 0 {
						options = append([]string{"--cap-drop", "CAP_SYS_ADMIN"}, options...)
					}
					o := launch{who: who, wrap: e.Wrap, args: append(denyBox(w, options...), "/h/defy", c.kind, "/t", "a/b", c.file)}.run(t)
					if o.Status != "0" || o.Stderr != "" {
						t.Error(o)
					}
					return strings.Join(strings.Fields(o.Stdout), " ")
				}
				if done := run(strings.Fields(c.option)...); done != c.with {
					t.Errorf("%s: done %q, want %q", c.option, done, c.with)
				}
				if e.Name == "new" && c.without != "" {
					want := c.without
					if who.setuid { // nothing can be mounted there
						want = strings.NewReplacer(mounted, unmounted, maskMounted, unmounted).Replace(want)
					}
					if done := run(); done != want {
						t.Errorf("without: done %q, want %q", done, want)
					}
				}
				if after := held(t, w); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
			})
		})
	}
}

// TestRootUnmasks: root without a user namespace can take a mask away, which it may.
func TestRootUnmasks(t *testing.T) {
	t.Parallel()
	if !selected(t, root) {
		return
	}
	w := denyTree(t, root)
	args := append(denyBox(w, "--mask", "/t/a/b/file"), "/bin/sh", "-c", "cat /t/a/b/file; umount /t/a/b/file; cat /t/a/b/file")
	if o := (launch{who: root, args: args}).run(t); o.Stdout != "secret\n" || !strings.Contains(o.Stderr, "Permission denied") {
		t.Error(o)
	}
}

// TestMask: what a masked path looks like, and which paths can be masked.
func TestMask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, options, command, stdout, stderr string }{
		{"file", "--mask /t/a/b/file", "stat -c %F,%a /t/a/b/file", "regular empty file,0", ""},
		{"directory", "--mask /t/a/b/dir", "stat -c %F,%a /t/a/b/dir", "directory,0", ""},
		{"read", "--mask /t/a/b/file", "! cat /t/a/b/file", "", "Permission denied"},
		{"list", "--mask /t/a/b/dir", "! ls /t/a/b/dir", "", "Permission denied"},
		{"write", "--mask /t/a/b/file", "! sh -c 'echo x >> /t/a/b/file'", "", "cannot create /t/a/b/file"},
		{"inside", "--mask /t/a/b/dir", "! cat /t/a/b/dir/f", "", "Permission denied"},
		{"device", "--dev-bind /dev/null /n --mask /n", "stat -c %F /n", "regular empty file", ""},
		{"link", "--mask /t/a/link", "readlink /t/a/link; ! cat /t/a/b/file", "b/file", "Permission denied"},
		{"twice", "--mask /t/a/b --mask /t/a/b/dir --mask /t/a/b/dir/f --mask /t/a/b/file/x", "! ls /t/a/b", "", "Permission denied"},
		{"try", "--mask-try /t/none --mask-try /t/a/b/file", "! cat /t/a/b/file", "", "Permission denied"},
		{"glob", "--mask-glob /t/**/f*", "cat /t/a/b/file /t/a/b/dir/f; true", "", "Permission denied"},
		{"glob-directory", "--mask-glob /t/*/?", "! ls /t/a/b", "", "Permission denied"},
		{"glob-everything", "--mask-glob /t/**", "ls /t; ! ls /t/a", "a", "Permission denied"},
		{"glob-of-a-link", "--mask-glob /t/**/l*k", "cat /t/a/b/file; ! cat /t/a/link", "secret", "Permission denied"},
		{"glob-through-no-link", "--symlink a /t/l --mask-glob /t/l*/b/file", "cat /t/a/b/file", "", "nothing matches the pattern"},
		{"glob-prefix-link", "--symlink t/a /l --mask-glob /l/**/file", "! cat /t/a/b/file", "", "Permission denied"},
		{"glob-literal", "--mask-glob /t/a/b/file", "! cat /t/a/b/file", "", "Permission denied"},
		{"glob-try", "--mask-glob-try /t/**/none --mask-glob-try /none/*", "cat /t/a/b/file", "secret", ""},
		{"in-tmpfs", "--tmpfs /x --dir /x/y --mask /x/y", "! ls /x/y", "", "Permission denied"},
		{"covered-later", "--mask /t/a/b --tmpfs /t/a", "ls /t/a", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, who identity, e engine) {
				w := denyTree(t, who)
				o := launch{who: who, wrap: e.Wrap, args: append(denyBox(w, strings.Fields(c.options)...), "/bin/sh", "-c", c.command)}.run(t)
				if c.name == "glob-through-no-link" {
					o.Refused(t, c.stderr, "--mask-glob /t/l*/b/file")
					return
				}
				if strings.TrimSpace(o.Stdout) != c.stdout || o.Status != "0" || !strings.Contains(o.Stderr, c.stderr) || c.stderr == "" && o.Stderr != "" {
					t.Errorf("want %q and %q, but %s", c.stdout, c.stderr, o)
				}
			})
		})
	}
}

// TestDenialsRefused: what cannot be masked or protected is refused, in a sentence with the option
// and its path, and nothing has been changed.
func TestDenialsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, set, options, want string }{
		{"missing", "", "--mask /t/none", "Can't carry out --mask /t/none: No such file or directory"},
		{"nothing-matches", "", "--mask-glob /t/**/none", "Can't carry out --mask-glob /t/**/none: nothing matches the pattern"},
		{"protect-nothing-matches", "", "--protect-glob /none/*", "Can't carry out --protect-glob /none/*: nothing matches the pattern"},
		{"root", "", "--mask /t/..", "Can't carry out --mask /t/..: it is the whole sandbox"},
		{"link-to-root", "ln -s / t/all", "--mask /t/all", "Can't carry out --mask /t/all: it is the whole sandbox"},
		{"loop", "ln -s loop t/loop", "--protect /t/loop", "Can't carry out --protect /t/loop: Too many levels of symbolic links"},
		{"searched-only", "mkdir t/s; chmod 0311 t/s", "--mask-glob /t/**/x", "Can't carry out --mask-glob /t/**/x: the directory /t/s, which may hold a match, cannot be read: Permission denied"},
		{"no-pid-1", "", "--as-pid-1 --protect /t/none", "Can't carry out --protect /t/none: it is missing, and to keep it so takes a PID namespace"},
		{"closed-directory", "mkdir t/r; chmod 0555 t/r", "--protect /t/r/none", "Can't carry out --protect /t/r/none: an empty placeholder none could not be made: Permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWho(t, func(t *testing.T, who identity) {
				if who.id == 0 && (c.name == "searched-only" || c.name == "closed-directory") {
					return // nothing is closed to root
				}
				if !who.setuid && c.name == "searched-only" {
					return // it is the directory's owner, and has its own capabilities while it sets up
				}
				w := denyTree(t, who)
				who.shell(t, w, c.set)
				before := held(t, w)
				launch{who: who, args: append(denyBox(w, strings.Fields(c.options)...), "/bin/true")}.run(t).Refused(t, c.want)
				if after := held(t, w); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
			})
		})
	}
	// Directories of others that can be searched, and not read.
	w := denyTree(t, user)
	root.shell(t, w, "mkdir t/s; chmod 0711 t/s")
	launch{who: user, args: append(denyBox(w, "--mask-glob", "/t/**/x"), "/bin/true")}.run(t).Refused(t, "the directory /t/s, which may hold a match, cannot be read")
	root.shell(t, w, "chmod 0700 t/s; mkdir t/s/x")
	launch{who: user, args: append(denyBox(w, "--mask-glob-try", "/t/**/x"), "/bin/true")}.run(t).OK(t, "")
}

// TestTooManyMatches: a pattern is for 20000 files.
func TestTooManyMatches(t *testing.T) {
	t.Parallel()
	w := user.scratch(t)
	if err := os.Mkdir(w+"/t", 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 20_001 {
		if err := os.WriteFile(fmt.Sprintf("%s/t/%d", w, i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := append(denyBox(w, "--mask-glob", "/t/[0-9]*"), "/bin/sh", "-c", "! cat /t/20000 2>&-")
	launch{who: user, args: args}.run(t).Refused(t, "--mask-glob /t/[0-9]*: more than 20000 files match the pattern")
	if !harness.Long() {
		return // to mask so many files takes its time
	}
	if err := os.Remove(w + "/t/7"); err != nil {
		t.Fatal(err)
	}
	launch{who: user, args: args}.run(t).OK(t, "")
}

// TestDeepTrees: a search goes as deep as descriptors reach, and says where it stops.
func TestDeepTrees(t *testing.T) {
	t.Parallel()
	w := user.scratch(t)
	user.shell(t, w, "mkdir t; cd t; for i in $(seq 400); do mkdir d; cd d; done; echo secret > .env")
	args := append(denyBox(w, "--mask-glob", "/t/**/.env"), "/bin/sh", "-c", "cd /t; for i in $(seq 400); do cd d; done; cat .env || echo closed")
	if o := (launch{who: user, args: args}).run(t); o.Stdout != "closed\n" {
		t.Error(o)
	}
	limited := append([]string{"prlimit", "--nofile=200:200"}, args...)
	launch{who: user, args: limited}.run(t).Refused(t, "--mask-glob /t/**/.env: the directory /t/d/d/d", "Too many open files")
}

// TestMaskAgainstCapabilities: no capability of a user namespace opens or removes a mask, root's
// of a sandbox included.
func TestMaskAgainstCapabilities(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		for _, e := range denialEngines(t) {
			for _, id := range []string{"", "--uid 0 --gid 0"} {
				for _, caps := range []string{"ALL", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_FOWNER"} {
					w := denyTree(t, who)
					options := slices.Concat([]string{"--unshare-user"}, strings.Fields(id), []string{"--cap-drop", "ALL", "--cap-add", caps})
					for _, c := range []struct{ option, kind, file, want string }{
						{"--mask /t/a/b/file", "mask", "file", ""},
						{"--mask-glob /t/**/dir", "mask", "dir", ""},
						{"--protect /t/a/b/dir", "protect", "dir", work},
					} {
						args := append(denyBox(w, append(options, strings.Fields(c.option)...)...), "/h/defy", c.kind, "/t", "a/b", c.file)
						o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
						if got := strings.Join(strings.Fields(o.Stdout), " "); got != c.want || o.Status != "0" {
							t.Errorf("%s %s %s: %s", e.Name, id, caps, o)
						}
						if hollow := strings.Contains(o.Stderr, "do not count for the sandbox's network and other namespaces"); hollow != (caps == "ALL" || caps == "CAP_SYS_ADMIN") {
							t.Errorf("%s: %q", caps, o.Stderr)
						}
					}
				}
			}
		}
		// Without masks the capability does what it is for.
		w := denyTree(t, who)
		args := append(denyBox(w, "--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_ADMIN"), "/bin/umount", "/t")
		launch{who: who, args: args}.run(t).OK(t, "")
	})
	// Given namespaces cannot be closed.
	w := denyTree(t, user)
	args := append(denyBox(w, "--userns", "3", "--cap-add", "CAP_SYS_ADMIN", "--mask", "/t/a"), "/bin/true")
	launch{who: user, args: args, files: []*os.File{open(t, "/proc/self/ns/user")}}.run(t).Refused(t, "--cap-drop CAP_SYS_ADMIN")
}

// TestProtectedLinks: a link on the way to a protected path can be neither replaced nor removed.
func TestProtectedLinks(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, who identity, e engine) {
		w := denyTree(t, who)
		who.shell(t, w, "mv t/a t/real; ln -s real t/a; ln -s ../b/file t/real/b/other; ln -s none t/dangling")
		before := held(t, w)
		args := append(denyBox(w, "--protect", "/t/a/b/other", "--protect", "/t/dangling", "--protect-glob", "/t/r*/l*"), "/bin/sh", "-c",
			"cat /t/a/b/other; readlink /t/a; cd /t; /h/defy replace /t a real real/b real/b/file real/b/other dangling real/link none; echo x > none")
		o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
		if o.Stdout != "secret\nreal\n" || o.Status == "0" {
			t.Error(o)
		}
		if after := held(t, w); after != before {
			t.Errorf("before\n%s\nafter\n%s", before, after)
		}
	})
}

// sleeper is a sandbox with placeholders that stays until it is killed, or its standard input ends.
func sleeper(t *testing.T, who identity, w string, e engine, options ...string) (cmd *exec.Cmd, end func()) {
	t.Helper()
	in, out := pipe(t)
	ready, said := pipe(t)
	cmd = launch{who: who, wrap: e.Wrap, stdin: in, args: append(denyBox(w, slices.Concat(missingPaths, options)...), "/bin/sh", "-c", "echo up; cat")}.command()
	cmd.Stdout = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	_ = said.Close()
	if n, err := ready.Read(make([]byte, 3)); n != 3 {
		t.Fatalf("the sandbox does not start: %v", err)
	}
	return cmd, func() {
		t.Helper()
		_ = out.Close()
		_ = cmd.Wait()
	}
}

var missingPaths = []string{"--protect", "/t/.codex", "--protect", "/t/.claude/commands", "--protect", "/t/a/.vscode/"}

// placeholders are those that lie in a tree.
func placeholders(w string) string {
	var list []string
	for _, name := range []string{".codex", ".claude", "a/.vscode"} {
		if _, err := os.Lstat(filepath.Join(w, "t", name)); err == nil {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

const allThere = ".codex .claude a/.vscode"

// TestPlaceholdersKilledAnywhere: a process of a launch is killed, or its call fails, at one system
// call after the other. After the next sandbox the tree is what it was.
func TestPlaceholdersKilledAnywhere(t *testing.T) {
	t.Parallel()
	step := harness.Times(67, 5)
	eachUser(t, func(t *testing.T, who identity) {
		w := denyTree(t, who)
		before := held(t, w)
		args := denyBox(w, slices.Concat(missingPaths, []string{"--protect", "/t/a/b/file", "--die-with-parent"})...)
		for k, action := range []string{"kill-launcher", "kill-worker", "kill-last", "worker"} {
			for n, missed := 1+k*13%step, false; !missed && n < 2000; n += step {
				missed = injectAt(t, who, engine{}, n, action, args, nil).missed
				settled := func() bool { // a sandbox may outlive its launcher for a moment
					launch{who: who, args: append(slices.Clone(args), "/bin/true")}.run(t).OK(t, "")
					return held(t, w) == before
				}
				if !harness.Until(settled) {
					t.Fatalf("%s at call %d: before\n%s\nafter\n%s", action, n, before, held(t, w))
				}
			}
		}
	})
}

// TestPlaceholders: what stands for missing paths is gone when the last sandbox that needs it has
// ended, however it ends; and after the next one, where a launcher was killed.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, who identity, e engine) {
		if e.Name != "new" && who != user {
			return // the engines differ in how they mount
		}
		w := denyTree(t, who)
		before := held(t, w)
		clean := func(when string) {
			t.Helper()
			if after := held(t, w); after != before {
				t.Errorf("%s: before\n%s\nafter\n%s", when, before, after)
			}
		}
		run := func(command string, options ...string) outcome {
			args := append(denyBox(w, slices.Concat(missingPaths, options)...), "/bin/sh", "-c", command)
			return launch{who: who, wrap: e.Wrap, args: args}.run(t)
		}
		once := func(when, command, status string, options ...string) {
			t.Helper()
			if o := run(command, options...); o.Status != status {
				t.Errorf("%s: %s", when, o)
			}
			clean(when)
		}
		once("end", "ls -A /t/.codex /t/.claude /t/a/.vscode", "0")
		once("killed by a signal", "kill -9 $$", "137")
		once("a fault later", "true", "1", "--bind-fd", "0", "/t/a/b/file/x")
		once("no such directory", "true", "1", "--chdir", "/none")
		once("time-out", "sleep 600", "143", "--timeout", "0.1")
		o := ignoringTERM(func(limit string) outcome { return run("trap '' TERM; sleep 600; sleep 600", "--timeout", limit) })
		if o.Status != "137" {
			t.Error("time-out, and everything killed:", o)
		}
		clean("time-out, and everything killed")
		once("with a front end", "true", "0", "--explain")

		_, endFirst := sleeper(t, who, w, e)
		_, endSecond := sleeper(t, who, w, e)
		endFirst()
		if got := placeholders(w); got != allThere {
			t.Errorf("one of two has ended: %q", got)
		}
		endSecond()
		clean("both have ended")

		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
			first, _ := sleeper(t, who, w, e, "--die-with-parent")
			_ = syscall.Kill(first.Process.Pid, sig)
			_ = first.Wait()
			if ws, ok := first.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != sig {
				t.Errorf("%v: %v", sig, first.ProcessState)
			}
			clean(sig.String())
		}

		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			if e.Name != "new" {
				break // its filter refuses pidfd_open(2)
			}
			orphaned, end := sleeper(t, who, w, e)
			_ = syscall.Kill(orphaned.Process.Pid, sig)
			_ = orphaned.Wait()
			if got := placeholders(w); got != allThere {
				t.Errorf("%v has ended the launcher, and the sandbox goes on: %q", sig, got)
			}
			end()
			if !harness.Until(func() bool { return placeholders(w) == "" }) {
				t.Errorf("%v: a sandbox that has outlived its launcher leaves %q", sig, placeholders(w))
			}
			clean(sig.String())
		}

		first, endFirst := sleeper(t, who, w, e, "--die-with-parent")
		_ = first.Process.Kill()
		endFirst()
		if got := placeholders(w); got != allThere {
			t.Errorf("a launcher was killed: %q", got)
		}
		if !harness.Until(func() bool { return !inUse(t, filepath.Join(w, "t/.codex")) }) {
			t.Error("the sandbox of a killed launcher stays")
		}
		once("after one that was killed", "true", "0")

		first, endFirst = sleeper(t, who, w, e) // which outlives its launcher
		_ = first.Process.Kill()
		_ = first.Wait()
		args := append(denyBox(w, missingPaths...), "/bin/true")
		launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, "")
		if got := placeholders(w); got != allThere {
			t.Errorf("an orphan needs them: %q", got)
		}
		endFirst()
		if !harness.Until(func() bool { return !inUse(t, filepath.Join(w, "t/.codex")) }) {
			t.Error("the orphan stays")
		}
		once("after an orphan", "true", "0")
	})
}

// inUse reports whether a sandbox has a lock on a placeholder.
func inUse(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// TestPlaceholderBecomesTheUsers: what the user puts where a placeholder is, while a sandbox runs
// or after it was killed, is never removed, and is protected from then on.
func TestPlaceholderBecomesTheUsers(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, c := range []struct{ name, line, has string }{
			{"written", "echo mine > .codex; touch .claude/mine; mkdir a/.vscode/mine", "mine"},
			{"replaced", "echo mine > x; mv x .codex; rmdir .claude; echo mine > .claude; rmdir a/.vscode; ln -s mine a/.vscode", "mine"},
			{"open", "exec 9>> .codex; sleep 600 > /dev/null 2>&1 & echo $! > ../pid; touch .claude/mine a/.vscode/mine", ""},
			{"aside", "echo mine > .gobwrap-.codex; mkdir -p .gobwrap-.claude/mine; ln -s mine a/.gobwrap-.vscode; rm .codex; rmdir .claude a/.vscode", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				for _, kill := range []bool{false, true} {
					w := denyTree(t, who)
					cmd, end := sleeper(t, who, w, engine{}, "--die-with-parent")
					if kill {
						_ = cmd.Process.Kill()
					}
					who.shell(t, w+"/t", c.line)
					want := held(t, w+"/t")
					end()
					if kill {
						launch{who: who, args: append(denyBox(w, missingPaths...), "/bin/true")}.run(t).OK(t, "")
					}
					if pid, err := os.ReadFile(w + "/pid"); err == nil {
						_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run()
					}
					if got := held(t, w+"/t"); got != want {
						t.Errorf("killed: %v: want\n%s\ngot\n%s", kill, want, got)
					}
				}
			})
		}
	})
}

// TestPlaceholdersNowhere: where a placeholder could not be told from a file of the user's, there
// is none. Where nothing can be made, and on the sandbox's own file systems, none is needed.
func TestPlaceholdersNowhere(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		w := denyTree(t, who)
		ramfs := launch{
			who: who, host: fmt.Sprintf("mkdir -p %s/t/r; mount -t ramfs none %[1]s/t/r; chmod 0777 %[1]s/t/r", w),
			args: append(denyBox(w, "--protect", "/t/r/none"), "/bin/true"),
		}.run(t)
		if who.setuid {
			ramfs.Refused(t) // its set-id bit does not count behind unshare
		} else {
			ramfs.Refused(t, "--protect /t/r/none: it is missing, and a placeholder none could not be marked", "Operation not supported")
		}
		for _, c := range []struct{ options, command string }{
			{"--protect /usr/none", "! echo x > /usr/none"},
			{"--protect /usr/none/", "! mkdir /usr/none"},
			{"--protect /none", "! rmdir /none; ! rm /none; ! mv /none /x"},
			{"--tmpfs /x --protect /x/y/z", "! mkdir /x/y/z; ! mv /x/y /x/w"},
			{"--protect-try /t/none", "! test -e /t/none"},
			{"--ro-bind /etc /e --protect /e/none", "! test -e /e/none"},
		} {
			for _, e := range denialEngines(t) {
				args := append(denyBox(w, strings.Fields(c.options)...), "/bin/sh", "-ec", "exec 2> /dev/null; "+c.command)
				launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, "")
			}
		}
	})
	w := denyTree(t, user)
	options := []string{"--bind", w + "/t", "/t", "--protect", "/t/none"}
	launch{who: user, args: append(box(options...), "/h/probe", "echo", "in")}.run(t).Refused(t, "--protect /t/none: it is missing, and to keep it so takes a PID namespace", "--unshare-pid")
}

// TestPlaceholderInForeignDirectory: where the command could make a path in a directory of another
// user by a capability, set-up does not go on without a placeholder.
func TestPlaceholderInForeignDirectory(t *testing.T) {
	t.Parallel()
	each(t, []identity{root}, func(t *testing.T, who identity) {
		w := denyTree(t, who)
		if err := os.Chown(w+"/t/a", 4321, 4321); err != nil {
			t.Fatal(err)
		}
		options := "--unshare-user --uid-map 0:0:65536 --gid-map 0:0:65536 --protect /t/a/none --cap-drop ALL"
		args := append(denyBox(w, strings.Fields(options)...), "/bin/sh", "-c", "exec 2> /dev/null; ! echo x > /t/a/none")
		launch{who: who, args: args}.run(t).OK(t, "")
		for _, c := range []string{"CAP_SETUID", "CAP_SETGID", "CAP_FOWNER", "CAP_CHOWN", "CAP_DAC_OVERRIDE"} {
			args := append(denyBox(w, append(strings.Fields(options), "--cap-add", c)...), "/bin/true")
			launch{who: who, args: args}.run(t).Refused(t, "--protect /t/a/none: an empty placeholder none could not be made")
		}
	})
}

// TestManyKilledWithPlaceholders: sandboxes that need the same placeholders start at once
// and are killed at random. After the next one nothing is left, and nothing lost.
func TestManyKilledWithPlaceholders(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		w := denyTree(t, who)
		git, err := exec.LookPath("git")
		if err == nil {
			who.shell(t, w+"/t", "export HOME="+w+"; git init -q; git add .; git -c user.name=x -c user.email=x@x commit -qm x")
		}
		before := held(t, w+"/t")
		args := append(denyBox(w, slices.Concat(missingPaths, []string{"--protect", "/t/.git/hooks", "--die-with-parent"})...), "/bin/sleep", "0.02")
		n := harness.Times(24, 200)
		done := make(chan error, n)
		for i := range n {
			go func() {
				cmd := launch{who: who, args: args}.command()
				if err := cmd.Start(); err != nil {
					done <- err
					return
				}
				if i%4 != 0 {
					time.Sleep(time.Duration(i*7919%n) * 2 * time.Millisecond) // how far it has come by then is chance
					_ = cmd.Process.Kill()
				}
				_ = cmd.Wait()
				done <- nil
			}()
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		settled := func() bool { // a sandbox may outlive its launcher for a moment
			launch{who: who, args: args}.run(t).OK(t, "")
			return held(t, w+"/t") == before
		}
		if !harness.Until(settled) {
			t.Errorf("before\n%s\nafter\n%s", before, held(t, w+"/t"))
		}
		if git != "" {
			if out := who.shell(t, w+"/t", "export HOME="+w+"; git status --porcelain"); out != "" {
				t.Errorf("git status:\n%s", out)
			}
		}
	})
}

// TestSwappedDuringSetUpRacing: somebody exchanges a directory and a link on the way to a path
// while sandboxes start. Each either fails, or denies the file that the path led to; and not none.
func TestSwappedDuringSetUpRacing(t *testing.T) {
	t.Parallel()
	const command = `for i in 1 2 3 4 5; do cat /t/x/b/file /t/a/b/file /t/l/b/file; done
touch /t/x/b/dir/new && echo writes x
for i in 1 2 3 4 5; do cd /t/a/b/dir && test -e f && touch new && echo writes real; done; true`
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range denialEngines(t) {
			w := denyTree(t, who)
			who.shell(t, w, "mkdir -p t/x/b/dir; echo public > t/x/b/file; ln -s x t/l")
			attacker := launch{who: who, args: []string{probe, "attack", w + "/t", "a", "l"}}.command()
			if err := attacker.Start(); err != nil {
				t.Fatal(err)
			}
			for range harness.Times(10, 60) {
				args := append(denyBox(w, "--mask", "/t/a/b/file", "--protect", "/t/a/b/dir"), "/bin/sh", "-c", "{ "+command+"; } 2> /dev/null")
				o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
				has := func(s string) bool { return strings.Contains(o.Stdout, s) }
				if has("secret") && has("public") || has("writes x") && has("writes real") {
					t.Errorf("%s: nothing is denied: %s", e.Name, o)
				}
				if o.Status != "0" {
					o.Refused(t)
				}
				_, _ = os.Remove(w+"/t/x/b/dir/new"), os.Remove(w+"/t/a/b/dir/new")
				_ = os.Remove(w + "/t/l/b/dir/new")
			}
			_ = attacker.Process.Kill()
			_ = attacker.Wait()
		}
	})
}

// TestPlaceholdersAndTheTerminal: after Ctrl-C nothing is left, whether the command ends by it,
// goes on, or has a session of its own.
func TestPlaceholdersAndTheTerminal(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, c := range []struct {
			name, command, shown string
			options              []string
		}{
			{"ends", "echo ready; exec sleep 600", "ended 130", nil},
			// A shell that waits for one long sleep misses a signal that comes just before it waits.
			{"goes on", "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.1; done", "ended 7", nil},
			{"session", "echo ready; exec sleep 600", "ended 130", []string{"--new-session", "--die-with-parent"}},
			{"foreground", "echo ready; exec sleep 600", "ended 130", []string{"--foreground"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := denyTree(t, who)
				before := held(t, w)
				args := append(denyBox(w, slices.Concat(missingPaths, c.options)...), "/bin/sh", "-c", c.command)
				s := startSession(t, who, `trap : INT; "$@"; echo ended $?`, args)
				s.types("", "ready")
				s.types("\x03", c.shown)
				if after := held(t, w); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
			})
		}
	})
}

// TestWrappersDenials: what wrappers build of bubblewrap's options, in one option each.
func TestWrappersDenials(t *testing.T) {
	t.Parallel()
	// sandbox-runtime denies writing to these in each writable directory, there or not.
	var mandatory []string
	for _, name := range []string{".gitconfig", ".gitmodules", ".bashrc", ".bash_profile", ".zshrc", ".zprofile", ".profile", ".ripgreprc", ".mcp.json", ".vscode/", ".idea/", ".claude/commands", ".claude/agents", ".git/hooks", ".git/config"} {
		mandatory = append(mandatory, "--protect", "/t/"+name)
	}
	eachWho(t, func(t *testing.T, who identity) {
		for _, c := range []struct {
			name, set, command string
			options            []string
		}{
			{
				"sandbox-runtime", "git init -q; echo mine > .bashrc; mkdir .idea; echo x > f; git add f; git -c user.name=x -c user.email=x@x commit -qm x",
				`git -c user.name=x -c user.email=x@x commit -q --allow-empty -m y; git checkout -q -b new; echo y >> f; git -c user.name=x -c user.email=x@x commit -qam z; mkdir -p src; mv f src; mv src/f .; rmdir src
for f in .gitconfig .gitmodules .bashrc .zshrc .mcp.json .vscode/settings.json .idea/x .claude/commands/x .git/hooks/pre-commit .git/config; do { mkdir -p $(dirname $f) && echo evil > $f; } 2> /dev/null && echo wrote $f; done
git config core.hooksPath /tmp 2> /dev/null && echo set; mv .git g 2> /dev/null && echo moved; git clone -q . c 2> /dev/null && rm -rf c; git log --oneline | wc -l`,
				mandatory,
			},
			{
				"codex", "git init -q; mkdir .codex; echo x > .codex/config.toml",
				"git status --porcelain; echo x > .git/x; echo x > .codex/config.toml; rm -rf .codex .git; mv .git x; mkdir x && rmdir x && echo work; wc -l < .codex/config.toml",
				[]string{"--protect", "/t/.git/", "--protect", "/t/.codex/", "--protect", "/t/.agents/"},
			},
			{
				"codex, nothing there", "true",
				"mkdir -p .git/hooks; echo x > .git; git init -q; mv .codex x; rm -rf .agents; echo x > f && echo work; rm f",
				[]string{"--protect", "/t/.git/", "--protect", "/t/.codex/", "--protect", "/t/.agents/"},
			},
		} {
			t.Run(c.name, func(t *testing.T) {
				if _, err := exec.LookPath("git"); err != nil {
					t.Fatal("git is missing (make setup)")
				}
				w := who.scratch(t)
				who.shell(t, w, "mkdir t; cd t; export HOME="+w+"; "+c.set)
				names := func() string {
					return who.shell(t, w+"/t", "find . -path ./.git -prune -o -print | sort; cat .git/config .bashrc .codex/config.toml 2> /dev/null || true")
				}
				before := names()
				args := append(denyBox(w, slices.Concat([]string{"--dev", "/dev", "--dir", "/h2", "--setenv", "HOME", "/h2", "--chdir", "/t"}, c.options)...), "/bin/sh", "-c", c.command)
				if who.id == 0 {
					args = append([]string{gobwrap, "--cap-drop", "ALL"}, args[1:]...)
				}
				o := launch{who: who, args: args}.run(t)
				want := map[string]string{"sandbox-runtime": "3\n", "codex": "?? .codex/\nwork\n1\n", "codex, nothing there": "work\n"}[c.name]
				if o.Stdout != want {
					t.Errorf("want %q, but %s", want, o)
				}
				if after := names(); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
			})
		}
	})
}

// TestSecretsOfAMonorepo: the secrets of a tree of 50000 files, at full length, are masked
// by one pattern for each kind.
func TestSecretsOfAMonorepo(t *testing.T) {
	t.Parallel()
	packages := harness.Times(20, 500)
	w := user.scratch(t)
	user.shell(t, w, fmt.Sprintf(`mkdir t; cd t; mkdir -p one/src/lib/util one/test; for i in $(seq 24); do for d in . src src/lib test; do echo x > one/$d/f$i.ts; done; done; echo secret > one/.env; echo secret > one/src/key.pem; echo > one/package.json; echo secret > one/test/.env.local
for i in $(seq %d); do cp -r one p$i; done`, packages))
	files := 100 * (packages + 1)
	args := append(denyBox(w, "--mask-glob", "/t/**/.env*", "--mask-glob", "/t/**/*.pem"), "/bin/sh", "-c", "grep -rls secret /t; ls /t/p1/src | wc -l")
	plain := append(denyBox(w), "/bin/true")
	launch{who: user, args: plain}.run(t).OK(t, "") // what is read for the first time takes longer
	begin := time.Now()
	launch{who: user, args: plain}.run(t).OK(t, "")
	without := time.Since(begin)
	begin = time.Now()
	launch{who: user, args: append(slices.Clone(args[:len(args)-3]), "/bin/true")}.run(t).OK(t, "")
	t.Logf("%d files, %d of them masked: %v; %v without", files, 3*(packages+1), time.Since(begin), without)
	if o := (launch{who: user, args: args}).run(t); o.Status != "0" || o.Stdout != "26\n" {
		t.Error(o)
	}
}
