package ranges_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// shape is a way to ask for ids, and what must come of it.
type shape struct {
	name     string
	options  []string
	uid, gid uint32   // the payload's inside
	at, atg  uint32   // and outside
	uids     []string // lines of the map
	gids     []string
	deals    bool // with the other ids, as root
}

// line is one of a map, as the kernel pads it.
func line(inside, outside, count uint32) string {
	return fmt.Sprintf("%10d %10d %10d", inside, outside, count)
}

// nested is what the kernel shows of a map to who is in a user namespace below: the same
// numbers on both sides.
func nested(lines []string) (out []string) {
	for _, l := range lines {
		f := strings.Fields(l)
		out = append(out, fmt.Sprintf("%10s %10s %10s", f[0], f[0], f[2]))
	}
	return out
}

// shapes are those for a user with 65536 granted ids.
func shapes(who identity) []shape {
	id, sub, subg := who.id, who.sub, who.subgid()
	list := []shape{
		{
			name: "auto-root", options: []string{"--map-auto", "--map-root-user"}, at: id, atg: id,
			uids: []string{line(0, id, 1), line(1, sub, 65536)}, gids: []string{line(0, id, 1), line(1, subg, 65536)}, deals: true,
		},
		{
			name: "auto-33", options: []string{"--map-auto", "--uid", "33", "--gid", "34"}, uid: 33, gid: 34, at: id, atg: id,
			uids: []string{line(0, sub+32, 1), line(1, sub, 32), line(33, id, 1), line(34, sub+33, 65503)},
			gids: []string{line(0, subg+33, 1), line(1, subg, 33), line(34, id, 1), line(35, subg+34, 65502)},
		},
		{
			name: "lines-root", options: append(who.maps(65536), "--uid", "0", "--gid", "0"), at: sub, atg: subg,
			uids: []string{line(0, sub, 65536)}, gids: []string{line(0, subg, 65536)}, deals: true,
		},
		{
			name: "lines-5-6", options: append(who.maps(1000), "--uid", "5", "--gid", "6"), uid: 5, gid: 6, at: sub + 5, atg: subg + 6,
			uids: []string{line(0, sub, 1000)}, gids: []string{line(0, subg, 1000)},
		},
		{
			name: "three-lines",
			options: []string{
				"--uid-map", fmt.Sprintf("100:%d:10", sub+500), "--uid-map", fmt.Sprintf("7:%d:1", id), "--uid-map", fmt.Sprintf("0:%d:2", sub),
				"--gid-map", fmt.Sprintf("0:%d:1", subg), "--gid-map", fmt.Sprintf("7:%d:1", id),
			},
			uid: 7, gid: 7, at: id, atg: id,
			uids: []string{line(100, sub+500, 10), line(7, id, 1), line(0, sub, 2)}, gids: []string{line(0, subg, 1), line(7, id, 1)},
		},
	}
	alone := shape{
		name: "root-alone", options: []string{"--map-root-user"}, at: id, atg: id,
		uids: []string{line(0, id, 1)}, gids: []string{line(0, id, 1)},
	}
	list = append(list, alone)
	if id == 0 {
		return list
	}
	// Those below count on the caller's number not being 0.
	return append(list, shape{
		name: "auto", options: []string{"--map-auto"}, uid: id, gid: id, at: id, atg: id,
		uids: []string{line(0, sub+id-1, 1), line(1, sub, id-1), line(id, id, 1), line(id+1, sub+id, 65536-id)},
		gids: []string{line(0, subg+id-1, 1), line(1, subg, id-1), line(id, id, 1), line(id+1, subg+id, 65536-id)},
	}, shape{
		name: "lines", options: who.maps(100), uid: id, gid: id, at: id, atg: id,
		uids: []string{line(0, sub, 100), line(id, id, 1)}, gids: []string{line(0, subg, 100), line(id, id, 1)},
	})
}

// look is what the command says about itself; a file in /w says who it is outside.
const look = `id -u; id -g; cat /proc/self/uid_map; echo; cat /proc/self/gid_map; : > /w/f
grep -E 'NoNewPrivs|CapAmb' /proc/self/status`

func (s shape) check(t *testing.T, o testcmd.Outcome, dir string) {
	t.Helper()
	want := fmt.Sprintf("%d\n%d\n%s\n\n%s\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n",
		s.uid, s.gid, strings.Join(s.uids, "\n"), strings.Join(s.gids, "\n"))
	if o.OK(t, want); t.Failed() {
		return
	}
	if have, want := owner(t, filepath.Join(dir, "f")), fmt.Sprintf("%d:%d 0644", s.at, s.atg); have != want {
		t.Errorf("outside the command is %s, want %s", have, want)
	}
}

// surroundings are options that change how a set-up goes, not who is who.
func surroundings() map[string][]string {
	return map[string][]string{
		"plain":   nil,
		"pid":     {"--unshare-pid", "--proc", "/proc"},
		"pid-1":   {"--unshare-pid", "--as-pid-1", "--proc", "/proc"},
		"all":     {"--unshare-all", "--proc", "/proc", "--dev", "/dev", "--hostname", "box", "--tmpfs", "/tmp", "--mqueue", "/mnt"},
		"disable": {"--disable-userns"},
		"all-disable": {
			"--unshare-all", "--disable-userns", "--assert-userns-disabled", "--proc", "/proc", "--dev", "/dev", "--new-session", "--lock-file", "/etc/passwd",
		},
		"dies":    {"--die-with-parent", "--lock-file", "/etc/passwd", "--chdir", "/tmp"},
		"late":    {"--share-net", "--unshare-net", "--unshare-uts"},
		"files":   {"--tmpfs", "/mnt", "--dir", "/mnt/d", "--symlink", "d", "/mnt/l", "--perms", "0700", "--dir", "/mnt/x", "--chmod", "0711", "/mnt/x"},
		"overlay": {"--overlay-src", "/usr/share/doc", "--tmp-overlay", "/mnt"},
	}
}

// TestWhoIsWho: every way to ask for ids, with every set-up, as user and as root, by each
// mount engine.
func TestWhoIsWho(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			for _, e := range testcmd.Engines(t, enosys) {
				for name, options := range surroundings() {
					t.Run(strings.Join([]string{who.name, s.name, e.Name, name}, "/"), func(t *testing.T) {
						t.Parallel()
						dir := who.scratch(t)
						if err := os.Chmod(dir, 0o777); err != nil {
							t.Fatal(err)
						}
						args := append(box(slices.Concat(options, s.options, []string{"--bind", dir, "/w"})...), "sh", "-ec", look)
						s := s
						if strings.Contains(name, "disable") {
							s.uids, s.gids = nested(s.uids), nested(s.gids)
						}
						s.check(t, launch{who: who, wrap: e.Wrap, args: args}.run(t), dir)
					})
				}
			}
		}
	}
}

// TestFromDescriptor: the words of a command line may come from a descriptor, which the
// front end does not read a second time.
func TestFromDescriptor(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			t.Run(who.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				dir := who.scratch(t)
				if err := os.Chmod(dir, 0o777); err != nil {
					t.Fatal(err)
				}
				r, w := pipe(t)
				_, _ = w.WriteString(strings.Join(append(s.options, "--bind", dir, "/w", ""), "\x00"))
				_ = w.Close()
				args := append(box("--unshare-pid", "--proc", "/proc", "--args", "3"), "sh", "-ec", look)
				s.check(t, launch{who: who, args: args, files: []*os.File{r}}.run(t), dir)
			})
		}
	}
}

// TestPidns: in a PID namespace that is given, the first process has another number than
// outside, where its maps are written. (Only root can enter one: --userns, which gives an
// ordinary user rights over it, excludes ranges.)
func TestPidns(t *testing.T) {
	t.Parallel()
	holder := launch{who: root, args: []string{"unshare", "--pid", "--fork", "--kill-child", "sleep", "1000"}}.command()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = holder.Process.Kill(), holder.Wait() }()
	var children []int
	if !harness.Until(func() bool { children = proc.Children(holder.Process.Pid); return len(children) > 0 }) {
		t.Fatal("unshare starts nothing")
	}
	pid := children[0]
	for _, from := range []string{fmt.Sprint("/proc/", pid, "/ns/pid"), "/proc/self/ns/pid"} {
		for _, more := range [][]string{nil, {"--unshare-pid", "--proc", "/proc"}} {
			dir := root.scratch(t)
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			ns, err := os.Open(from)
			if err != nil {
				t.Fatal(err)
			}
			s := shapes(root)[2]
			args := append(box(slices.Concat(more, s.options, []string{"--pidns", "3", "--bind", dir, "/w"})...), "sh", "-ec", look)
			s.check(t, launch{who: root, args: args, files: []*os.File{ns}}.run(t), dir)
			_ = ns.Close()
		}
	}
}
