package setuid_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

// install copies a launcher into a directory that goes with the test, and gives the copy
// what the commands say, each of which gets its path as the last word.
func install(t *testing.T, program string, commands ...string) string {
	t.Helper()
	path := filepath.Join(harness.Scratch(t, base, 0), "gobwrap")
	for _, line := range append([]string{"install -m 0755 " + program + " " + path}, commands...) {
		words := strings.Fields(line)
		if strings.HasSuffix(line, " ") {
			words = append(words, path)
		}
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	return path
}

// TestRefusedInstallations: a binary with any other kind of privilege drops it and refuses to run.
func TestRefusedInstallations(t *testing.T) {
	t.Parallel()
	without := filepath.Join(t.TempDir(), "gobwrap")
	if err := testbin.Launcher(without, "-tags", "nosetuid"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, program string
		commands      []string
		sense         string // "": it works
	}{
		{"plain", gobwrap, nil, ""},
		{"setuid", gobwrap, []string{"chmod 4755 "}, ""},
		{"setuid-for-its-group", gobwrap, []string{"chown 0:12345 ", "chmod 4750 "}, ""},
		{"setgid-with-the-callers-group", gobwrap, []string{"chown 0:12345 ", "chmod 2755 "}, ""},
		{"setgid", gobwrap, []string{"chmod 2755 "}, "set-group-id"},
		{"setuid-and-setgid", gobwrap, []string{"chmod 6755 "}, "set-group-id"},
		{"setuid-and-setgid-with-the-callers-group", gobwrap, []string{"chown 0:12345 ", "chmod 6755 "}, "set-group-id"},
		{"setuid-to-another", gobwrap, []string{"chown 12346 ", "chmod 4755 "}, "does not belong to root"},
		{"setuid-to-nobody", gobwrap, []string{"chown 65534:65534 ", "chmod 4755 "}, "does not belong to root"},
		{"setuid-to-another-and-setgid", gobwrap, []string{"chown 12346 ", "chmod 6755 "}, "set-group-id"},
		{"capabilities", gobwrap, []string{"setcap cap_sys_admin+ep "}, "file capabilities"},
		{"capability-permitted-alone", gobwrap, []string{"setcap cap_setuid+p "}, "file capabilities"},
		{"many-capabilities", gobwrap, []string{"setcap cap_setuid,cap_sys_admin,cap_dac_override=eip "}, "file capabilities"},
		{"setuid-and-capabilities", gobwrap, []string{"chmod 4755 ", "setcap cap_net_raw+ep "}, "file capabilities"},
		{"setgid-and-capabilities", gobwrap, []string{"chmod 2755 ", "setcap cap_net_raw+ep "}, "file capabilities"},
		{"group-may-write", gobwrap, []string{"chmod 4775 "}, "how it is installed"},
		{"the-callers-group-may-write", gobwrap, []string{"chown 0:12345 ", "chmod 4775 "}, "how it is installed"},
		{"all-may-write", gobwrap, []string{"chmod 4757 "}, "how it is installed"},
		{"without-the-mode-plain", without, nil, ""},
		{"without-the-mode", without, []string{"chmod 4755 "}, "without the setuid mode"},
		{"without-the-mode-and-setgid", without, []string{"chmod 6755 "}, "set-group-id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := install(t, c.program, c.commands...)
			if c.sense == "" {
				launch{args: append(box(path), "/h/probe", "echo", "ran")}.run(t).OK(t, "ran\n")
				return
			}
			for _, args := range [][]string{
				append(box(path), "/h/probe", "echo", "ran"), append(box(path, "--mode", "setuid"), "/h/probe", "echo", "ran"),
				{path},
				{path, "--version"},
				{path, "--help"},
				{path, "--nonsense"},
			} {
				launch{args: args}.run(t).Refused(t, c.sense)
			}
		})
	}
}

// TestRefusedStartHasNoPrivilege: when such a binary says that it refuses to run, no thread of it has
// privilege.
func TestRefusedStartHasNoPrivilege(t *testing.T) {
	t.Parallel()
	ids := strings.Repeat(fmt.Sprint(me, "\t"), 4)
	for _, c := range []struct{ commands []string }{
		{[]string{"chmod 2755 "}},
		{[]string{"chmod 6755 "}},
		{[]string{"chown 12346 ", "chmod 4755 "}},
		{[]string{"chmod 4775 "}},
		{[]string{"setcap cap_setuid,cap_sys_admin+ep "}},
		{[]string{"setcap cap_setuid+p "}},
	} {
		var out [2]int
		if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		if err := fillPipe(out[1]); err != nil {
			t.Fatal(err)
		}
		cmd := launch{args: []string{install(t, gobwrap, c.commands...), "--version"}}.command()
		pipe := os.NewFile(uintptr(out[1]), "pipe")
		cmd.Stdout, cmd.Stderr = pipe, pipe
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before := ""
		if !harness.Until(func() bool {
			pids := proc.Tree(cmd.Process.Pid)
			now := sleepCounts(pids)
			stays := now != "" && now == before && len(pids) == 2 // its front end waits for the pipe
			before = now
			return stays
		}) {
			t.Errorf("%v: it does not wait: %s", c.commands, describe(proc.Tree(cmd.Process.Pid)))
		}
		for _, pid := range proc.Tree(cmd.Process.Pid) {
			for _, task := range tasks(t, pid) {
				for key, want := range map[string]string{"Uid": ids, "Gid": ids, "CapPrm": "0000000000000000", "CapInh": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1"} {
					if have := task.line[key]; have != strings.TrimSpace(want) {
						t.Errorf("%v: %s: %s is %s, want %s", c.commands, task.name, key, have, want)
					}
				}
			}
		}
		_, _ = pipe.Close(), unix.Close(out[0])
		_ = cmd.Wait()
	}
}

// TestNosuidMount: where set-id bits do not count, the binary works in direct mode, and --mode setuid
// is refused with the reason.
func TestNosuidMount(t *testing.T) {
	t.Parallel()
	baitDir := bait(t)
	report := append(box(installed, "--bind", baitDir, "/b", "--tmpfs", "/t"), "/h/witness", "report")
	for _, l := range []launch{
		{wrap: []string{"setpriv", "--no-new-privs"}},
		{host: "mount --bind " + base + " " + base + "; mount -o remount,bind,nosuid " + base},
		{who: nobody, wrap: []string{"setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--securebits", "+noroot"}},
	} {
		l.args = report
		o := l.run(t)
		if complaint := powerless(strings.ReplaceAll(o.Stdout, "securebits: 1\n", "securebits: 0\n")); complaint != "" || o.Status != "0" || o.Stderr != "" {
			t.Errorf("%v %s: %s: %s", l.wrap, l.host, complaint, o)
		}
		l.args = append(byKeeper(), "/h/witness", "exit", "0")
		l.run(t).Refused(t, "setuid")
	}
	// The control: elsewhere it works.
	launch{args: append(byKeeper(), "/h/witness", "exit", "0")}.run(t).OK(t, "")
}

// TestTracedStart: the kernel gives a traced program no privilege, so there is no keeper.
func TestTracedStart(t *testing.T) {
	t.Parallel()
	for traced, keepers := range map[bool]int{true: 0, false: 1} {
		s := newUserThread(t, me)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(installed, "--args", "3")
		cmd.ExtraFiles = []*os.File{r}
		cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: traced, Setpgid: true}
		err = s.do(func() error {
			if err := cmd.Start(); err != nil || !traced {
				return err
			}
			_, err := unix.Wait4(cmd.Process.Pid, nil, unix.WALL, nil)
			return errors.Join(err, unix.PtraceDetach(cmd.Process.Pid))
		})
		if err != nil {
			t.Fatal(err)
		}
		count := func() (n int) {
			for _, pid := range proc.Children(cmd.Process.Pid) {
				if hasCaps(pid) {
					n++
				}
			}
			return n
		}
		// It waits for its arguments, and has left a keeper behind by then, or has not.
		harness.Until(func() bool {
			return proc.State(cmd.Process.Pid) == "S" && len(proc.Children(cmd.Process.Pid)) == keepers && count() == keepers
		})
		if n := count(); n != keepers {
			t.Errorf("traced %v: %d keepers, want %d: %s", traced, n, keepers, describe(proc.Tree(cmd.Process.Pid)))
		}
		_, _ = r.Close(), w.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err := noneLeftOf(cmd.Process.Pid); err != nil {
			t.Error(err)
		}
	}
}

// TestCallersWithSeveralIDs: the sandbox has the caller's real ids, and no capability from the caller's
// other ids or capability sets.
func TestCallersWithSeveralIDs(t *testing.T) {
	t.Parallel()
	baitDir := bait(t)
	args := append(byKeeper("--bind", baitDir, "/b", "--tmpfs", "/t"), "/h/witness", "report")
	for _, ids := range []string{
		"--ruid 12345 --euid 12346 --rgid 12345 --egid 12345 --clear-groups",
		"--ruid 12345 --euid 0 --rgid 12345 --egid 12345 --clear-groups",
		"--reuid 12345 --regid 12345 --clear-groups --inh-caps +net_raw,+sys_admin",
		"--reuid 12345 --regid 12345 --clear-groups --inh-caps +net_raw,+sys_admin --ambient-caps +net_raw,+sys_admin",
		"--reuid 12345 --regid 12345 --clear-groups --securebits +no_setuid_fixup",
		"--reuid 12345 --regid 12345 --clear-groups --securebits +keep_caps_locked",
	} {
		o := launch{who: nobody, wrap: append([]string{"setpriv"}, append(strings.Fields(ids), "--")...), args: args}.run(t)
		if complaint := powerless(strings.ReplaceAll(o.Stdout, "securebits: 32\n", "securebits: 0\n")); complaint != "" || o.Stderr != "" || o.Status != "0" {
			t.Errorf("%s: %s: %s", ids, complaint, o)
		}
	}
	// A caller for whom a change of ids takes no capability has no keeper; one with another
	// effective group has an installation that is not known.
	launch{who: nobody, wrap: strings.Fields("setpriv --reuid 12345 --regid 12345 --clear-groups --securebits +no_setuid_fixup,+no_setuid_fixup_locked --"), args: args}.run(t).Refused(t, "setuid mode failed")
	launch{who: nobody, wrap: strings.Fields("setpriv --ruid 12345 --euid 12345 --rgid 12345 --egid 42 --clear-groups --"), args: args}.run(t).Refused(t, "how it is installed")
}

// TestRootsEffectiveID: an effective uid of root's that is not from the file makes no installation. The caller
// has it already, and set-user-id has no effect where the file is.
func TestRootsEffectiveID(t *testing.T) {
	t.Parallel()
	wrap := strings.Fields("setpriv --ruid 12345 --euid 0 --rgid 12345 --egid 12345 --clear-groups --")
	nosuid := []string{"unshare", "-m", "--propagation", "private", "sh", "-ec", "mount --bind " + base + " " + base + "; mount -o remount,bind,nosuid " + base + "; exec \"$@\"", "sh"}
	for _, c := range []struct {
		commands []string
		sense    string
	}{
		{nil, "not started set-user-id root"},
		{[]string{"chown 12346 ", "chmod 4755 "}, "does not belong to root"},
		{[]string{"chmod 4775 "}, "how it is installed"},
		{[]string{"chmod 4757 "}, "how it is installed"},
		{[]string{"chmod 6755 "}, "set-group-id"},
	} {
		args := append(box(install(t, gobwrap, c.commands...), "--mode", "setuid"), "/h/probe", "echo", "in")
		launch{who: nobody, wrap: slices.Concat(nosuid, wrap), args: args}.run(t).Refused(t, c.sense)
	}
	// The control: a set-user-id file of root's is an installation there, too.
	launch{who: nobody, wrap: slices.Concat(nosuid, wrap), args: append(byKeeper(), "/h/probe", "echo", "in")}.run(t).OK(t, "in\n")
}

// TestRootOfContainer: if root lacks capabilities that the keeper needs, --mode setuid says so, and direct
// mode still works.
func TestRootOfContainer(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"-sys_admin", "-setpcap", "-all"} {
		wrap := strings.Fields("setpriv --reuid 12345 --regid 12345 --clear-groups --bounding-set " + set + " --")
		launch{who: nobody, wrap: wrap, args: append(byKeeper(), "/h/witness", "exit", "0")}.run(t).Refused(t, "setuid mode failed")
		launch{who: nobody, wrap: wrap, args: append(box(installed), "/h/witness", "exit", "0")}.run(t).OK(t, "")
	}
}

// TestRootNeedsNoKeeper: root's own launches are direct.
func TestRootNeedsNoKeeper(t *testing.T) {
	t.Parallel()
	o := launch{who: nobody, args: append(box(installed), "/h/witness", "report")}.run(t)
	if !strings.Contains(o.Stdout, "uid: 0 0 0\n") || o.Status != "0" {
		t.Error(o)
	}
	o = launch{who: nobody, args: append(byKeeper(), "/h/witness", "report")}.run(t)
	o.Refused(t, "--mode setuid")
}
