package compat

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// Another process writes the maps, and then lets the launcher's child go on.
func TestUsernsBlockFD(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		if setuid && !o.isReference { // the difference setuid-block-fd
			r := o.run(t, &testCase{run: "$B --unshare-user --userns-block-fd 0 --info-fd 1 -- /v echo ran"})
			if r.status != "1" || r.stdout != "" || !strings.Contains(r.stderr, "--userns-block-fd is not possible in setuid mode") {
				t.Errorf("status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
			}
			return
		}
		for name, more := range map[string][]string{
			"plain":  nil,
			"reaper": {"--unshare-pid", "--proc", "/proc"},
			"net":    {"--unshare-net", "--unshare-ipc", "--unshare-uts", "--hostname", "x"},
		} {
			t.Run(name, func(t *testing.T) {
				options := append([]string{"--unshare-user", "--userns-block-fd", "4", "--info-fd", "5", "--uid", "3", "--gid", "4"}, more...)
				j := o.start(t, nil, words(options, "--", "/v", "ids", "exit", "6")...)
				pid := j.child()
				time.Sleep(moment)
				if !j.running() || j.out.Buffered() > 0 {
					t.Error("the command did not wait for its maps")
				}
				writeMaps(t, o, pid)
				_ = j.leash.Close()
				j.wantLine("uid: 3 3 3 3")
				j.wantLine("gid: 4 4 4 4")
				j.wantEnd("6")
			})
		}
	})
}

// writeMaps does what newuidmap and newgidmap do: as root, from outside.
func writeMaps(t *testing.T, o on, pid int) {
	t.Helper()
	for file, text := range map[string]string{
		"uid_map": fmt.Sprintf("3 %d 1", o.who.uid), "gid_map": fmt.Sprintf("4 %d 1", o.who.gid),
	} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// hold starts a program that runs the victim in namespaces of its own, as the
// identity, and returns its pid. The test's end ends it.
func (o on) hold(t *testing.T, program string, options ...string) int {
	t.Helper()
	cmd := exec.Command(program, append(options, victim, "echo", "up", "read", "0")...)
	cmd.SysProcAttr = o.side().attr()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		late := time.AfterFunc(harness.Patience, func() {
			t.Error("something keeps a namespace of an earlier launcher's from ending")
			_ = cmd.Process.Kill()
		})
		_ = cmd.Wait()
		late.Stop()
	})
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestJoinUserNamespace(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		pid := o.hold(t, "unshare", "--user", "--map-root-user")
		ns := fmt.Sprintf("/proc/%d/ns/user", pid)
		for name, options := range map[string]string{
			"plain":  "",
			"reaper": "--unshare-pid --dev-bind /dev/null /n",
			"caps":   "--cap-add CAP_NET_RAW",
			"net":    "--unshare-net --unshare-uts --hostname x",
		} {
			t.Run(name, func(t *testing.T) {
				r := o.run(t, &testCase{
					run: "$B --userns 11 " + options + " --proc /proc -- /v ids maps",
					fds: []fdSpec{{11, "read", ns}},
				})
				want := fmt.Sprintf("uid: 0 0 0 0\ngid: 0 0 0 0\n.*uid_map: 0 %d 1\ngid_map: 0 %d 1\n", o.who.uid, o.who.gid)
				wantMatch(t, r, "(?s)"+want)
			})
		}
	})
}

func TestJoinUserNamespaceByFDZero(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{user, root} {
		o := on{program: subject, who: who}
		pid := o.hold(t, "unshare", "--user", "--map-root-user")
		r := o.run(t, &testCase{run: "$B --userns 0 -- /v ids", fds: []fdSpec{{0, "read", fmt.Sprintf("/proc/%d/ns/user", pid)}}})
		wantMatch(t, r, "uid: 0 0 0 0")
	}
}

// A user namespace below the given one is entered after the set-up.
func TestSwitchToASecondUserNamespace(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		outer := o.hold(t, "unshare", "--user", "--map-root-user")
		inner := o.hold(t, "nsenter", fmt.Sprintf("--user=/proc/%d/ns/user", outer), "--preserve-credentials", "unshare", "--user", "--map-user=77", "--map-group=78")
		fds := []fdSpec{
			{11, "read", fmt.Sprintf("/proc/%d/ns/user", outer)},
			{12, "read", fmt.Sprintf("/proc/%d/ns/user", inner)},
		}
		for _, options := range []string{"", "--unshare-pid", "--unshare-net --tmpfs /t"} {
			r := o.run(t, &testCase{run: "$B --userns 11 --userns2 12 " + options + " -- /v ids", fds: fds})
			wantMatch(t, r, "uid: 77 77 77 77\ngid: 78 78 78 78\n")
		}
	})
}

func TestSecondUserNamespaceOfAStranger(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		outer := o.hold(t, "unshare", "--user", "--map-root-user")
		other := o.hold(t, "unshare", "--user", "--map-root-user")
		r := o.run(t, &testCase{run: "$B --userns 11 --userns2 12 -- /v ids", fds: []fdSpec{
			{11, "read", fmt.Sprintf("/proc/%d/ns/user", outer)},
			{12, "read", fmt.Sprintf("/proc/%d/ns/user", other)},
		}})
		if r.status != "1" || r.stderr == "" || r.stdout != "" {
			t.Errorf("status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
		}
	})
}

func TestJoinPIDNamespace(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		pid := o.hold(t, "unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
		child := childOf(t, pid)
		fds := []fdSpec{
			{11, "read", fmt.Sprintf("/proc/%d/ns/user", child)},
			{12, "read", fmt.Sprintf("/proc/%d/ns/pid", child)},
		}
		r := o.run(t, &testCase{run: "$B --userns 11 --pidns 12 -- /v pids exit 3", fds: fds})
		if r.status != "3" || strings.Contains(r.stdout, "ppid: 1\n") {
			t.Errorf("joined: status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
		}
		r = o.run(t, &testCase{run: "$B --userns 11 --pidns 12 --unshare-pid --proc /proc -- /v pids exit 3", fds: fds})
		if r.status != "3" || r.stdout != "pid: 2\nppid: 1\n" {
			t.Errorf("joined, then a child of it: status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
		}
	})
}

func childOf(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	child := 0
	if _, err := fmt.Sscan(string(data), &child); err != nil {
		t.Fatalf("children of %d: %v", pid, err)
	}
	return child
}

func TestUserNamespaceFDDoesNotLeak(t *testing.T) {
	deliberate(t, "userns-fd-leak", func(t *testing.T, o on) bool {
		pid := o.hold(t, "unshare", "--user", "--map-root-user")
		r := o.run(t, &testCase{run: "$B --userns 11 -- /v fds", fds: []fdSpec{{11, "read", fmt.Sprintf("/proc/%d/ns/user", pid)}}})
		if r.status != "0" {
			t.Errorf("status %s, stderr %q", r.status, r.stderr)
		}
		return !strings.Contains(r.stdout, "fd 11:")
	})
}

// A lock that another process has keeps the command from running.
func TestLockThatIsTaken(t *testing.T) {
	deliberate(t, "lock-refused", func(t *testing.T, o on) bool {
		dir := o.scratch(t)
		lock := o.touch(t, dir, "lock")
		holder := exec.Command(victim, "lock", lock, "echo", "up", "read", "0")
		in, err := holder.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Close(); _ = holder.Wait() }()
		if _, err := out.Read(make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		// Which comes first, the lock or the command, is chance in the reference.
		for range 40 {
			r := o.run(t, &testCase{run: "$B --bind " + dir + " /d --lock-file /d/lock -- /v mkdir /d/ran sleep 100"})
			if r.status != "1" || !strings.Contains(r.stderr, "lock") {
				t.Errorf("status %s, stderr %q", r.status, r.stderr)
			}
			if _, err := os.Stat(dir + "/ran"); err == nil {
				return false
			}
		}
		return true
	})
}

// What the host mounts later appears inside, and nothing comes out.
func TestPropagation(t *testing.T) {
	t.Parallel()
	for _, o := range []on{{reference, true, user}, {reference, true, root}, {subject, false, user}, {subject, false, root}} {
		dir := o.scratch(t)
		// The command waits for its standard input, which ends after the mount.
		script := `
			dir=$1 victim=$2; shift 2
			mount --bind "$dir" "$dir" && mount --make-shared "$dir" && mkdir "$dir/m" "$dir/n" && mkfifo "$dir/fifo" || exit 90
			"$@" --ro-bind "$victim" /v --bind "$dir" /w --tmpfs /w/n --proc /proc -- /v read 0 mounts <"$dir/fifo" &
			exec 9>"$dir/fifo"
			sleep 0.2
			mount -t tmpfs x "$dir/m"
			exec 9>&-
			wait
			grep -c " $dir/n " /proc/self/mountinfo
			true`
		cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", dir, victim)
		s := o.side()
		cmd.Args = append(cmd.Args, s.fromRoot(s.forced([]string{o.program}))...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, want := range []string{`(?m)^mount /w: .* slave `, `(?m)^mount /w/m: tmpfs .* slave `, `(?m)^mount /v: .* private `, `(?m)^0$`} {
			if !regexp.MustCompile(want).Match(out) {
				t.Errorf("%s as %s: nothing matches %s in\n%s", o.program, o.who.name, want, out)
			}
		}
	}
}

func wantMatch(t *testing.T, r result, want string) {
	t.Helper()
	if r.status != "0" || !regexp.MustCompile(want).MatchString(r.stdout) {
		t.Errorf("status %s, nothing matches %s in\n%s\nstderr: %s", r.status, want, r.stdout, r.stderr)
	}
}

// namespaces lists our own namespaces, for the victim to compare with.
func namespaces() string {
	var words []string
	for _, kind := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		link, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			link = err.Error()
		}
		words = append(words, link)
	}
	return strings.Join(words, " ")
}
