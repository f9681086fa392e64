package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// listing describes a tree: names, modes, owners, contents. The trees named in
// without are left out.
func listing(t *testing.T, dir string, without ...string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		for _, w := range without {
			if path == w {
				return fs.SkipDir
			}
		}
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&text, "%s %s %d %d", path, info.Mode(), st.Uid, st.Nlink)
		if info.Mode().IsRegular() {
			data, _ := os.ReadFile(path)
			fmt.Fprintf(&text, " %q", data)
		}
		text.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// field is a host tree with an attacker's links: d is what the sandbox gets, victim
// and the rest is what must not change. In setuid mode victim is root's, and everybody
// may write there: what set-up does by mistake shows, with privilege or without.
type field struct {
	w, before string
	who       identity
}

func newField(t *testing.T, who identity) *field {
	t.Helper()
	f := &field{w: who.scratch(t), who: who}
	who.shell(t, f.w, `mkdir d victim src; echo keep > victim/keep; echo s > src/f
		mkdir victim/dir; chmod 0750 victim; echo data > data`)
	if who.setuid {
		root.shell(t, f.w, "chown -R 0:0 victim; chmod -R 0777 victim")
	}
	for name, to := range f.links() {
		if err := os.Symlink(to, filepath.Join(f.w, "d", name)); err != nil {
			t.Fatal(err)
		}
	}
	f.before = f.look(t)
	return f
}

func (f *field) look(t *testing.T) string {
	t.Helper()
	return listing(t, f.w, filepath.Join(f.w, "d"))
}

// links are the attacker's, by name.
func (f *field) links() map[string]string {
	victim := f.w + "/victim"
	links := map[string]string{
		"abs":     "/oldroot" + victim,
		"rel":     "../../../../../../oldroot" + victim,
		"climb":   "../../../../../../../.." + victim,
		"host":    victim,
		"chain":   "host",
		"self":    "/proc/self/root" + victim,
		"oldself": "/proc/self/root/oldroot" + victim,
		"init":    "/proc/1/root" + victim,
		"cwd":     "/proc/self/cwd" + victim,
		"thread":  "/proc/thread-self/root" + victim,
	}
	for fd := 3; fd < 9; fd++ {
		links[fmt.Sprintf("fd%d", fd)] = fmt.Sprintf("/proc/self/fd/%d%s", fd, victim)
	}
	return links
}

// operations are all that act on a destination. The data comes from fd 3, the
// directory from fd 4.
func (f *field) operations() []string {
	src := f.w + "/src"
	return []string{
		"--dir", "--tmpfs", "--symlink target", "--file 3", "--bind-data 3", "--ro-bind-data 3",
		"--ro-bind " + src, "--bind " + src, "--bind " + src + "/f", "--dev-bind " + src, "--proc", "--dev", "--mqueue",
		"--chmod 0777", "--remount-ro", "--bind-fd 4", "--ro-bind-fd 4",
		"--overlay-src " + src + " --tmp-overlay", "--overlay-src " + src + " --overlay-src " + src + "/.. --ro-overlay",
	}
}

// try runs one operation and returns what changed on the host.
func (f *field) try(t *testing.T, program, wrap, surroundings []string, operation, destination string) (string, outcome) {
	t.Helper()
	data, err := os.Open(f.w + "/data")
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	dir, err := os.Open(f.w + "/src")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	args := append(program[:len(program):len(program)], surroundings...)
	args = append(args, "--bind", f.w+"/d", "/d")
	args = append(args, strings.Fields(operation)...)
	args = append(args, destination, "--", "/h/probe")
	o := launch{who: f.who, wrap: wrap, args: args, files: []*os.File{data, dir}}.run(t)
	if now := f.look(t); now != f.before {
		return now, o
	}
	return "", o
}

// judge reports whether a launch ended as it should: with success, or with a message. Overlays
// are not available to ordinary users in setuid mode, which refuses them.
func (f *field) judge(t *testing.T, operation string, o outcome) {
	t.Helper()
	if f.who.setuid && strings.Contains(operation, "overlay") {
		o.notInSetuid(t, operation[strings.LastIndex(operation, "--"):])
	} else if o.Status != "0" && (o.Status != "1" || o.Message("gobwrap") != "") {
		t.Errorf("%s: %s", operation, o)
	}
}

// CVE-2026-87766: nothing that is done to a destination shows on the host outside of
// the trees that were bound.
func TestDestinationsStayInside(t *testing.T) {
	t.Parallel()
	newProc := []string{"--unshare-pid", "--unshare-ipc", "--proc", "/proc"}
	hostProc := []string{"--unshare-ipc", "--bind", "/proc", "/proc"}
	eachSide(t, func(t *testing.T, who identity, e engine) {
		f := newField(t, who)
		program := box()[:4]
		thin, n := thinning(who, e)
		for link, target := range f.links() {
			for _, operation := range f.operations() {
				for _, destination := range []string{"/d/" + link + "/x", "/d/" + link} {
					if n++; n%thin != 0 {
						continue
					}
					surroundings := [][]string{newProc}
					if who.setuid && n%5 == 0 { // then set-up has no capability of the host's
						surroundings[0] = append([]string{"--unshare-user"}, newProc...)
					}
					if strings.HasPrefix(target, "/proc/") && e.Name == "new" && strings.HasPrefix(operation, "--dir") {
						surroundings = append(surroundings, hostProc)
					}
					for _, s := range surroundings {
						changed, o := f.try(t, program, e.Wrap, s, operation, destination)
						if changed != "" {
							t.Fatalf("%s %s (a link to %s) changed the host:\n%swas:\n%s", operation, destination, target, changed, f.before)
						}
						f.judge(t, operation+" "+destination, o)
					}
				}
			}
		}
	})
}

// thinning is what part of the combinations is tried, one in thin, and where counting starts:
// each of them by one of the users with the new calls, and a third of them with the older ones
// too. The long form tries
// each as an ordinary user with the new calls, as root with the older ones, and in setuid mode
// with both.
func thinning(who identity, e engine) (thin, start int) {
	switch {
	case e.Name == "refused":
		return 11, 0 // the same way as in classic
	case who == setuid, (e.Name == "new") == (who == user):
		thin = harness.Times(3, 1)
	default:
		thin = 3
	}
	return thin, slices.Index([]identity{root, user, setuid}, who)
}

// The same attacks work on bubblewrap 0.8, so the field is a real one.
func TestControlEscapes(t *testing.T) {
	t.Parallel()
	program := []string{control, "--ro-bind", filepath.Join(base, "bin"), "/h"}
	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		escapes := 0
		for _, destination := range []string{"/d/abs/x", "/d/rel/x", "/d/abs/keep"} {
			for _, operation := range []string{"--dir", "--tmpfs", "--file 3", "--symlink target", "--proc"} {
				f := newField(t, who)
				if changed, _ := f.try(t, program, nil, nil, operation, destination); changed != "" {
					escapes++
				}
			}
		}
		if escapes == 0 {
			t.Errorf("%s did not escape in any case: the attack is not what it should be", control)
		}
	})
}

// The command's directory and the lock file are looked up in the sandbox too, where
// links of /proc could lead to descriptors of set-up (CVE-2024-21626).
func TestWorkingDirectoryStaysInside(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		f := newField(t, who)
		who.shell(t, f.w, `mkdir -p victim/home tree/home; i=0; while [ $i -lt 40 ]; do ln -s /proc/self/fd/$i tree/$i; i=$((i+1)); done`)
		dir, err := os.Open(f.w + "/victim")
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		surroundings := []string{
			"--unshare-pid", "--proc", "/proc", "--bind", f.w + "/tree", "/tree", "--ro-bind-fd", "3", "/fd",
		}
		if !who.setuid { // which refuses overlays
			surroundings = append(surroundings, "--overlay-src", f.w+"/src", "--overlay-src", f.w+"/victim", "--ro-overlay", "/o")
		}
		for fd := 3; fd < 20; fd++ {
			where := fmt.Sprintf("/tree/%d", fd)
			for _, how := range [][]string{{"--chdir", where}, {"--setenv", "HOME", where}} {
				args := append(box(slices.Concat(surroundings, how)...), "/h/probe", "where")
				o := launch{who: who, wrap: e.Wrap, args: args, files: []*os.File{dir}, dir: f.w}.run(t)
				if o.Status == "0" && !strings.Contains("/ /tree /h", strings.TrimSpace(o.Stdout)) || o.Status != "0" && o.Message("gobwrap") != "" {
					t.Errorf("%s: the command's directory lies outside: %s", strings.Join(how, " "), o)
				}
			}
		}
	})
}
