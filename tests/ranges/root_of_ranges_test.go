package ranges_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// TestDealing: root of several ids gives files away, takes them back, switches to another id,
// sends signals to others and drops the groups; other ids can do none of it.
func TestDealing(t *testing.T) {
	t.Parallel()
	const script = `cd /w
: > f; chown 33:44 f; mkdir d; chown 65:0 d; chmod 2770 d; ln -s f l; chown -h 7:8 l
setpriv --reuid 60 --regid 61 --groups 62,63 -- sh -ec 'id -u; id -G; umask 077; : > /w/s/own
if cat /w/s/secret 2>&-; then exit 1; fi; if chown 60:1 /w/f 2>&-; then exit 1; fi'
setpriv --reuid 70 --regid 70 --clear-groups sleep 1000 & n=0
until grep -q sleep /proc/$!/comm || [ $n = 20000 ]; do n=$((n+1)); sleep 0.01; done
{ kill $!; wait $! || echo killed; } 2>&-
chown 33 s/own
`
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			if !s.deals {
				continue
			}
			for _, more := range [][]string{nil, {"--unshare-all", "--proc", "/proc", "--dev", "/dev"}, {"--unshare-all", "--disable-userns", "--proc", "/proc"}} {
				t.Run(strings.Join(append([]string{who.name, s.name}, more...), " "), func(t *testing.T) {
					t.Parallel()
					dir := outer(t, s)
					shell(t, dir, fmt.Sprintf("mkdir s; chown %d:%d s; chmod 1777 s; echo no > s/secret; chmod 600 s/secret; chown %[1]d:%[2]d s/secret", s.at, s.atg))
					who.run(t, script, slices.Concat(more, s.options, []string{"--bind", dir, "/w"})...).OK(t, "60\n61 62 63\nkilled\n")
					for name, ids := range map[string][2]uint32{"f": {33, 44}, "d": {65, 0}, "l": {7, 8}, "s/own": {33, 61}} {
						want := fmt.Sprintf("%d:%d", outside(t, s.uids, ids[0]), outside(t, s.gids, ids[1]))
						if have := owner(t, filepath.Join(dir, name)); !strings.HasPrefix(have, want+" ") {
							t.Errorf("%s belongs to %s, want %s", name, have, want)
						}
					}
				})
			}
		}
	}
}

// TestNotDealing: who is not root inside, or gives the capabilities up, may do as little
// as outside.
func TestNotDealing(t *testing.T) {
	t.Parallel()
	for _, s := range shapes(granted) {
		options := s.options
		if s.deals {
			options = append(slices.Clone(options), "--cap-drop", "ALL")
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := outer(t, s)
			o := granted.run(t, not+`cd /w; : > f; not chown 1:1 f; not setpriv --reuid 1 true; not setpriv --clear-groups true
grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000 || echo none`, append(options, "--bind", dir, "/w")...)
			if o.Status != "0" || o.Stdout != "none\n" || strings.Count(o.Stderr, "\n") != 3 {
				t.Errorf("%s", o)
			}
		})
	}
}

// outer makes a directory that belongs to who the command is outside.
func outer(t *testing.T, s shape) string {
	t.Helper()
	dir := root.scratch(t)
	shell(t, dir, fmt.Sprintf("chown %d:%d .", s.at, s.atg))
	return dir
}

// outside is who an id stands for, by the lines of a map.
func outside(t *testing.T, lines []string, id uint32) uint32 {
	t.Helper()
	for _, l := range lines {
		var in, out, count uint32
		if _, err := fmt.Sscan(l, &in, &out, &count); err != nil {
			t.Fatal(err)
		}
		if id >= in && id-in < count {
			return out + id - in
		}
	}
	t.Fatalf("%d is nobody in %q", id, lines)
	return 0
}

// TestCapabilities: what root of several ids has, and that no program gets more.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	const script = `grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status | cut -f2`
	const ranges = "00000000800400fb" // chown dac_override fowner fsetid kill setgid setuid sys_chroot setfcap
	for options, want := range map[string]string{
		"":                                   ranges,
		"--cap-drop CAP_KILL":                "00000000800400db",
		"--cap-add CAP_SYS_ADMIN":            "00000000802400fb",
		"--cap-drop ALL --cap-add CAP_CHOWN": "0000000000000001",
	} {
		o := granted.run(t, script, append([]string{"--map-auto", "--map-root-user"}, strings.Fields(options)...)...)
		o.OK(t, strings.Repeat(want+"\n", 3))
	}
	// Gone with the uid, as root's are.
	granted.run(t, "setpriv --reuid 1 --regid 1 --clear-groups grep CapPrm /proc/self/status | cut -f2", "--map-auto", "--map-root-user").
		OK(t, strings.Repeat("0", 16)+"\n")
	// Without ranges root inside has nothing, as ever.
	granted.run(t, "grep CapPrm /proc/self/status | cut -f2", "--map-root-user").OK(t, strings.Repeat("0", 16)+"\n")
}

// TestTerminals: a devpts instance belongs to root inside; with ranges it is there without a
// second user namespace, so that ids are seen from outside by their map.
func TestTerminals(t *testing.T) {
	t.Parallel()
	for _, s := range shapes(granted) {
		if s.name == "root-alone" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := granted.run(t, `stat -c %u:%g /dev/pts; script -qec 'stat -c %u $(tty)' /dev/null | tr -d '\r'; readlink /proc/self/ns/user; cat /proc/self/uid_map`,
				append([]string{"--dev", "/dev", "--tmpfs", "/tmp", "--unshare-pid", "--proc", "/proc"}, s.options...)...)
			lines := strings.SplitN(o.Stdout, "\n", 4)
			if o.Status != "0" || len(lines) < 4 || lines[0] != "0:0" || lines[1] != fmt.Sprint(s.uid) || lines[3] != strings.Join(s.uids, "\n")+"\n" {
				t.Errorf("%s", o)
			}
		})
	}
}

// TestMade: what the launcher makes for the command is the command's.
func TestMade(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			for _, e := range testcmd.Engines(t, enosys) {
				t.Run(strings.Join([]string{who.name, s.name, e.Name}, "/"), func(t *testing.T) {
					t.Parallel()
					var files []*os.File
					for range 3 {
						r, w := pipe(t)
						_, _ = w.WriteString("data")
						_ = w.Close()
						files = append(files, r)
					}
					args := append(box(append(s.options, "--tmpfs", "/m", "--dir", "/m/dir/below", "--file", "3", "/m/file", "--symlink", "x", "/m/link",
						"--perms", "0640", "--bind-data", "4", "/m/data", "--ro-bind-data", "5", "/m/ro", "--dir", "/m/l2", "--mqueue", "/m/q", "--unshare-ipc")...),
						"sh", "-ec", "cd /m; stat -c %u:%g . dir dir/below file link data ro l2 / | sort -u; cat file data ro; echo more >> file; echo more >> data")
					o := launch{who: who, wrap: e.Wrap, args: args, files: files}.run(t)
					o.OK(t, fmt.Sprintf("%d:%d\ndatadatadata", s.uid, s.gid))
				})
			}
		}
	}
}

// TestDisabledStaysDisabled: root of several ids, with all capabilities in its user
// namespace, makes none below it, and does not come back up.
func TestDisabledStaysDisabled(t *testing.T) {
	t.Parallel()
	const script = not + `echo 100 > /proc/sys/user/max_user_namespaces || :; not unshare --user true; not setpriv --reuid 5 unshare --user true
not nsenter --user=/proc/1/ns/user true; cat /proc/self/uid_map | wc -l`
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			if s.name == "root-alone" {
				continue
			}
			o := who.run(t, "exec 2>&-; "+script, append(s.options, "--cap-add", "ALL", "--disable-userns", "--unshare-pid", "--proc", "/proc")...)
			o.OK(t, fmt.Sprintln(len(s.uids)))
			if o := who.run(t, "unshare --user echo in", s.options...); o.Stdout != "in\n" {
				t.Errorf("the control: %s", o)
			}
		}
	}
}
