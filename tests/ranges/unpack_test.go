package ranges_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// tree are files as a distribution's packages have them: owners and modes inside.
var tree = map[string]string{
	"etc/shadow":               "0:42 0640",
	"usr/bin/passwd":           "0:0 4755",
	"usr/bin/wall":             "0:5 2755",
	"var/mail":                 "0:8 2775",
	"var/cache/man":            "6:12 2755",
	"var/lib/www/index":        "33:33 0644",
	"var/spool/cron/crontabs":  "0:102 1730",
	"var/log/nobody":           "65534:65534 0600",
	"home/somebody":            "1000:1000 0750",
	"home/somebody/.profile":   "1000:1000 0600",
	"usr/bin/ping":             "0:0 0755", // with a capability
	"var/lib/private/own/deep": "999:998 0000",
}

// plant makes the tree outside, as root with all ids would, and packs it.
func plant(t *testing.T, dir string) {
	t.Helper()
	var script strings.Builder
	script.WriteString("mkdir t; cd t\n")
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		ids, mode, _ := strings.Cut(tree[name], " ")
		maker := ": >"
		if name == "var/mail" || name == "var/cache/man" || name == "home/somebody" || strings.HasSuffix(name, "crontabs") {
			maker = "mkdir"
		}
		fmt.Fprintf(&script, "mkdir -p %[1]s; %[2]s %[3]s; chown %[4]s %[3]s; chmod %[5]s %[3]s\n", filepath.Dir(name), maker, name, ids, mode)
	}
	script.WriteString(`setcap cap_net_raw+ep usr/bin/ping; ln usr/bin/passwd usr/bin/chfn; ln -s passwd usr/bin/chsh; chown -h 33:33 usr/bin/chsh
tar --xattrs --xattrs-include='*' -cpf ../t.tar .
mkdir DEBIAN; printf 'Package: tree\nVersion: 1\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: a tree\n' > DEBIAN/control
cd ..; dpkg-deb -Znone --nocheck -b t t.deb
rm -r t; chmod 644 t.tar t.deb
`)
	shell(t, dir, script.String())
}

// unpackings are the ways to get it unpacked inside.
var unpackings = map[string]string{
	"tar":        "mkdir r; tar --xattrs --xattrs-include='*' -C r -xpf /d/t.tar",
	"dpkg-deb":   "mkdir r; dpkg-deb -x /d/t.deb r",
	"dpkg":       "mkdir -p r/var/lib/dpkg/info r/var/lib/dpkg/updates; : > r/var/lib/dpkg/status; dpkg --root=/w/r --log=/tmp/log --install /d/t.deb >/dev/null",
	"dpkg-steps": "mkdir -p r/var/lib/dpkg/info r/var/lib/dpkg/updates; : > r/var/lib/dpkg/status; dpkg --root=/w/r --log=/tmp/log --unpack /d/t.deb >/dev/null; dpkg --root=/w/r --log=/tmp/log --configure -a >/dev/null",
}

// TestUnpack: a tree with many owners is unpacked by root inside; outside, its files have
// the ids that stand for these owners; another sandbox sees them as they are, and its root
// can take all away.
func TestUnpack(t *testing.T) {
	t.Parallel()
	packed := root.scratch(t)
	plant(t, packed)
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who)[:3] {
			if !s.deals {
				continue
			}
			for name, script := range unpackings {
				for _, e := range testcmd.Engines(t, enosys) {
					t.Run(strings.Join([]string{who.name, s.name, name, e.Name}, "/"), func(t *testing.T) {
						t.Parallel()
						dir := outer(t, s)
						in := func(script string, more ...string) testcmd.Outcome {
							args := append(box(slices.Concat(s.options, []string{"--ro-bind", packed, "/d", "--bind", dir, "/w", "--unshare-all", "--chdir", "/w"}, more)...), "sh", "-ec", script)
							return launch{who: who, wrap: e.Wrap, args: args}.run(t)
						}
						in(script, "--unshare-ipc").OK(t, "")
						seenOutside(t, s, filepath.Join(dir, "r"))
						if name == "tar" {
							in("getcap r/usr/bin/ping; stat -c %h r/usr/bin/passwd").OK(t, "r/usr/bin/ping cap_net_raw=ep\n2\n")
							out := shell(t, dir, "getcap -n r/usr/bin/ping")
							if want := fmt.Sprintf("cap_net_raw=ep [rootid=%d]", s.at); s.at != 0 && !strings.Contains(out, want) {
								t.Errorf("the capability is %q, want %s", out, want)
							}
						}
						in("cp /h/probe r; chroot r /probe echo in exit 7 || echo $?").OK(t, "in\n7\n")
						seenInside(t, in("cd r; stat -c '%u:%g %a %n' "+strings.Join(slices.Sorted(maps.Keys(tree)), " ")))
						in("rm -r r; ls -A").OK(t, "")
					})
				}
			}
		}
	}
}

func seenOutside(t *testing.T, s shape, dir string) {
	t.Helper()
	for name, want := range tree {
		var uid, gid, mode uint32
		if _, err := fmt.Sscanf(want, "%d:%d %o", &uid, &gid, &mode); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%d:%d %04o", outside(t, s.uids, uid), outside(t, s.gids, gid), mode)
		if have := owner(t, filepath.Join(dir, name)); have != want {
			t.Errorf("%s: %s, want %s", name, have, want)
		}
	}
	if have := owner(t, filepath.Join(dir, "usr/bin/chsh")); !strings.HasPrefix(have, fmt.Sprintf("%d:%d ", outside(t, s.uids, 33), outside(t, s.gids, 33))) {
		t.Errorf("the link belongs to %s", have)
	}
}

func seenInside(t *testing.T, o testcmd.Outcome) {
	t.Helper()
	seen := 0
	for line := range strings.Lines(o.Stdout) {
		var ids, name string
		var mode uint32
		if _, err := fmt.Sscanf(line, "%s %o %s", &ids, &mode, &name); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		seen++
		if have := fmt.Sprintf("%s %04o", ids, mode); have != tree[name] {
			t.Errorf("inside %s: %s, want %s", name, have, tree[name])
		}
	}
	if seen != len(tree) {
		t.Errorf("%d files: %s", seen, o)
	}
}

// TestAnotherUser: a sandbox with another --uid sees the same owners, except for the two that
// have changed places: the caller, and the id whose place the caller takes, which is 0.
func TestAnotherUser(t *testing.T) {
	t.Parallel()
	dir := granted.scratch(t)
	who := []string{"--map-auto", "--bind", dir, "/w", "--chdir", "/w"}
	granted.run(t, "for i in 0 1 32 33 34 1000 4210 65534; do : > $i; chown $i:$i $i; done; mkdir d; : > d/f; chown 33 d", append(who, "--map-root-user")...).OK(t, "")
	for _, c := range []struct{ id, want string }{
		{"0", "0 0:0 0\n1 1:1 1\n32 32:32 32\n33 33:33 33\n34 34:34 34\n1000 1000:1000 1000\n4210 4210:4210 4210\n65534 65534:65534 65534\n"},
		{"33", "0 33:33 0\n1 1:1 1\n32 32:32 32\n33 0:0 33\n34 34:34 34\n1000 1000:1000 1000\n4210 4210:4210 4210\n65534 65534:65534 65534\n"},
		{"", "0 4210:4210 0\n1 1:1 1\n32 32:32 32\n33 33:33 33\n34 34:34 34\n1000 1000:1000 1000\n4210 0:0 4210\n65534 65534:65534 65534\n"},
	} {
		options := who
		if c.id != "" {
			options = append(slices.Clone(who), "--uid", c.id, "--gid", c.id)
		}
		o := granted.run(t, "for i in 0 1 32 33 34 1000 4210 65534; do stat -c \"$i %u:%g %n\" $i; done", options...)
		o.OK(t, c.want)
	}
	// A user who is not root cannot change them, nor remove what lies in their directories
	// away, neither inside nor out; root inside can.
	o := granted.run(t, not+"not sh -c 'echo x > 33'; not rm -r d", append(slices.Clone(who), "--uid", "40")...)
	if o.Status != "0" || o.Stdout != "" || !strings.Contains(o.Stderr, "Permission denied") {
		t.Errorf("%s", o)
	}
	launch{who: granted, args: []string{"sh", "-ec", not + "not rm -r " + dir + "/d 2>&-"}}.run(t).OK(t, "")
	granted.run(t, "rm -r *; ls -A", append(who, "--map-root-user")...).OK(t, "")
}
