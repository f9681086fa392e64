package setuid_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// startInside starts a sandbox of a user's that waits, and returns its user namespace, which the keeper
// made. The sandbox ends with the test.
func startInside(t *testing.T, who uint32) *os.File {
	t.Helper()
	cmd := launch{who: who, args: append(byKeeper("--unshare-user"), "/h/witness", "pause")}.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = killGroup(cmd.Process.Pid)
		_ = cmd.Wait()
	})
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", settled(t, cmd.Process.Pid)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = space.Close() })
	return space
}

// settled waits until a launcher's payload runs, and returns its pid.
func settled(t *testing.T, launcher int) int {
	t.Helper()
	command := func() int {
		pids := proc.Tree(launcher)
		return pids[len(pids)-1]
	}
	if !harness.Until(func() bool { return proc.Field(command(), "Name") == "witness" }) {
		t.Fatalf("no sandbox: %s", describe(proc.Tree(launcher)))
	}
	return command()
}

// ownerOf returns the uid that owns a user namespace.
func ownerOf(t *testing.T, space *os.File) (uid uint32) {
	t.Helper()
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, space.Fd(), unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(&uid))); e != 0 {
		t.Fatal(e)
	}
	return uid
}

// canEnter tries to enter a user namespace with an id. It calls setns(2) in a child, since a process with
// several threads must not.
func canEnter(id uint32, space *os.File) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	attr := &syscall.ProcAttr{
		Env:   []string{},
		Files: []uintptr{space.Fd(), null.Fd(), null.Fd()},
		Sys:   &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}},
	}
	pid, err := syscall.ForkExec("/usr/bin/nsenter", []string{"nsenter", "--user=/proc/self/fd/0", "--preserve-credentials", probe, "exit", "0"}, attr)
	if err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	if status != 0 {
		return fmt.Errorf("status %d", status.ExitStatus())
	}
	return nil
}

// TestUserNamespaceOwner: the user namespace of a sandbox belongs to a reserved id. Neither the user, nor
// another user, nor a process with a subordinate id from a directory service's range can enter it. The
// control: a process with the owner's id can, which is why no account may have it.
func TestUserNamespaceOwner(t *testing.T) {
	t.Parallel()
	for _, who := range []uint32{1, me, 60000, 65534, 70000, 1<<31 + 5, 4294901767, 1<<32 - 2} {
		space := startInside(t, who)
		owner := ownerOf(t, space)
		if owner != suid.Owner(who) || owner < 4294901768 || owner > 4294967292 {
			t.Errorf("uid %d: the owner is %d", who, owner)
		}
		for _, id := range []uint32{who, who + 1, 65533, 0xffe00000 | who&0xfffff, 4294901767} {
			if id == owner || id == 1<<32-1 {
				continue
			}
			if err := canEnter(id, space); err == nil {
				t.Errorf("%d enters the namespace of %d", id, who)
			}
		}
		if err := canEnter(owner, space); err != nil {
			t.Errorf("the control: %d, who owns it, does not enter: %v", owner, err)
		}
	}
	// A new devpts needs no root inside.
	for _, who := range []uint32{me, 65534} {
		args := append(byKeeper("--ro-bind", "/", "/", "--unshare-user", "--dev", "/dev"), "/bin/cat", "/proc/self/uid_map")
		want := fmt.Sprintf("%d %d 1", who, who)
		if o := (launch{who: who, args: args}).run(t); strings.Join(strings.Fields(o.Stdout), " ") != want {
			t.Errorf("uid %d: want the map %s: %s", who, want, o)
		}
	}
	// Two users who share an owner id cannot enter each other's namespaces.
	const first, second = 61440, 61440 + 4085
	if suid.Owner(first) != suid.Owner(second) {
		t.Fatal("these do not share an owner")
	}
	a, b := startInside(t, first), startInside(t, second)
	if canEnter(first, b) == nil || canEnter(second, a) == nil {
		t.Error("users who share an owner enter each other's namespaces")
	}
}

// TestReservedIDs: a caller with a reserved id gets no user namespace, nor does any caller where these
// ids are not mapped. An optional one is left out.
func TestReservedIDs(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(args ...string) outcome{
		"first": func(args ...string) outcome { return launch{who: suid.FirstOwner, args: args}.run(t) },
		"last":  func(args ...string) outcome { return launch{who: suid.LastOwner, args: args}.run(t) },
		"group": func(args ...string) outcome {
			as := []string{"setpriv", "--reuid", "12345", "--regid", fmt.Sprint(uint32(suid.LastOwner)), "--clear-groups", "--"}
			return launch{who: nobody, wrap: as, args: args}.run(t)
		},
		"container": func(args ...string) outcome { return kernel(launch{args: args}, "").run(t) },
	} {
		for _, options := range [][]string{{"--unshare-user"}, {"--uid", "7"}, {"--unshare-user", "--dev", "/dev"}} {
			run(append(byKeeper(options...), "/h/probe", "echo", "in")...).Refused(t, "kept free for this (4294901768 to 4294967292)")
		}
		for _, options := range [][]string{{"--unshare-user-try"}, all(), nil} {
			o := run(append(byKeeper(append([]string{"--ro-bind", "/", "/"}, options...)...), "/bin/cat", "/proc/self/uid_map")...)
			want := "0 0 4294967295"
			if name == "container" {
				want = "0 0 65536"
			}
			if o.Status != "0" || o.Stderr != "" || strings.Join(strings.Fields(o.Stdout), " ") != want {
				t.Errorf("%s, %v: want the outer user namespace: %s", name, options, o)
			}
		}
	}
}

// TestHidepid: the keeper can write the maps even if /proc hides other users' processes.
func TestHidepid(t *testing.T) {
	t.Parallel()
	here, _ := os.Readlink("/proc/self/ns/user")
	for _, hiding := range []string{"hidepid=1", "hidepid=2", "hidepid=4", "hidepid=2,gid=4242", "hidepid=invisible", "hidepid=ptraceable"} {
		host := "mount -t proc -o " + hiding + " proc /proc"
		// The control: they are hidden.
		if o := (launch{host: host, args: []string{"/bin/cat", "/proc/1/status"}}).run(t); o.Status == "0" {
			t.Errorf("%s hides nothing: %s", hiding, o)
		}
		for options, ids := range map[string]string{
			"--unshare-user":                       "12345 12345",
			"--unshare-user-try":                   "12345 12345",
			"--uid 7 --gid 8":                      "7 8",
			"--unshare-all":                        "12345 12345",
			"--unshare-all --dev /dev":             "12345 12345",
			"--unshare-all --proc /proc --uid 0":   "0 12345",
			"--unshare-pid --unshare-user --gid 0": "12345 0",
		} {
			args := byKeeper(append(strings.Fields(options), "--ro-bind", "/usr", "/usr", "--ro-bind", "/lib64", "/lib64", "--ro-bind", "/lib", "/lib", "--ro-bind", "/proc", "/old")...)
			o := launch{host: host, args: append(args, "/usr/bin/sh", "-c", "readlink /old/self/ns/user || readlink /proc/self/ns/user; echo $(id -u) $(id -g)")}.run(t)
			space, said, _ := strings.Cut(o.Stdout, "\n")
			if o.Status != "0" || said != ids+"\n" || space == here {
				t.Errorf("%s, %s: want ids %s in a user namespace: %s", hiding, options, ids, o)
			}
		}
	}
}
