package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// quote makes a word of a shell of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// The names of host directories are anything.
func TestOddNamesOfMountPoints(t *testing.T) {
	t.Parallel()
	names := []string{
		"with space", "new\nline", "tab\there", `back\slash`, `\040`, "comma,colon:", "#hash", "ümläut-日本", "'quotes\"",
		strings.Repeat("n", 255), "\x01\x7f\xff", "deleted (deleted)", "//deleted", "-option", " ", "*",
	}
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		var host strings.Builder
		command := append(box("--ro-bind", dir, "/d"), "/h/probe")
		for _, name := range names {
			name = strings.ReplaceAll(name, "//", "")
			path := quote(filepath.Join(dir, name, "x"))
			fmt.Fprintf(&host, "mkdir -p -- %s; mount -t tmpfs none %s; mkdir %s/below; mount -t tmpfs none %s/below\n", path, path, path, path)
			command = append(command, "writable", "/d/"+name+"/x", "writable", "/d/"+name+"/x/below")
		}
		o := launch{who: who, wrap: e.Wrap, host: host.String(), args: command}.run(t)
		if n := strings.Count(o.Stdout, "write: EROFS"); o.Status != "0" || n != 2*len(names) || strings.Contains(o.Stdout, ": ok") {
			t.Errorf("%d of %d mounts are read-only: %s", n, 2*len(names), o)
		}
	})
}

// flagged are host mounts with flags, which stay in the sandbox.
const flagged = `for f in nosuid nodev noexec noatime nodiratime relatime strictatime nosymfollow ro; do
	mkdir -p $D/$f; mount -t tmpfs -o $f none $D/$f
done
mkdir -p $D/many; mount -t tmpfs -o nosuid,nodev,noexec,noatime,nosymfollow none $D/many`

// mountFlags are the flags of the mounts below a directory, from mountinfo.
func mountFlags(mountinfo, below string) map[string][]string {
	flags := map[string][]string{}
	for line := range strings.SplitSeq(mountinfo, "\n") {
		fields := strings.Fields(line)
		if len(fields) > 5 && strings.HasPrefix(fields[4], below+"/") {
			flags[strings.TrimPrefix(fields[4], below+"/")] = strings.Split(fields[5], ",")
		}
	}
	return flags
}

func TestFlagsOfHostMountsStay(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		host := strings.ReplaceAll(flagged, "$D", dir)
		outside := launch{who: who, host: host, args: []string{"cat", "/proc/self/mountinfo"}}.run(t)
		want := mountFlags(outside.Stdout, dir)
		if len(want) != 10 {
			t.Fatal(outside)
		}
		for option, added := range map[string][]string{
			"--bind": {"nosuid", "nodev"}, "--ro-bind": {"nosuid", "nodev", "ro"}, "--dev-bind": {"nosuid"},
		} {
			for _, more := range [][]string{nil, {"--unshare-user"}} {
				args := append(box(append(more, option, dir, "/d", "--ro-bind", "/proc", "/proc")...), "/h/probe", "show", "/proc/self/mountinfo")
				o := launch{who: who, wrap: e.Wrap, host: host, args: args}.run(t)
				have := mountFlags(o.Stdout, "/d")
				for name, flags := range want {
					for _, flag := range append(flags, added...) {
						if flag != "rw" && !slices.Contains(have[name], flag) {
							t.Errorf("%s: %s lost %s: %v (outside %v) %s", option, name, flag, have[name], flags, o.Stderr)
						}
					}
					for _, flag := range have[name] {
						if flag != "rw" && !slices.Contains(flags, flag) && !slices.Contains(added, flag) {
							t.Errorf("%s: %s has won %s: %v (outside %v)", option, name, flag, have[name], flags)
						}
					}
				}
			}
		}
	})
}

// Even root in its user namespace cannot undo what the host forbids, and nobody below
// a sandbox can undo what the binds forbid.
func TestReadOnlyCannotBeUndone(t *testing.T) {
	t.Parallel()
	undone := regexp.MustCompile(`(?m)^(remount rw|setattr|write): ok$`)
	inner := []string{"/h/gobwrap", "--unshare-user", "--bind", "/", "/", "--cap-add", "ALL", "--"}
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		host := fmt.Sprintf("mkdir -p %[1]s/sub; mount -t tmpfs -o ro none %[1]s/sub; chmod 1777 %[1]s", dir)
		mighty := []string{"--unshare-user", "--uid", "0", "--bind", dir, "/d", "--cap-add", "ALL"}
		if who.setuid {
			o := launch{who: who, wrap: e.Wrap, args: append(box(mighty...), "/h/probe")}.run(t)
			o.notInSetuid(t, "--cap-add")
			mighty = mighty[:len(mighty)-2]
		}
		for _, args := range [][]string{
			append(box(mighty...), "/h/probe", "rw", "/d/sub"),
			append(box("--unshare-user", "--uid", "0", "--cap-drop", "ALL", "--ro-bind", dir, "/d"), "/h/probe", "rw", "/d", "rw", "/d/sub"),
			slices.Concat(box("--unshare-user", "--unshare-pid", "--proc", "/proc", "--ro-bind", dir, "/d"), inner, []string{"/h/probe", "rw", "/d/sub"}),
		} {
			o := launch{who: who, wrap: e.Wrap, host: host, args: args}.run(t)
			if o.Status != "0" || undone.MatchString(o.Stdout) || !strings.Contains(o.Stdout, "EPERM") {
				t.Errorf("%v: %s", args, o)
			}
		}
	})
}

// Mounts that others cover, and the places they hide, do not disturb.
func TestHiddenMounts(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		host := fmt.Sprintf(`cd %s; mkdir -p a/b c/d e; mount -t tmpfs x a/b; mount -t tmpfs y a; : > a/file
			mount -t tmpfs x c; mkdir c/d; mount -t tmpfs x c/d; mount -t tmpfs y c; mkdir c/d; mount -t tmpfs y c/d
			mount -t tmpfs x e; mount -t tmpfs y e; mount -t tmpfs z e; : > f; mount --bind /etc/passwd f; mount --bind /etc/group f; chmod 1777 c/d e`, dir)
		for _, option := range []string{"--ro-bind", "--bind"} {
			args := append(box("--unshare-user", option, dir, "/d"), "/h/probe", "writable", "/d/c/d", "writable", "/d/e")
			o := launch{who: who, wrap: e.Wrap, host: host, args: args}.run(t)
			want := map[string]int{"--ro-bind": 2, "--bind": 0}[option]
			if o.Status != "0" || strings.Count(o.Stdout, "write: EROFS") != want {
				t.Errorf("%s: %s", option, o)
			}
		}
	})
}

// What mounts of the host hide from a user stays hidden, also where a recursive bind
// leaves out the mount that does it, as root's does here at first.
func TestHiddenStaysHidden(t *testing.T) {
	t.Parallel()
	const hiding = "mount -t tmpfs x %[1]s/s; mount --make-unbindable %[1]s/s; mount -t tmpfs y %[1]s/u; mkdir %[1]s/s/t"
	show := []string{"/h/probe", "show", "/d/file", "show", "/d/s/file", "show", "/d/s/t/file", "show", "/d/u/file"}
	newHost := func(t *testing.T) (dir, host string) {
		t.Helper()
		dir = user.scratch(t)
		user.shell(t, dir, "mkdir -p s/t u b; echo secret > s/file; echo secret > s/t/file; echo secret > u/file; echo plain > file")
		return dir, fmt.Sprintf(hiding, dir)
	}
	dir, host := newHost(t)
	launch{who: root, dir: dir, host: host + "; mount --rbind . b", args: []string{"cat", "b/s/file"}}.run(t).OK(t, "secret\n")
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			for _, wrap := range orWithoutLocks(who, e) {
				dir, host := newHost(t)
				for _, options := range [][]string{
					{"--ro-bind", dir, "/d"},
					{"--unshare-user", "--bind", dir, "/d"},
					{"--ro-bind", dir + "/s", "/d/s", "--ro-bind", dir + "/u", "/d/u"},
				} {
					o := launch{who: who, wrap: wrap, host: host, args: append(box(options...), show...)}.run(t)
					if strings.Contains(o.Stdout, "secret") || o.Status != "0" && (o.Status != "1" || o.Message("gobwrap") != "") {
						t.Errorf("%s %q: %s", e.Name, options, o)
					}
				}
			}
		}
	})
}

// In setuid mode mounts of the host's that cannot be bound are bound nevertheless, and whatever their
// propagation was, all mounts inside are slaves or private: nothing propagates between binds, either.
func TestEveryMountIsBound(t *testing.T) {
	t.Parallel()
	const hiding = `cd %s; mount -t tmpfs a a; mount --make-shared a; mkdir a/b
mount -t tmpfs b a/b; mkdir a/b/c; echo secret > a/b/c/file; mount -t tmpfs c a/b/c; mkdir a/b/c/d
mount -t tmpfs d a/b/c/d; mount --rbind a k; mount --make-slave k; mount --make-shared k
mount --make-private a/b; mount --make-unbindable a/b; mount --make-private a/b/c; mount --make-unbindable a/b/c/d
mount -t tmpfs e o; echo secret > o/file; mount -t tmpfs f o; mount --make-unbindable o`
	eachUser(t, func(t *testing.T, who identity) {
		if !who.forced {
			return // where the kernel alone decides, such a bind fails, or leaves mounts out
		}
		for _, e := range engines(t) {
			for _, wrap := range orWithoutLocks(who, e) {
				for _, option := range []string{"--bind", "--ro-bind"} {
					dir := user.scratch(t)
					user.shell(t, dir, "mkdir a k o")
					args := append(box(option, dir, "/d", "--ro-bind", "/proc", "/proc"), "/h/probe", "show", "/d/a/b/c/file", "show", "/d/k/b/c/file", "show", "/d/o/file", "show", "/proc/self/mountinfo")
					o := launch{who: who, wrap: wrap, host: fmt.Sprintf(hiding, dir) + "; cd /", args: args}.run(t)
					// a, b, c and d twice, and two on o.
					if n := strings.Count(o.Stdout, " /d/"); n != 10 || o.Status != "0" || strings.Contains(o.Stdout, "secret") || regexp.MustCompile(`/d\S* .*(shared:|unbindable)`).MatchString(o.Stdout) {
						t.Errorf("%s %s: %d mounts: %s", e.Name, option, n, o)
					}
				}
			}
		}
	})
}

// orWithoutLocks returns what goes in front of a launch by an engine: the engine's, and in setuid mode
// also a filter by which root cannot make user namespaces, so that the kernel neither locks mounts
// together nor judges a new proc.
func orWithoutLocks(who identity, e engine) [][]string {
	wraps := [][]string{e.Wrap}
	if who.forced && len(e.Wrap) == 0 {
		wraps = append(wraps, []string{enosys, "-e", "EPERM", "-n", fmt.Sprintf("%d:0=0x10000000/0x10000000", unix.SYS_CLONE), "--"})
	}
	return wraps
}

// Where parts of the host's /proc are covered, as in containers, or its flags are not the ordinary
// ones, a new one would show or permit more: there is none. In setuid mode this also holds where root
// cannot make user namespaces, so that the kernel does not check it.
func TestCoveredProc(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			for _, wrap := range orWithoutLocks(who, e) {
				for _, host := range []string{
					"mount -t tmpfs none /proc/irq",
					"mount -t tmpfs none /proc/irq; mount --make-unbindable /proc/irq",
					"mount -t tmpfs none /proc/irq; mount -t tmpfs none /proc/fs/nfsd",
					"mount --bind /dev/null /proc/version",
					"mount --bind /proc/sys /proc/sys",
					"mount -t tmpfs none /proc/fs; mkdir /proc/fs/nfsd; mount -t tmpfs none /proc/fs/nfsd",
					"mount -o remount,bind,noatime /proc",
				} {
					for _, more := range [][]string{nil, {"--unshare-user"}} {
						if more != nil && len(wrap) != len(e.Wrap) {
							continue // there is no user namespace
						}
						args := append(box(append(more, "--unshare-pid", "--proc", "/proc")...), "/h/probe", "echo", "in")
						launch{who: who, wrap: wrap, host: host, args: args}.run(t).Refused(t, "Can't mount proc on /newroot/proc")
					}
				}
				// What lies on a directory that is empty in every proc covers nothing.
				for _, host := range []string{
					"mount -t tmpfs none /proc/fs/nfsd",
					"mount -t tmpfs none /proc/fs/nfsd; mkdir /proc/fs/nfsd/d; mount -t tmpfs none /proc/fs/nfsd/d; mount --make-unbindable /proc/fs/nfsd",
					"for n in 1 2; do mount -t tmpfs none /proc/sys/fs/binfmt_misc; done",
				} {
					args := append(box("--unshare-pid", "--proc", "/proc"), "/h/probe", "echo", "in")
					launch{who: who, wrap: wrap, host: host, args: args}.run(t).OK(t, "in\n")
				}
			}
		}
	})
}

// A thousand mounts on the host are all read-only inside.
func TestThousandMounts(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		if e.Name == "refused" {
			return
		}
		dir := root.scratch(t)
		host := fmt.Sprintf("cd %s; mkdir m; mount -t tmpfs none m; cd m; i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done | xargs mkdir; /usr/bin/env true; %s many . 1000", dir, probe)
		args := append(box("--ro-bind", dir, "/d", "--ro-bind", "/proc", "/proc"), "/h/probe", "show", "/proc/self/mountinfo")
		o := launch{who: who, wrap: e.Wrap, host: host, args: args}.run(t)
		n := 0
		for _, flags := range mountFlags(o.Stdout, "/d/m") {
			if slices.Contains(flags, "ro") && slices.Contains(flags, "nosuid") && slices.Contains(flags, "nodev") {
				n++
			}
		}
		if o.Status != "0" || n != 1000 {
			t.Errorf("%d mounts are read-only: status %s, %s", n, o.Status, o.Stderr)
		}
	})
}

// What the host mounts while the sandbox is there, and what the sandbox mounts, does
// not come out.
func TestNothingPropagatesOut(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := who.scratch(t)
		host := fmt.Sprintf("mount --make-rshared /; mkdir -p %[1]s/d; mount -t tmpfs none %[1]s/d; mount --make-shared %[1]s/d; mkdir %[1]s/d/x; chmod -R 0777 %[1]s/d", dir)
		words := slices.Concat(e.Wrap, box("--bind", dir+"/d", "/d", "--tmpfs", "/d/x", "--tmpfs", "/d/y"), []string{"/h/probe"})
		shell := []string{"/bin/sh", "-ec", `"$@"; cat /proc/self/mountinfo`, "sh"}
		o := launch{who: who, host: host, wrap: shell, args: words}.run(t)
		if o.Status != "0" || strings.Contains(o.Stdout, dir+"/d/") || !strings.Contains(o.Stdout, dir+"/d ") {
			t.Errorf("status %s, %s", o.Status, o.Stderr)
		}
	})
}
