package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// holder starts a process in new namespaces, as unshare makes them, and returns its
// pid. It ends with the test.
func holder(t *testing.T, who identity, options ...string) int {
	t.Helper()
	cmd := exec.Command("unshare", append(options, "sh", "-c", "echo ready; exec sleep 1000")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.id, Gid: who.id}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the holder says %q: %v", line, err)
	}
	return cmd.Process.Pid
}

func namespace(t *testing.T, pid int, kind string) *os.File {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestGivenNetworkNamespace: --netns takes the command into a network namespace over
// which the caller has rights: root by itself, a user through the owning --userns.
func TestGivenNetworkNamespace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who     identity
		unshare []string
		kinds   []string
		options []string
	}{
		{root, []string{"-n"}, []string{"net"}, []string{"--netns", "3"}},
		{root, []string{"-n"}, []string{"net"}, []string{"--netns", "3", "--unshare-pid", "--proc", "/proc"}},
		{user, []string{"-Urn"}, []string{"net", "user"}, []string{"--userns", "4", "--netns", "3"}},
		{user, []string{"-Urn"}, []string{"net", "user"}, []string{"--netns", "3", "--unshare-ipc", "--userns", "4"}},
	} {
		pid := holder(t, c.who, c.unshare...)
		var files []*os.File
		for _, kind := range c.kinds {
			files = append(files, namespace(t, pid, kind))
		}
		want, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{gobwrap, "--ro-bind", "/", "/"}, c.options...)
		o := launch{who: c.who, args: append(args, "--", "sh", "-c", "readlink /proc/self/ns/net; ls /proc/self/fd"), files: files}.run(t)
		if o.Status != "0" || !strings.HasPrefix(o.Stdout, want+"\n") {
			t.Errorf("%s %v: %v, want %s", c.who.name, c.options, o, want)
		}
		if strings.Contains(o.Stdout, "\n4\n") {
			t.Errorf("%s %v: a namespace's descriptor reached the command:\n%s", c.who.name, c.options, o.Stdout)
		}
	}
}

// TestForeignNetworkNamespace: without rights over it, --netns is refused in words.
func TestForeignNetworkNamespace(t *testing.T) {
	t.Parallel()
	pid := holder(t, user, "-Urn")
	o := launch{
		who: user, files: []*os.File{namespace(t, pid, "net")},
		args: []string{gobwrap, "--ro-bind", "/", "/", "--netns", "3", "--", "echo", "ran"},
	}.run(t)
	o.Refused(t, "Setting netns failed: Operation not permitted")
}
