package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// served is what stands in front of a program for a file system on dir that the ordinary user
// serves, open to that user alone. It is mounted in a namespace of the program's own.
func served(dir string) []string {
	return []string{"unshare", "-m", "--propagation", "private", fusefs, dir, fmt.Sprint(user.id)}
}

// needs skips a test if the kernel does not have a file system, not even as a module.
func needs(t *testing.T, kind string) {
	t.Helper()
	has := func() bool {
		kinds, err := os.ReadFile("/proc/filesystems")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(kinds), "\t"+kind+"\n")
	}
	if has() {
		return
	}
	if out, err := exec.Command("modprobe", "fs-"+kind).CombinedOutput(); err != nil || !has() {
		t.Skipf("this kernel has no %s: modprobe: %v %s", kind, err, out)
	}
}

// needsFUSE does so for FUSE. Where a container has no device for it, fusefs gets one.
func needsFUSE(t *testing.T) {
	t.Helper()
	needs(t, "fuse")
	if _, err := os.Stat("/dev/fuse"); err == nil {
		return
	}
	device := fusefs + ".device"
	if err := unix.Mknod(device, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 229))); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Skip("this root may not make the device of FUSE: ", err)
	}
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		t.Skip("this container may not use FUSE: ", err)
	}
	_ = f.Close()
}

// TestServedFileSystem: a FUSE mount of a user is closed to root, and open to set-up, which
// acts as the user in both modes.
func TestServedFileSystem(t *testing.T) {
	t.Parallel()
	needsFUSE(t)
	dir := user.scratch(t)
	user.shell(t, dir, "mkdir mnt")
	o := launch{who: root, wrap: served(dir + "/mnt"), args: []string{"cat", dir + "/mnt/file"}}.run(t)
	if o.Status == "0" || !strings.Contains(o.Stderr, "Permission denied") {
		t.Fatalf("root may read it, so that this shows nothing: %s", o)
	}
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			for _, more := range [][]string{nil, {"--unshare-user", "--unshare-pid"}} {
				options := slices.Concat(more, []string{"--ro-bind", dir + "/mnt", "/m", "--ro-bind", dir + "/mnt/dir", "/n", "--bind", dir, "/p"})
				words := slices.Concat(who.launcher(), box(options...)[1:], []string{"/h/probe", "show", "/m/file", "show", "/n/file", "show", "/p/mnt/file"})
				wrap := slices.Concat(served(dir+"/mnt"), e.Wrap, []string{probe, "become", fmt.Sprint(user.id), "exec"})
				gone, server := pipe(t)
				launch{who: root, wrap: wrap, args: words, files: []*os.File{server}}.run(t).OK(t, strings.Repeat("served\n", 3))
				// The server has this end too, and goes with the launcher.
				_ = server.Close()
				_ = gone.SetReadDeadline(time.Now().Add(harness.Patience))
				if _, err := gone.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("the server is left: %v", err)
				}
			}
		}
	})
}

// TestServedWorkingDirectory: the caller's working directory may be on a file system that is open
// to the user alone.
func TestServedWorkingDirectory(t *testing.T) {
	t.Parallel()
	needsFUSE(t)
	dir := user.scratch(t)
	user.shell(t, dir, "mkdir mnt")
	eachUser(t, func(t *testing.T, who identity) {
		for _, more := range [][]string{nil, {"--unshare-user", "--unshare-ipc"}} {
			options := slices.Concat(more, []string{"--ro-bind", "dir", "/n", "--bind", ".", dir + "/mnt"})
			words := slices.Concat(who.launcher(), box(options...)[1:], []string{"/h/probe", "show", "file"})
			wrap := slices.Concat(served(dir+"/mnt"), []string{probe, "become", fmt.Sprint(user.id), "exec", "sh", "-ec", `cd "$0"; exec "$@"`, dir + "/mnt"})
			launch{who: root, wrap: wrap, args: words}.run(t).OK(t, "served\n")
		}
	})
}
