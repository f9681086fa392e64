package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// Links that mean no harm do what they say, inside.
func TestHonestLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, setup, options, command, want string }{
		{"directory", "mkdir d/real; ln -s real d/latest", "--ro-bind $W/src /d/latest", "cat /d/real/f", "s"},
		{"absolute", "mkdir d/real; ln -s /d/real d/latest", "--ro-bind $W/src /d/latest", "cat /d/real/f", "s"},
		{"below", "mkdir -p d/real/x; ln -s /d/real d/latest", "--ro-bind $W/src /d/latest/x", "cat /d/real/x/f", "s"},
		{"chain", "mkdir d/real; ln -s real d/a; ln -s /d/a d/b; ln -s ../d/b d/c", "--ro-bind $W/src /d/c", "cat /d/real/f", "s"},
		{"var-run", "true", "--dir /run --dir /var --symlink /run /var/run --ro-bind $W/src /var/run/x", "cat /run/x/f", "s"},
		{"var-run-relative", "true", "--dir /run --dir /var --symlink ../run /var/run --tmpfs /var/run/user --dir /var/run/user/1", "ls /run/user", "1"},
		{"merged-usr", "true", "--dir /q/lib64 --symlink q/lib64 /l64 --ro-bind $W/src /l64/x", "cat /q/lib64/x/f", "s"},
		{"dangling-file", "ln -s /d/made d/link", "--ro-bind $W/src/f /d/link", "cat /d/made", "s"},
		{"dangling-data", "ln -s made d/link", "--ro-bind-data 3 /d/link", "cat /d/made", "data"},
		{"written", "ln -s made d/link", "--file 3 /d/link", "cat /d/made", "data"},
		{"above-the-root", "mkdir d/real; ln -s ../../../../d/real d/up", "--ro-bind $W/src /d/up", "cat /d/real/f", "s"},
		{"dots", "mkdir -p d/real/x", "--ro-bind $W/src //d/./real/x/../x/", "cat /d/real/x/f", "s"},
		{"bind-fd-on-a-link", "mkdir d/real; ln -s real d/latest", "--ro-bind-fd 4 /d/latest", "cat /d/real/f", "s"},
		{"tmpfs-on-a-link", "mkdir d/real; echo h > d/real/f; ln -s real d/latest", "--tmpfs /d/latest", "ls /d/real", ""},
		{"proc-on-a-link", "mkdir d/real; ln -s real d/latest", "--unshare-pid --proc /d/latest", "cat /d/real/1/comm", "gobwrap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachSide(t, func(t *testing.T, who identity, e engine) {
				w := who.scratch(t)
				who.shell(t, w, "mkdir d src; echo s > src/f; printf data > data; "+c.setup)
				options := strings.Fields(strings.ReplaceAll(c.options, "$W", w))
				args := append(box("--ro-bind", "/usr", "/usr", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/lib", "/lib",
					"--symlink", "usr/bin", "/bin", "--bind", w+"/d", "/d"), strings.Fields(c.command)...)
				end := len(args) - len(strings.Fields(c.command)) - 1
				args = append(append(args[:end:end], options...), args[end:]...)
				data, dir := open(t, w+"/data"), open(t, w+"/src")
				o := launch{who: who, wrap: e.Wrap, args: args, files: []*os.File{data, dir}}.run(t)
				o.Stdout = strings.TrimSpace(o.Stdout)
				o.OK(t, c.want)
			})
		})
	}
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Directories that may be passed through but not read are enough on the way.
func TestSearchOnlyParents(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			w := root.scratch(t)
			root.shell(t, w, "mkdir -p a/b/src d/c; echo s > a/b/src/f; mkdir d/c/e; chmod 0711 a a/b d d/c")
			args := append(box("--bind", w+"/d", "/d", "--ro-bind", w+"/a/b/src", "/d/c/e"), "/h/probe", "echo", "in")
			launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, "in\n")
		}
	})
}

// An attacker exchanges a directory and a link all the time, while sandboxes whose
// destinations lead through it start.
func TestRacingAttacker(t *testing.T) {
	t.Parallel()
	launches := harness.Times(10, 75)
	eachSide(t, func(t *testing.T, who identity, e engine) {
		if e.Name == "refused" {
			return // resolves paths as classic does
		}
		for _, link := range []string{"abs", "rel", "climb"} {
			t.Run(link, func(t *testing.T) {
				f := newField(t, who)
				stop := f.attack(t, link)
				operations := f.operations()
				ran := 0
				for i := range launches {
					operation := operations[i%len(operations)]
					changed, o := f.try(t, box()[:4], e.Wrap, []string{"--unshare-pid", "--unshare-ipc"}, operation, fmt.Sprintf("/d/here/x%d", i))
					if changed != "" {
						t.Fatalf("launch %d, %s, changed the host:\n%swas:\n%s", i, operation, changed, f.before)
					}
					if o.Status == "0" {
						ran++
					}
					f.judge(t, operation, o)
				}
				if ran == 0 {
					t.Error("no launch at all came through")
				}
				stop()
			})
		}
	})
}

// attack starts the attacker, who exchanges d/here with the link, and waits until it
// is at work; the function returned ends it.
func (f *field) attack(t *testing.T, link string) func() {
	t.Helper()
	here := filepath.Join(f.w, "d", "here")
	f.who.shell(t, f.w, "mkdir d/here")
	cmd := launch{who: f.who, args: []string{probe, "attack", f.w + "/d", "here", link}}.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := map[bool]bool{}
	for end := time.Now().Add(harness.Patience); len(seen) < 2 && time.Now().Before(end); {
		info, err := os.Lstat(here)
		seen[err == nil && info.Mode()&os.ModeSymlink != 0] = true
	}
	if len(seen) < 2 {
		t.Error("the attacker does nothing")
	}
	done := false
	stop := func() {
		if !done {
			done = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	return stop
}

// The race is a real one: bubblewrap 0.8 loses it.
func TestControlLosesTheRace(t *testing.T) {
	t.Parallel()
	program := []string{control, "--ro-bind", filepath.Join(base, "bin"), "/h"}
	f := newField(t, user)
	stop := f.attack(t, "abs")
	defer stop()
	for i := range 200 {
		if changed, _ := f.try(t, program, nil, nil, "--dir", fmt.Sprintf("/d/here/x%d", i)); changed != "" {
			return
		}
	}
	t.Errorf("%s did not lose once: the attack is not what it should be", control)
}
