package ranges_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The granted ids are the user's in all of the user's sandboxes: what is uid 5 in one has the
// same uid outside as uid 5 in another. The victims here are such sandboxes, at every stage,
// and all can be seen: none has a PID namespace of its own.

// victim is a sandbox that stays as it is.
type victim struct {
	name string
	pids []int
}

// victims starts one for each stage; they end with the test.
func victims(t *testing.T, s shape) (list []victim) {
	t.Helper()
	add := func(name string, pids ...int) { list = append(list, victim{name, pids}) }

	// Without maps: newuidmap takes its time.
	file := filepath.Join(granted.scratch(t), "pid")
	dir := stub(t, "newuidmap", fmt.Sprintf("echo $1 > %s; exec sleep 1000", file))
	cmd := launch{who: granted, args: append(box(s.options...), "true"), env: []string{"PATH=" + dir + ":/usr/bin"}}.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	word := waitFor(t, func() string { text, _ := os.ReadFile(file); return strings.TrimSpace(string(text)) })
	pid, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	add("without maps", pid)

	for name, options := range map[string][]string{
		"with maps":          {"--userns-block-fd", "4"},
		"set up":             {"--block-fd", "4"},
		"set up in a nested": {"--block-fd", "4", "--disable-userns"},
	} {
		h := granted.hold(t, nil, slices.Concat(s.options, []string{"--info-fd", "3"}, options), "true")
		first := h.next(t).PID
		h.waits(t, first)
		add(name, first)
	}
	for name, options := range map[string][]string{"running": nil, "running in a nested": {"--disable-userns"}} {
		h := granted.hold(t, nil, slices.Concat(s.options, []string{"--json-status-fd", "3", "--lock-file", "/etc/passwd"}, options), "exec sleep 1000")
		init, command := h.next(t).PID, 0
		for command == 0 {
			command = h.next(t).Command
		}
		add(name+", init", init)
		add(name+", command", command)
	}
	add("launcher", cmd.Process.Pid)
	return list
}

// TestOtherProcess: what another process can do to a sandbox of the user granted.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	s := shapes(granted)[3] // uid 5, gid 6 of granted ids
	if s.name != "lines-5-6" {
		t.Fatal(s.name)
	}
	sibling := func(options ...string) []string { return append(box(options...), "/h/intruder") }
	set := func(uid, gid uint32) []string {
		return []string{"setpriv", fmt.Sprint("--reuid=", uid), fmt.Sprint("--regid=", gid), "--clear-groups", "--", intruder}
	}
	list := victims(t, s)
	for _, c := range []struct {
		name  string
		who   identity
		args  []string
		finds map[string]string // of whom, what; "" stands for the others
	}{
		{"another user", bare, []string{intruder}, map[string]string{"": "seen"}},
		{"another user's sandbox", bare, sibling("--map-root-user", "--cap-add", "ALL"), map[string]string{"": "seen"}},
		{"another user's ranges", member, sibling("--map-auto", "--map-root-user", "--cap-add", "ALL"), map[string]string{"": "seen"}},
		// The same id outside: signals and limits go by ids alone. Nothing else does.
		{"the same uid inside", granted, sibling(s.options...), map[string]string{
			"": "seen signal limits", "without maps": "seen", "with maps": "seen", "launcher": "seen",
		}},
		{"the same uid, with capabilities", granted, sibling(append(s.options, "--cap-add", "ALL")...), map[string]string{
			"": "seen signal limits", "without maps": "seen", "with maps": "seen", "launcher": "seen",
		}},
		{"a sandbox of the same user's, as root", granted, sibling("--map-auto", "--map-root-user", "--cap-add", "ALL"), map[string]string{
			"": "seen", "without maps": "seen signal limits", "with maps": "seen signal limits", "launcher": "seen signal limits",
		}},
		// A program with a set-id bit that a sandbox has made runs outside with its id.
		{"the same uid outside", root, set(s.at, s.atg), map[string]string{
			"": "seen signal limits", "without maps": "seen", "with maps": "seen", "launcher": "seen",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range list {
				want, ok := c.finds[v.name]
				if !ok {
					want = c.finds[""]
				}
				for _, pid := range v.pids {
					o := launch{who: c.who, args: append(slices.Clone(c.args), fmt.Sprint(pid))}.run(t)
					if have := strings.Join(strings.Fields(o.Stdout), " "); have != want || o.Status != "0" || o.Stderr != "" {
						t.Errorf("%s: it can %q, want %q: %s", v.name, have, want, o)
					}
				}
			}
		})
	}
	// Their user may do all that was possible before: the user owns the namespaces.
	for _, v := range list {
		for _, pid := range v.pids {
			o := launch{who: granted, args: []string{intruder, fmt.Sprint(pid)}}.run(t)
			t.Log(v.name, "can be", strings.Fields(o.Stdout))
			if !strings.Contains(o.Stdout, "signal\n") {
				t.Errorf("%s: its user cannot end it: %s", v.name, o)
			}
			if strings.HasSuffix(v.name, "command") && !strings.Contains(o.Stdout, "trace\n") {
				t.Errorf("%s: the control: %s", v.name, o)
			}
			if strings.HasSuffix(v.name, "command") {
				if out, err := exec.Command("setpriv", append(granted.words()[1:], "kill", "-9", fmt.Sprint(pid))...).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
				gone(t, pid)
			}
		}
	}
}

// TestPayloadAndInit: what a command can do to its own init, with all that it may have.
func TestPayloadAndInit(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			for _, more := range [][]string{nil, {"--cap-add", "ALL"}, {"--disable-userns"}, {"--disable-userns", "--cap-add", "ALL"}} {
				if s.name == "root-alone" {
					continue
				}
				t.Run(strings.Join(append([]string{who.name, s.name}, more...), " "), func(t *testing.T) {
					t.Parallel()
					args := append(box(slices.Concat(s.options, more, []string{"--unshare-pid", "--proc", "/proc"})...), "/h/intruder", "1")
					o := launch{who: who, args: args}.run(t)
					have := strings.Join(strings.Fields(o.Stdout), " ")
					if o.Status != "0" || have != "seen signal limits" {
						t.Errorf("it can %q: %s", have, o)
					}
				})
			}
		}
	}
}

// TestReach: what root of several ids reaches on the host that the caller could not: files of
// the granted ids, and the user's own with any mode, but no other user's.
func TestReach(t *testing.T) {
	t.Parallel()
	dir := root.scratch(t)
	shell(t, dir, fmt.Sprintf(`for f in own sub other host mine-theirs theirs-mine; do echo secret > $f; done
chown %[1]d:%[1]d own; chown %[2]d:%[3]d sub; chown %[4]d:%[4]d other; chown 0:0 host; chown %[1]d:0 mine-theirs; chown 0:%[1]d theirs-mine
chmod 000 *; mkdir %[2]d; chown %[2]d:%[3]d %[2]d; chmod 700 %[2]d; echo in > %[2]d/f`, granted.id, granted.sub+4, granted.subgid()+4, bare.id))
	script := `cd /w; for f in own sub other host mine-theirs theirs-mine; do cat $f >&- 2>&- && : ; [ -r $f ] && echo r $f || :; [ -w $f ] && echo w $f || :; chown 1:1 $f 2>&- && echo c $f || :; done
for f in sub own; do chmod 4755 $f && stat -c '%a %u' $f || :; done`
	for _, more := range [][]string{nil, {"--cap-add", "ALL"}, {"--disable-userns"}} {
		shell(t, dir, fmt.Sprintf("chown %[1]d:%[1]d own; chown %[2]d:%[3]d sub; chmod 000 own sub", granted.id, granted.sub+4, granted.subgid()+4))
		granted.run(t, script, append(more, "--map-auto", "--map-root-user", "--bind", dir, "/w")...).
			OK(t, "r own\nw own\nc own\nr sub\nw sub\nc sub\n4755 1\n4755 1\n")
	}
	for name, want := range map[string]string{"other": "4211:4211 0000", "host": "0:0 0000", "mine-theirs": "4210:0 0000", "theirs-mine": "0:4210 0000"} {
		if have := owner(t, filepath.Join(dir, name)); have != want {
			t.Errorf("%s is now %s, was %s", name, have, want)
		}
	}
}
