package e2e_test

import (
	"strings"
	"testing"
)

// TestDestinationHints: where a destination cannot be made, the hint names the part of its
// path that is at fault and the option that it comes from. The message is bubblewrap's.
func TestDestinationHints(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := root.scratch(t)
		root.shell(t, dir, "mkdir -p closed/x; : > file; chmod 0700 closed")
		for _, c := range []struct{ options, message, hint string }{
			{"--ro-bind /dev/null /X/a --dir /X/a/b", "Can't mkdir parents for /X/a/b: Not a directory", "/X/a is not a directory: --ro-bind /dev/null /X/a created it"},
			{"--ro-bind /dev/null /X/a --tmpfs /X/a/b/c", "Can't mkdir parents for /X/a/b/c: Not a directory", "/X/a is not a directory: --ro-bind /dev/null /X/a created it"},
			{"--ro-bind /dev/null /X/a --ro-bind $D/file /X//./a/b/c", "Can't mkdir parents for /X/a/b/c: Not a directory", "/X/a is not a directory: --ro-bind /dev/null /X/a created it"},
			{"--ro-bind $D /d --tmpfs /d/file/x", "Can't mkdir parents for /d/file/x: Not a directory", "/d/file is not a directory: it is part of --ro-bind $D /d"},
			{"--ro-bind $D /d --ro-bind $D/file /x --tmpfs /d/file/x", "Can't mkdir parents for /d/file/x: Not a directory", "/d/file is not a directory: it is part of --ro-bind $D /d"},
			{"--ro-bind $D/file /x --tmpfs /x", "Can't mkdir /x: Not a directory", "/x is not a directory: --ro-bind $D/file /x created it"},
			{"--tmpfs /x --ro-bind $D/file /x", "Can't create file at /x: Is a directory", "/x is a directory: --tmpfs /x created it"},
			{"--ro-bind $D /d --dir /d/new", "Can't mkdir /d/new: Read-only file system", "the destination lies on a read-only mount (--ro-bind $D /d); mount a tmpfs or a writable bind above it first"},
			{"--ro-bind $D /d --symlink a /d/new", "Can't make symlink at /d/new: Read-only file system", "the destination lies on a read-only mount (--ro-bind $D /d); mount a tmpfs or a writable bind above it first"},
			{"--dir /x --symlink a /x", "Can't make symlink at /x: File exists", "/x is there already: --dir /x created it"},
			{"--ro-bind $D /d --dir /d/closed/x/y", "Can't mkdir parents for /d/closed/x/y: Permission denied", "/d/closed does not admit the user: it is part of --ro-bind $D /d"},
			{"--symlink X/a /l --ro-bind /dev/null /X/a --dir /l/b", "Can't mkdir parents for /l/b: Not a directory", ""},
		} {
			if who.id == 0 && strings.Contains(c.options, "closed") {
				continue
			}
			fill := func(s string) string { return strings.ReplaceAll(s, "$D", dir) }
			o := launch{who: who, wrap: e.Wrap, args: append(box(strings.Fields(fill(c.options))...), "/h/probe")}.run(t)
			o.Refused(t, fill(c.message))
			// Behind a filter a hint about that may stand in place of it where it could be the cause.
			if e.Name != "new" && strings.Contains(o.Stderr, "seccomp filter") {
				continue
			}
			if want := fill(c.hint); want != "" && !strings.Contains(o.Stderr, "hint: "+want+"\n") || want == "" && strings.Contains(o.Stderr, "hint:") {
				t.Errorf("%s: hint %q: %s", c.options, want, o)
			}
		}
	})
}

// TestOverlayHints: the kernel has one errno for all that is wrong with the layers of an
// overlay; the hint names the layer, and what is wrong.
func TestOverlayHints(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			dir := root.scratch(t)
			const host = `cd $D; mkdir -p lo lo/in mnt/sub disk ov/l ov/u ov/w ov/m
mount -t tmpfs none mnt/sub; mount -t tmpfs none disk; : > file; mkdir -p disk/up disk/work disk/work2 disk/up/in disk/other ro
mount --bind disk/up ro; mount -o remount,bind,ro ro; mount -t tmpfs none disk/other; mkdir disk/other/work
mount -t tmpfs none ov; mkdir ov/l ov/u ov/w ov/m; mount -t overlay none -o lowerdir=ov/l,upperdir=ov/u,workdir=ov/w ov/m; mkdir ov/m/up ov/m/work
chown -R $ID:$ID disk ov`
			for _, c := range []struct{ options, hint string }{
				{"--overlay-src file --tmp-overlay /o", "the layer file is not a directory"},
				{"--overlay-src lo --overlay file disk/work /o", "the upper directory file is not a directory"},
				{"--overlay-src lo --overlay disk/up file /o", "the work directory file is not a directory"},
				{"--overlay-src lo --overlay ov/m/up ov/m/work /o", "the upper directory ov/m/up lies on an overlay"},
				{"--overlay-src lo --overlay ro disk/work /o", "the upper directory ro lies on a read-only mount"},
				{"--overlay-src lo --overlay disk/up disk/other/work /o", "the upper directory disk/up and the work directory disk/other/work must lie on the same mount"},
				{"--overlay-src lo --overlay disk/up disk/up /o", "must be two directories"},
				{"--overlay-src lo --overlay disk/up disk/up/in /o", "must not contain each other"},
				{"--overlay-src lo --overlay-src lo/in --ro-overlay /o", "the layer lo/in lies in the layer lo"},
				{"--overlay-src lo --overlay-src mnt --ro-overlay /o", "a mount lies below the layer mnt, on $D/mnt/sub"},
			} {
				if who.id == 0 && strings.Contains(c.options, "mnt") {
					continue // the host's root may cover mounts
				}
				fill := strings.NewReplacer("$D", dir, "$ID", "12345").Replace
				o := launch{who: who, wrap: e.Wrap, host: fill(host), args: append(box(strings.Fields(c.options)...), "/h/probe")}.run(t)
				o.Refused(t, "Can't make overlay mount on /newroot/o: ")
				if e.Name != "new" && strings.Contains(o.Stderr, "seccomp filter") {
					continue
				}
				if want := fill(c.hint); !strings.Contains(o.Stderr, "hint: ") || !strings.Contains(o.Stderr, want) {
					t.Errorf("%s: hint %q: %s", c.options, want, o)
				}
			}
		}
	})
}
