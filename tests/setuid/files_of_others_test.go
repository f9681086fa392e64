package setuid_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// writers are the operations that make or change files below the new root.
func writers(fd uint32) map[string]func(dst string) step {
	return map[string]func(dst string) step{
		"dir":     func(dst string) step { return one(plan.OpDir, 0, 0, 0, 0, 0o777, 0o777).at(dst) },
		"file":    func(dst string) step { return file(fd, dst) },
		"data":    func(dst string) step { return data(fd, dst) },
		"symlink": func(dst string) step { return one(plan.OpSymlink, 0, 0, 0, 0, 0, 0o755).of("/etc/passwd").at(dst) },
		"tmpfs":   func(dst string) step { return one(plan.OpMount, 0, plan.MountTmpfs, 0, 0, 0o777, 0o755).at(dst) },
		"bind": func(dst string) step {
			s := one(plan.OpBind, 0, 0, 0, safe, 0, 0o755).at(dst)
			s.src = 3
			return s
		},
		"chmod":       func(dst string) step { return one(plan.OpChmod, 0, 0, 0, 0, 0o7777).at(dst) },
		"chmod-plain": func(dst string) step { return one(plan.OpChmod, 0, 0, 0, 0, 0o666).at(dst) },
	}
}

// TestFilesOfOthers: set-up makes and changes files below a bound directory with the user's rights
// only.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, clone uint32) {
		at := startOptions{fds: []int{devNull(t)}}
		var attacks []attack
		for flag, name := range map[uint32]string{0: "", plan.FlagInit: "init-"} {
			for op, make := range writers(4) {
				targets := []string{"root/new", "root/keep", "root/secret", "nobody/new", "nobody/secret", "nobody/ids", "other/secret", "mixed/secret", "mine/in/new", "mine/dir/../../root/new"}
				control := "/b/mine/new-" + name + op
				if strings.HasPrefix(op, "chmod") {
					targets = []string{"root", "root/keep", "root/secret", "root/ids", "nobody", "nobody/secret", "nobody/ids", "other", "other/ids", "mixed", "mixed/secret", "mine/in/ids"}
					control = "/b/mine/dir"
				}
				change := func(dst string) func(d *draft) {
					return func(d *draft) { d.flags |= flag; d.frame = append(d.frame, make(dst)) }
				}
				attacks = append(attacks, attack{name: "control-" + name + op, edit: change(control), want: ran})
				for _, target := range targets {
					if (op == "bind" || op == "data") && strings.HasPrefix(target, "root/") && target != "root/new" {
						continue // a mount on a file that is there changes nothing
					}
					attacks = append(attacks, attack{
						name: fmt.Sprint(name, op, "-", strings.ReplaceAll(target, "/", "-")),
						edit: change("/b/" + target),
						want: denied(unix.EACCES, unix.EPERM, unix.EEXIST, unix.ENOTDIR),
					})
				}
			}
		}
		thin(&attacks, clone)
		runAttacks(t, at, clone, attacks)
	})
}

// thin keeps a part of the attacks for each set of namespaces; together they are all.
func thin(attacks *[]attack, clone uint32) {
	part := map[uint32]int{plain: 0, user: 1, allButUser: 2, allButUser | user: 3}[clone]
	var some []attack
	for i, a := range *attacks {
		nobody := strings.HasPrefix(a.name, "nobody-mapped-") && clone&unix.CLONE_NEWUSER != 0
		if nobody && i%2 == part%2 || i%8 == part || strings.HasPrefix(a.name, "control-") {
			some = append(some, a)
		}
	}
	*attacks = some
}

// TestFilesOfOthersThroughLinks: no symbolic link of the user's, outside or inside, leads set-up to the
// host.
func TestFilesOfOthersThroughLinks(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, clone uint32) {
		var attacks []attack
		for op, make := range writers(4) {
			for _, target := range []string{"/b/mine/out/new", "/b/mine/self/tmp/new", "/l/new", "/../../../../b/root/new", "/t/../b/root/new"} {
				attacks = append(attacks, attack{
					name: op + strings.ReplaceAll(target, "/", "-"),
					edit: func(d *draft) {
						d.frame = append(d.frame, one(plan.OpSymlink, 0, 0, 0, 0, 0, 0o755).of("/proc/self/cwd").at("/l"), make(target))
					},
					// The link's target is looked up inside: the file is made there, or it fails.
					want: either(ran, denied(unix.EACCES, unix.EPERM, unix.ENOENT, unix.ELOOP, unix.ENOTDIR, unix.EEXIST)),
				})
			}
		}
		runAttacks(t, startOptions{fds: []int{devNull(t)}}, clone, attacks)
	})
}

// TestSourcesOfOthers: files that the user cannot access are not bound, locked, entered or executed.
func TestSourcesOfOthers(t *testing.T) {
	t.Parallel()
	eachNamespace(t, func(t *testing.T, clone uint32) {
		baitDir := bait(t)
		source := func(path string) func(d *draft) {
			return func(d *draft) {
				d.sources = append(d.sources, one(plan.OpSource, 0).of(path))
				bind := one(plan.OpBind, 0, 0, 0, safe, 0, 0o755).at("/t/x")
				bind.src = len(d.sources)
				d.frame = append(d.frame, bind)
			}
		}
		add := func(s step) func(d *draft) {
			return func(d *draft) {
				d.flags |= plan.FlagInit
				d.payload = append(d.payload, s)
			}
		}
		try := func(path string) func(d *draft) {
			return func(d *draft) { d.paths = []string{path} }
		}
		lock := func(path string) step { return one(plan.OpLock, 0).of(path) }
		attacks := []attack{
			{name: "lock", control: add(lock("/b/root/keep")), edit: add(lock("/b/root/secret")), want: denied()},
			{name: "lock-nobody's", edit: add(lock("/b/nobody/secret")), want: denied()},
			{name: "chdir", control: payload(one(plan.OpCaps, plan.FlagBounding), one(plan.OpChdir, 0).of("/b/root").at("PWD=/b/root")), edit: payload(one(plan.OpCaps, plan.FlagBounding), one(plan.OpChdir, 0).of("/b/nobody").at("PWD=/b")), want: denied()},
			{name: "exec", edit: try("/b/nobody/ids"), want: denied()},
			{name: "exec-other's", edit: try("/b/other/ids"), want: denied()},
			{name: "exec-mixed", edit: try("/b/mixed/ids"), want: denied()},
		}
		for _, path := range []string{"/nobody/secret", "/other/secret", "/mixed/secret"} {
			attacks = append(attacks, attack{name: "source" + strings.ReplaceAll(path, "/", "-"), control: source(baitDir + "/root/secret"), edit: source(baitDir + path), want: denied()})
		}
		runAttacks(t, startOptions{}, clone, attacks)
	})
}

// TestBaitControls: the controls for the bait: its owners can do what these tests deny, and its set-id
// program gives privilege outside.
func TestBaitControls(t *testing.T) {
	t.Parallel()
	baitDir := bait(t)
	if why := powerless("may mount: yes\n" + strings.Repeat("x", 3)); !strings.Contains(why, "may mount") || !strings.Contains(why, "not a complete report") {
		t.Errorf("a report of a process with privilege passes: %q", why)
	}
	s := newUserThread(t, me)
	if err := s.do(func() error {
		for _, path := range []string{"/root/secret", "/nobody/secret", "/other/secret", "/mixed/secret"} {
			if f, err := os.Open(baitDir + path); err == nil {
				_ = f.Close()
				return fmt.Errorf("the user may read %s", path)
			}
		}
		out, err := exec.Command(baitDir + "/root/ids").CombinedOutput()
		if want := fmt.Sprintf("bait: %d 0\n", me); string(out) != want {
			return fmt.Errorf("the bait gives %q (%v), want %q", out, err, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	for path, owner := range map[string]int{"/nobody/secret": 65534, "/other/secret": 12346, "/mixed/secret": 65534} {
		if err := newUserThread(t, owner).do(func() error { return os.Chmod(baitDir+path, 0o600) }); err != nil {
			t.Errorf("%d may not do it either: %v", owner, err)
		}
	}
	was := snapshot(baitDir)
	if err := os.WriteFile(baitDir+"/root/made", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d := difference(was, snapshot(baitDir)); !strings.Contains(d, "+ /root/made ") {
		t.Errorf("a new file is not seen: %q", d)
	}
}
