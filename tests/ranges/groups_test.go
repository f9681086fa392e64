package ranges_test

import (
	"fmt"
	"slices"
	"testing"
)

// clubhouse has a file for the club only, and one for all but the club.
func clubhouse(t *testing.T) string {
	t.Helper()
	dir := root.scratch(t)
	shell(t, dir, fmt.Sprintf("echo for us > only; chgrp %d only; chmod 640 only; echo for others > but; chgrp %[1]d but; chmod 604 but", club))
	return dir
}

const visit = `cat /w/only 2>&- || echo no; cat /w/but 2>&- || echo no; id -G; cat /proc/self/setgroups`

// TestGroups: what becomes of the caller's supplementary groups. With ranges that are granted
// they go, unless they are to stay; without, nobody may give them up, since they may also keep
// a user out (CVE-2018-7169).
func TestGroups(t *testing.T) {
	t.Parallel()
	dir := clubhouse(t)
	own := fmt.Sprint("0:", member.id, ":1")
	const in, out = "for us\nno\n", "no\nfor others\n"
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"--map-auto"}, out + "4213\nallow\n"},
		{[]string{"--map-auto", "--keep-groups"}, in + "4213 65534\nallow\n"},
		{[]string{"--map-auto", "--map-root-user"}, out + "0\nallow\n"},
		{[]string{"--map-auto", "--map-root-user", "--keep-groups"}, in + "0 65534\nallow\n"},
		{[]string{"--map-auto", "--map-root-user", "--cap-drop", "ALL", "--keep-groups", "--disable-userns"}, in + "0 65534\nallow\n"},
		{[]string{"--map-auto", "--uid", "9", "--gid", "9", "--disable-userns", "--unshare-all"}, out + "9\nallow\n"},
		{append(member.maps(10), "--uid", "3", "--gid", "3"), out + "3\nallow\n"},
		{append(member.maps(10), "--uid", "3", "--gid", "3", "--keep-groups"), in + "3 65534\nallow\n"},
		{[]string{"--uid-map", own, "--gid-map", own}, in + "0 65534\ndeny\n"},
		{[]string{"--uid-map", own, "--gid-map", own, "--keep-groups"}, in + "0 65534\ndeny\n"},
		{[]string{"--uid-map", fmt.Sprintf("0:%d:9", member.sub), "--gid-map", own, "--uid", "0"}, in + "0 65534\ndeny\n"},
		{[]string{"--map-root-user"}, in + "0 65534\ndeny\n"},
		{[]string{"--map-root-user", "--keep-groups"}, in + "0 65534\ndeny\n"},
		{[]string{"--keep-groups"}, in + "4213 65534\ndeny\n"},
	} {
		t.Run(fmt.Sprint(c.options), func(t *testing.T) {
			t.Parallel()
			member.run(t, visit, append(slices.Clone(c.options), "--bind", dir, "/w")...).OK(t, c.want)
		})
	}
}

// TestRootsGroups: root may give its groups up whatever is mapped, and does.
func TestRootsGroups(t *testing.T) {
	t.Parallel()
	dir := clubhouse(t)
	for _, c := range []struct {
		options []string
		want    string
	}{
		{root.maps(10), "no\nfor others\n0\nallow\n"},
		{append(root.maps(10), "--keep-groups"), "for us\nno\n0 65534\nallow\n"},
		// Where root is all that is mapped the club is nobody's, and so are its files.
		{[]string{"--uid-map", "0:0:1", "--gid-map", "0:0:1", "--cap-drop", "ALL"}, "for us\nfor others\n0\nallow\n"},
	} {
		args := append(box(append(c.options, "--bind", dir, "/w")...), "sh", "-ec", visit)
		launch{who: root, wrap: []string{"setpriv", fmt.Sprint("--groups=", club)}, args: args}.run(t).OK(t, c.want)
	}
}

// TestSetgroupsInside: what is denied stays denied, and root of granted ids may.
func TestSetgroupsInside(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{nil, {"--disable-userns"}} {
		member.run(t, "setpriv --groups 5,6,65534 id -G", append([]string{"--map-auto", "--map-root-user"}, more...)...).OK(t, "0 5 6 65534\n")
		o := member.run(t, "setpriv --groups 5 id -G 2>&- || echo no", append([]string{"--map-root-user", "--cap-add", "CAP_SETGID"}, more...)...)
		if more != nil {
			const warning = "gobwrap: with --disable-userns the capabilities of --cap-add do not count for the sandbox's network, mounts and other namespaces\n"
			if o.Stderr != warning {
				t.Errorf("want the warning %q, but %s", warning, o)
			}
			o.Stderr = ""
		}
		o.OK(t, "no\n")
	}
	// Any user may map their own group alone, and keeps their supplementary groups then.
	own := fmt.Sprint("0:", member.id, ":1")
	member.run(t, "setpriv --clear-groups id -G 2>&- || echo no", "--uid-map", own, "--uid-map", fmt.Sprintf("1:%d:5", member.sub), "--gid-map", own).OK(t, "no\n")
}
