package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// launcherFlags are those of the Makefile.
var launcherFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -E " + module + "/sandbox/child.entry"}

// buildLauncher builds the launcher with further flags, and returns its path.
func buildLauncher(t *testing.T, cgo string, extra ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "gobwrap")
	args := append(append(append([]string{"build"}, launcherFlags...), extra...), "-o", out, "./cmd/gobwrap")
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, text)
	}
	return out
}

// TestInstallSetuid: what make install-setuid leaves is root's, 4755, the binary itself,
// and there at once; what must not be set-user-id is refused and leaves nothing.
func TestInstallSetuid(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	for _, c := range []struct {
		name, binary, want string
	}{
		{"as built", buildLauncher(t, "0"), ""},
		{"coverage", buildLauncher(t, "0", "-cover"), "was built with -cover=true"},
		{"race detector", buildLauncher(t, "1", "-race"), "was built with -race=true"},
		{"without the mode", buildLauncher(t, "0", "-tags", "nosetuid"), "without the setuid mode"},
		{"no launcher", "/bin/false", "does not run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "gobwrap")
			text, err := exec.Command("../scripts/install-setuid.sh", c.binary, target).CombinedOutput()
			left, _ := os.ReadDir(dir)
			if c.want != "" {
				if err == nil || !strings.Contains(string(text), c.want) || len(left) != 0 {
					t.Errorf("%v, %d files left, %s", err, len(left), text)
				}
				return
			}
			var st syscall.Stat_t
			if err := syscall.Stat(target, &st); err != nil || st.Uid != 0 || st.Gid != 0 || st.Mode != syscall.S_IFREG|0o4755 || len(left) != 1 {
				t.Errorf("%v, %+v, %d files: %s", err, st, len(left), text)
			}
			if text, err := exec.Command("cmp", c.binary, target).CombinedOutput(); err != nil {
				t.Errorf("another file: %s", text)
			}
		})
	}
}
