package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// The command looks at PID 1 as the first thing it does, when set-up may hardly be
// over: there is nothing to see and nothing to take.
func TestNothingToTakeFromInit(t *testing.T) {
	t.Parallel()
	kept := regexp.MustCompile(`^init fd \d+: (pipe:\[\d+\]|socket:\[\d+\]|/w/lock|\?)$`)
	eachWho(t, func(t *testing.T, who identity) {
		dir := who.scratch(t)
		who.shell(t, dir, ": > lock")
		_, w := pipe(t)
		files := []*os.File{w, open(t, "/etc/passwd"), open(t, "/")}
		for _, e := range engines(t) {
			for i := range 40 {
				options := all()
				if who.setuid && i%2 == 0 { // PID 1 was in the host's user namespace
					options = []string{"--unshare-pid", "--proc", "/proc"}
				}
				args := append(box(append(options, "--bind", dir, "/w", "--lock-file", "/w/lock")...), "/h/probe", "init")
				o := launch{who: who, wrap: e.Wrap, args: args, files: files}.run(t)
				if o.Status != "0" || o.Stderr != "" {
					t.Fatal(o)
				}
				for line := range strings.SplitSeq(o.Stdout, "\n") {
					if strings.HasPrefix(line, "init fd ") && !kept.MatchString(line) || strings.HasPrefix(line, "stolen") && who != root {
						t.Errorf("%s: %s", e.Name, line)
					}
				}
				if strings.Count(o.Stdout, "init fd ") > 2 {
					t.Errorf("%s: PID 1 keeps too much: %s", e.Name, o)
				}
				if who == root {
					continue
				}
				for _, fact := range []string{"/proc/1/mem", "/proc/1/environ", "/proc/1/maps", "/proc/1/exe", "/proc/1/root", "/proc/1/cwd", "readv", "writev", "seize"} {
					if strings.Contains(o.Stdout, fact+": ok") {
						t.Errorf("%s: the command may use %s: %s", e.Name, fact, o)
					}
				}
			}
		}
	})
}

// The user's other processes are not to be robbed from inside, though their numbers are
// known there: a user namespace sees to that, or Landlock where there is none.
func TestNothingToTakeFromBystanders(t *testing.T) {
	t.Parallel()
	const robbery = `cd /proc/$0; readlink root cwd exe fd/0; head -c 9 environ; head -n 1 maps; head -n 1 root/etc/passwd; true`
	bystander := exec.Command("sleep", "60")
	bystander.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.id, Gid: user.id}}
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = bystander.Process.Kill()
		_ = bystander.Wait()
	})
	thief := []string{"sh", "-c", robbery, fmt.Sprint(bystander.Process.Pid)}
	if o := (launch{who: user, args: thief}).run(t); !strings.Contains(o.Stdout, "root:") || o.Stderr != "" {
		t.Fatalf("the user may not do so outside either: %s", o)
	}
	eachUser(t, func(t *testing.T, who identity) {
		for _, options := range [][]string{nil, {"--unshare-user"}, {"--unshare-pid"}} {
			args := slices.Concat([]string{gobwrap, "--bind", "/", "/"}, options, []string{"--"}, thief)
			o := launch{who: who, args: args}.run(t)
			if o.Status != "0" || o.Stdout != "" || strings.Count(o.Stderr, "Permission denied") != 3 {
				t.Errorf("%v: %s", options, o)
			}
		}
	})
}

// Root whose capabilities were dropped is kept from PID 1 as well, and from writing to
// the launcher's binary through it (CVE-2019-5736).
func TestRootWithoutCapabilities(t *testing.T) {
	t.Parallel()
	for range 10 {
		args := append(box(all("--cap-drop", "ALL")...), "/h/probe", "init")
		o := launch{who: root, args: args}.run(t)
		if o.Status != "0" || regexp.MustCompile(`(?m)^(/proc/1/[a-eg-z]\S+: ok|(readv|writev|seize): ok|stolen.*|init fd \d+: [^?].*)$`).MatchString(o.Stdout) {
			t.Error(o)
		}
	}
}

// With the calls for closing refused, PID 1 still keeps nothing, whatever the tree
// inside pretends to be /proc.
func TestForgedProc(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		for _, fake := range []string{"mkdir -p proc/self/fd", "mkdir proc; ln -s / proc/self", "mkdir -p proc; : > proc/self", "true"} {
			dir := who.scratch(t)
			who.shell(t, dir, "mkdir h w; "+fake)
			j := &job{t: t}
			out, outW := pipe(t)
			leash, leashW := pipe(t)
			j.stdout, j.leash = out, leashW
			args := slices.Concat(e.Wrap, []string{gobwrap, "--unshare-pid", "--bind", dir, "/", "--ro-bind", base + "/bin", "/h", "--", "/h/probe", "close", "1", "read", "3"})
			cmd := launch{who: who, args: args, files: []*os.File{leash, open(t, "/etc/passwd")}}.command()
			cmd.Stdout = outW
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = outW.Close()
			j.out = bufio.NewReader(out)
			if !j.closed(harness.Patience / 4) {
				t.Errorf("%s: PID 1 keeps the caller's pipe", fake)
			}
			_ = leashW.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v", fake, err)
			}
		}
	})
}

// The lock is there before the command, is PID 1's, and stays although the caller
// handed in a descriptor of the same file.
func TestLockOutlivesOtherDescriptors(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		for _, options := range [][]string{{"--unshare-pid"}, {}, all()} {
			dir := who.scratch(t) // the init before may still hold its lock for a moment
			who.shell(t, dir, ": > lock")
			args := append(box(append(options, "--bind", dir, "/w", "--lock-file", "/w/lock")...), "/h/probe", "locked", "/w/lock")
			o := launch{who: who, wrap: e.Wrap, args: args, files: []*os.File{open(t, dir+"/lock")}}.run(t)
			if o.Status != "0" || !strings.HasPrefix(o.Stdout, "locked: read ") || len(options) > 0 && o.Stdout != "locked: read 1\n" {
				t.Errorf("%v: %s", options, o)
			}
		}
	})
}

// A lock that another process holds keeps the command from running.
func TestLockThatIsTaken(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		dir := who.scratch(t)
		who.shell(t, dir, ": > lock")
		holder := exec.Command(probe, "hold", dir+"/lock", "echo", "held", "read", "0")
		stdin, _ := holder.StdinPipe()
		stdout, _ := holder.StdoutPipe()
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = stdout.Read(make([]byte, 5))
		for name, options := range arrangements() {
			if name == "pid-1" {
				continue
			}
			o := launch{who: who, args: append(box(append(options, "--bind", dir, "/w", "--lock-file", "/w/lock")...), "/h/probe", "echo", "in")}.run(t)
			o.Refused(t, "Unable to lock file /w/lock: Resource temporarily unavailable")
			if o.Stdout != "" {
				t.Errorf("%s: the command ran: %s", name, o)
			}
		}
		_ = stdin.Close()
		_ = holder.Wait()
	})
}

// The host's root is nowhere to be found inside.
func TestOldRootIsGone(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		for name, options := range arrangements() {
			args := append(box(append(options, "--dir", "/tmp", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/lib", "/lib")...), "/usr/bin/ls", "-a", "/")
			o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
			want := []string{".", "..", "dev", "h", "lib", "lib64", "proc", "tmp", "usr"}
			if name != "all" {
				want = []string{".", "..", "h", "lib", "lib64", "tmp", "usr"}
			}
			o.OK(t, strings.Join(want, "\n")+"\n")
			args = append(box(append(options, "--ro-bind", "/proc", "/p", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/lib", "/lib")...), "/usr/bin/cat", "/p/self/mountinfo")
			if o = (launch{who: who, wrap: e.Wrap, args: args}).run(t); o.Status == "0" && strings.Contains(o.Stdout, "oldroot") {
				t.Errorf("%s: %s", name, o)
			}
		}
	})
}

// Nothing outside of the sandbox hears of its signals: what PID 1 gets from inside is
// ignored, and the payload may not wake itself early.
func TestInitIgnoresThePayload(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, sig := range []int{1, 2, 3, 10, 12, 15, 40} {
			args := append(box(all("--ro-bind", "/usr", "/usr", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/lib", "/lib")...),
				"/usr/bin/sh", "-c", fmt.Sprintf("kill -%d 1; kill -%d 1; exit 9", sig, sig))
			if o := (launch{who: who, args: args}).run(t); o.Status != "9" || o.Stderr != "" {
				t.Errorf("signal %d: %s", sig, o)
			}
		}
	})
}
