package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOverlayLeavesNothing: an overlay on a file is refused before the kernel makes the directory
// that it keeps in the work directory. The control is an overlay that is mounted.
func TestOverlayLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user}, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			dir := root.scratch(t)
			if err := unix.Mount("none", dir, "tmpfs", 0, "mode=0755"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			for _, name := range []string{"lower", "upper", "work"} {
				sub := filepath.Join(dir, name)
				if err := os.Mkdir(sub, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Chown(sub, int(who.id), int(who.id)); err != nil {
					t.Fatal(err)
				}
			}
			run := func(dest string) outcome {
				return launch{who: who, wrap: e.Wrap, args: append(box("--file", "0", "/f", "--overlay-src", dir+"/lower", "--overlay", dir+"/upper", dir+"/work", dest), "/h/probe", "echo", "in")}.run(t)
			}
			run("/f").Refused(t, "Can't mkdir /f: Not a directory")
			if left, err := os.ReadDir(filepath.Join(dir, "work")); err != nil || len(left) > 0 {
				t.Errorf("%s: left in the work directory: %v, %v", e.Name, left, err)
			}
			run("/o").OK(t, "in\n")
			if left, err := os.ReadDir(filepath.Join(dir, "work")); err != nil || len(left) == 0 {
				t.Errorf("%s: a mounted overlay leaves nothing either: %v, %v", e.Name, left, err)
			}
		}
	})
}
