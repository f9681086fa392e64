package e2e_test

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// served is what stands in front of a program for a file system on dir that the ordinary
// user serves, open to him alone. It is mounted in a namespace of the program's own.
func served(dir string) []string {
	return []string{"unshare", "-m", "--propagation", "private", fusefs, dir, fmt.Sprint(user.id)}
}

// TestServedFileSystem: what a user has mounted for himself is not open to root, but to
// set-up, which acts as the user in both modes.
func TestServedFileSystem(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no FUSE here: ", err)
	}
	dir := user.scratch(t)
	user.shell(t, dir, "mkdir mnt")
	o := launch{who: root, wrap: served(dir + "/mnt"), args: []string{"cat", dir + "/mnt/file"}}.run(t)
	if o.status == "0" || !strings.Contains(o.stderr, "Permission denied") {
		t.Fatalf("root may read it, so that this shows nothing: %s", o)
	}
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			for _, more := range [][]string{nil, {"--unshare-user", "--unshare-pid"}} {
				options := slices.Concat(more, []string{"--ro-bind", dir + "/mnt", "/m", "--ro-bind", dir + "/mnt/dir", "/n", "--bind", dir, "/p"})
				words := slices.Concat(who.launcher(), box(options...)[1:], []string{"/h/probe", "show", "/m/file", "show", "/n/file", "show", "/p/mnt/file"})
				wrap := slices.Concat(served(dir+"/mnt"), e.wrap, []string{probe, "become", fmt.Sprint(user.id), "exec"})
				gone, server := pipe(t)
				launch{who: root, wrap: wrap, args: words, files: []*os.File{server}}.run(t).ok(t, strings.Repeat("served\n", 3))
				// The server has this end too, and goes with the launcher.
				_ = server.Close()
				_ = gone.SetReadDeadline(time.Now().Add(patience))
				if _, err := gone.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("the server is left: %v", err)
				}
			}
		}
	})
}
