package ranges_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// fails runs a launch that must fail with a sentence, and sees to it that the command did
// not run and that nothing is left: neither file nor mount.
func (l launch) fails(t *testing.T, senses ...string) {
	t.Helper()
	dir := root.scratch(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile("/proc/self/mountinfo")
	l.args = slices.Concat(l.args, []string{"--bind", dir, "/w", "--", "sh", "-c", "echo ran; : > /w/ran"})
	l.run(t).Refused(t, senses...)
	status := slices.Clone(l.args)
	status = slices.Insert(status, 1, "--setup-exit-status", "77")
	if o := (launch{who: l.who, wrap: l.wrap, args: status, env: l.env, host: l.host}).run(t); o.Status != "77" {
		t.Errorf("with --setup-exit-status 77: %s", o)
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Error("the command ran")
	}
	if after, _ := os.ReadFile("/proc/self/mountinfo"); string(after) != string(before) {
		t.Errorf("mounts before:\n%s\nafter:\n%s", before, after)
	}
}

// without is box without the end of its options.
func without(options ...string) []string {
	args := box(options...)
	return args[:len(args)-1]
}

// many are n ranges of one id each.
func many(option string, n, inside, outside int) (out []string) {
	for i := range n {
		out = append(out, option, fmt.Sprintf("%d:%d:1", inside+i, outside+i))
	}
	return out
}

// TestImpossible: what can be known beforehand.
func TestImpossible(t *testing.T) {
	t.Parallel()
	sub := int(granted.sub)
	both := func(uid, gid string) []string { return []string{"--uid-map", uid, "--gid-map", gid} }
	for name, c := range map[string]struct {
		who     identity
		options []string
		senses  []string
	}{
		"two fields":     {granted, []string{"--uid-map", "0:1"}, []string{"--uid-map", "INSIDE:OUTSIDE:COUNT"}},
		"four fields":    {granted, []string{"--gid-map", "0:1:1:1"}, []string{"--gid-map", "INSIDE:OUTSIDE:COUNT"}},
		"nothing":        {granted, []string{"--uid-map", ""}, []string{"--uid-map", "INSIDE:OUTSIDE:COUNT"}},
		"not a number":   {granted, []string{"--uid-map", "0:x:1"}, []string{"--uid-map", `"x"`}},
		"negative":       {granted, []string{"--uid-map", "-1:0:1"}, []string{"--uid-map", `"-1"`}},
		"plus":           {granted, []string{"--uid-map", "0:+1:1"}, []string{"--uid-map", `"+1"`}},
		"blank":          {granted, []string{"--uid-map", "0: 1:1"}, []string{"--uid-map", `" 1"`}},
		"too large":      {granted, []string{"--uid-map", "0:4294967296:1"}, []string{"--uid-map", "4294967296"}},
		"no ids":         {granted, []string{"--uid-map", "0:1:0"}, []string{"--uid-map", "maps no id"}},
		"beyond the end": {granted, []string{"--uid-map", "0:4294967295:1"}, []string{"--uid-map", "beyond the highest id"}},
		"beyond inside":  {granted, []string{"--gid-map", "4294967290:1:6"}, []string{"--gid-map", "beyond the highest id"}},
		"overlap inside": {granted, append(granted.maps(10), "--uid-map", "9:320000:1"), []string{"--uid-map", "0:310000:10 and 9:320000:1 overlap inside"}},
		"overlap outside": {
			granted, append(granted.maps(10), "--gid-map", "100:311009:5"), []string{"--gid-map", "0:311000:10 and 100:311009:5 overlap outside"},
		},
		"341 uids": {granted, append(many("--uid-map", 341, 0, sub), granted.maps(1)[2:]...), []string{"--uid-map: 342 ranges", "340"}},
		"341 gids": {granted, append(many("--gid-map", 341, 0, sub), granted.maps(1)[:2]...), []string{"--gid-map: 342 ranges", "340"}},
		"341 with the own": {
			granted, append(many("--uid-map", 340, 0, sub), granted.maps(1)[2:]...), []string{"--uid-map: 341 ranges", "340"},
		},
		"too long": {
			granted, append(many("--uid-map", 300, 1000000000, 2000000000), granted.maps(1)[2:]...), []string{"--uid-map", "bytes", "4095"},
		},
		"auto and a map": {granted, append(granted.maps(1), "--map-auto"), []string{"--map-auto cannot be combined with --uid-map and --gid-map"}},
		"no entry": {
			bare, []string{"--map-auto"}, []string{"--map-auto", "/etc/subuid grants no uids to bare", `hint: add the line "bare:100000:65536" to /etc/subuid`},
		},
		"an own id twice": {
			granted,
			[]string{"--uid-map", "5:4210:1", "--gid-map", "5:4210:1", "--uid", "6"},
			[]string{"--uid 6", "no --uid-map contains this id", "the caller is mapped to another one"},
		},
		"dev without root": {granted, append(both("5:310005:9", "0:311000:9"), "--dev", "/dev"), []string{"--dev needs uid 0 inside", "--uid-map"}},
		"dev without its group": {
			granted, append(both("0:310005:9", "1:311000:9"), "--dev", "/dev"), []string{"--dev needs gid 0 inside", "--gid-map"},
		},
		"given namespace": {granted, append(granted.maps(1), "--userns", "0"), []string{"--userns", "--uid-map"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launch{who: c.who, args: without(c.options...)}.fails(t, c.senses...)
		})
	}
}

// TestNotGranted: the kernel's no, or newuidmap's, says which line is missing where.
func TestNotGranted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who     identity
		options []string
		senses  []string
	}{
		"no entry": {
			bare,
			[]string{"--uid-map", "0:300000:10"},
			[]string{"--uid-map 0:300000:10 is not permitted: /etc/subuid does not grant these uids to bare", `hint: add the line "bare:300000:10" to /etc/subuid, as root`},
		},
		"one too many": {
			granted, granted.maps(65537), []string{"--uid-map 0:310000:65537", "/etc/subuid does not grant these uids to granted", `"granted:310000:65537"`},
		},
		"another user's": {granted, member.maps(1), []string{"--uid-map 0:420000:1", `"granted:420000:1"`}},
		"uids but no gids": {
			granted,
			[]string{"--uid-map", "0:310000:10", "--gid-map", "0:310000:10"},
			[]string{"--gid-map 0:310000:10 is not permitted: /etc/subgid does not grant these gids to granted", `"granted:310000:10" to /etc/subgid`},
		},
		"root's": {granted, []string{"--uid-map", "0:0:1"}, []string{"--uid-map 0:0:1", "/etc/subuid"}},
		"a supplementary group": {
			member, append(member.maps(5)[:2], "--gid-map", fmt.Sprintf("0:%d:1", club)), []string{fmt.Sprintf("--gid-map 0:%d:1", club), "/etc/subgid"},
		},
		"no name": {nameless, nameless.maps(5), []string{"--uid-map", "there is no user 4212", "getent passwd 4212"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launch{who: c.who, args: without(c.options...)}.fails(t, c.senses...)
		})
	}
}

// TestHelperMissing: newuidmap or newgidmap is not there, or not what it must be.
func TestHelperMissing(t *testing.T) {
	t.Parallel()
	// A copy of the tools over their directory entries: a mount each, in this case's own namespace.
	instead := func(name, how string) string {
		return fmt.Sprintf("f=$(command -v %[1]s); d=$(mktemp -d %[2]s/tool-XXXXXX); chmod 755 $d; cp -a $f $d/%[1]s; %[3]s; mount --bind $d/%[1]s $f", name, base, how)
	}
	gone := "for n in newuidmap newgidmap; do f=$(readlink -f $(command -v $n)); mount --bind /dev/null $f; done"
	for name, c := range map[string]struct {
		host   string
		senses []string
	}{
		"not installed":       {gone, []string{"ranges of uids need newuidmap, which is not installed", "hint: it is in the package uidmap"}},
		"the second is gone":  {"mount --bind /dev/null $(readlink -f $(command -v newgidmap))", []string{"--gid-map", "ranges of gids need newgidmap"}},
		"not executable":      {instead("newuidmap", "chmod 644 $d/newuidmap"), []string{"ranges of uids need newuidmap"}},
		"no set-id bit":       {instead("newuidmap", "chmod 755 $d/newuidmap"), []string{"newuidmap", "not permitted", "hint: newuidmap must be set-user-id root"}},
		"no bit on the other": {instead("newgidmap", "chmod 755 $d/newgidmap"), []string{"--gid-map", "hint: newgidmap must be set-user-id root"}},
		"nosuid": {
			instead("newuidmap", ":") + "; mount -o remount,bind,nosuid $f", []string{"hint: newuidmap must be set-user-id root", "nosuid"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launch{who: granted, host: c.host, args: without(granted.maps(10)...)}.fails(t, c.senses...)
		})
	}
	launch{who: granted, wrap: nil, args: append([]string{"setpriv", "--no-new-privs", "--"}, without(granted.maps(10)...)...)}.refusedIn(t, "NoNewPrivs")
}

// refusedIn is fails for a launcher that has something in front of it.
func (l launch) refusedIn(t *testing.T, senses ...string) {
	t.Helper()
	l.args = append(l.args, "--", "sh", "-c", "echo ran")
	l.run(t).Refused(t, senses...)
}

// TestHelperMisbehaves: whatever a program in the place of newuidmap does, the launch ends
// with a sentence. It is found through PATH, so a caller can put it there.
func TestHelperMisbehaves(t *testing.T) {
	t.Parallel()
	real := `exec /usr/bin/newuidmap "$@"`
	for name, c := range map[string]struct {
		uid, gid string // the scripts; empty: the real one
		senses   []string
	}{
		"it lies":         {"exit 0", "", []string{"--uid-map", "the uid map is not what was asked for"}},
		"the other lies":  {"", "exit 0", []string{"--gid-map", "the gid map is not what was asked for"}},
		"another map":     {fmt.Sprintf("/usr/bin/newuidmap $1 0 %d 1", granted.id), "", []string{"the uid map is not what was asked for"}},
		"a part of it":    {fmt.Sprintf("/usr/bin/newuidmap $1 0 %d 9", granted.sub), "", []string{"the uid map is not what was asked for"}},
		"it fails":        {"exit 3", "", []string{"--uid-map", "newuidmap", "failed with status 3"}},
		"it complains":    {`echo "newuidmap: out of cheese" >&2; exit 1`, "", []string{"newuidmap: out of cheese"}},
		"it is rude":      {`printf '\033[31mred\n\nmore\n' >&2; exit 1`, "", []string{"newuidmap: ?[31mred"}},
		"it crashes":      {"kill -SEGV $$", "", []string{"was killed by signal 11"}},
		"it says a lot":   {"yes", "", []string{"more than 4096 bytes"}},
		"it floods":       {"yes >&2 & sleep 0.2; kill $!; exit 1", "", []string{"newuidmap: y"}},
		"it kills itself": {"kill -9 $$", "", []string{"was killed by signal 9"}},
		"it writes, and fails": {
			real + "; exit 5", `echo no >&2; exit 9`, []string{"--gid-map", "newgidmap: no"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := root.scratch(t)
			for tool, text := range map[string]string{"newuidmap": c.uid, "newgidmap": c.gid} {
				if text == "" {
					text = "exec /usr/bin/" + tool + ` "$@"`
				}
				if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			launch{who: granted, args: without(granted.maps(10)...), env: []string{"PATH=" + dir + ":/usr/bin:/bin"}}.fails(t, c.senses...)
		})
	}
	// Another program by which the same is done is as good.
	dir := stub(t, "newuidmap", real)
	launch{who: granted, args: append(box(granted.maps(10)...), "echo", "in"), env: []string{"PATH=" + dir + ":/usr/bin"}}.run(t).OK(t, "in\n")
}

// TestHelperHangs: a helper that never answers is not waited for without end, nor does it
// outlive the launcher.
func TestHelperHangs(t *testing.T) {
	t.Parallel()
	dir := stub(t, "newuidmap", "echo $$ > /tmp/../"+"$PIDFILE; exec sleep 1000")
	file := filepath.Join(root.scratch(t), "pid")
	shell(t, filepath.Dir(file), fmt.Sprintf("chown %d . ; sed -i 's,/tmp/../$PIDFILE,%s,' %s/newuidmap", granted.id, file, dir))
	cmd := launch{who: granted, args: append(box(granted.maps(10)...), "true"), env: []string{"PATH=" + dir + ":/usr/bin"}}.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := waitFor(t, func() string { text, _ := os.ReadFile(file); return strings.TrimSpace(string(text)) })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	gone(t, number)
}

// TestHelperNeverAnswers: the time that newuidmap is given.
func TestHelperNeverAnswers(t *testing.T) {
	t.Parallel()
	dir := stub(t, "newuidmap", "exec sleep 4242")
	cmd := launch{who: granted, args: append(box(granted.maps(10)...), "true"), env: []string{"PATH=" + dir + ":/usr/bin"}}.command()
	begin := time.Now()
	out, _ := cmd.CombinedOutput()
	took := time.Since(begin)
	testcmd.Outcome{Status: testcmd.Status(cmd.ProcessState), Stderr: string(out)}.Refused(t, "--uid-map: newuidmap: "+dir+"/newuidmap did not end within 30s")
	if took < 29*time.Second || took > harness.Patience {
		t.Errorf("it took %s", took)
	}
	waitFor(t, func() string { // it was killed, and may take its time
		if len(marked("4242")) > 0 {
			return ""
		}
		return "gone"
	})
}

// TestForeignProc: where /proc is that of another PID namespace the number of the first
// process is another one there, which must not be given ids.
func TestForeignProc(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		args := slices.Concat([]string{"unshare", "--pid", "--fork", "--kill-child"}, who.words(), without(who.maps(10)...))
		launch{who: root, args: args}.refusedIn(t, "--uid-map: /proc belongs to another PID namespace")
		args = slices.Concat([]string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}, who.words(), box(who.maps(10)...), []string{"echo", "in"})
		launch{who: root, args: args}.run(t).OK(t, "in\n")
	}
}

// waitFor asks until there is an answer.
func waitFor(t *testing.T, ask func() string) string {
	t.Helper()
	var answer string
	if !harness.Until(func() bool {
		answer = ask()
		return answer != ""
	}) {
		t.Fatal("waited in vain")
	}
	return answer
}

// TestRootDirectly: root writes maps by itself, needs no newuidmap and no entry, and hears
// the kernel's no in words.
func TestRootDirectly(t *testing.T) {
	t.Parallel()
	const gone = "for n in newuidmap newgidmap; do mount --bind /dev/null $(readlink -f $(command -v $n)); done; : > /etc/subuid; : > /etc/subgid"
	const own = "cp -a /etc %s; mount --bind %[1]s /etc\n"
	host := fmt.Sprintf(own, root.scratch(t)+"/etc") + gone
	options := []string{"--uid-map", "0:123456:70000", "--gid-map", "0:123456:70000", "--uid", "69999"}
	launch{who: root, host: host, args: append(box(options...), "id", "-u")}.run(t).OK(t, "69999\n")
	launch{who: root, host: fmt.Sprintf(own, root.scratch(t)+"/etc") + gone, args: without("--map-auto")}.
		refusedIn(t, "/etc/subuid grants no uids to root", `"root:100000:65536" to /etc/subuid`)
	// In a user namespace that knows few ids: root there, and no more.
	few := []string{"unshare", "--user", "--map-root-user", "--"}
	launch{who: root, wrap: few, args: without("--uid-map", "0:5:1", "--gid-map", "0:0:1")}.
		refusedIn(t, "--uid-map: setting up uid map", "Operation not permitted", "/proc/self/uid_map")
}

// TestManyRanges: as many as the kernel takes, in lines and in bytes.
func TestManyRanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who         identity
		n, uid, gid int
	}{
		{root, 340, 1000, 2000},
		{granted, 320, int(granted.sub), int(granted.subgid())},
	} {
		options := append(many("--uid-map", c.n, 0, c.uid), many("--gid-map", c.n, 0, c.gid)...)
		args := append(box(append(options, "--uid", "7", "--gid", "8", "--disable-userns", "--unshare-pid")...), "sh", "-ec", "cat /proc/self/uid_map | wc -l; id -u; id -g")
		launch{who: c.who, args: args}.run(t).OK(t, fmt.Sprintf("%d\n7\n8\n", c.n))
	}
}
