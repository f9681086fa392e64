// Package packaging installs the Debian packages on a machine that is a copy of this one,
// and takes them away again.
package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// packages makes the packages of what is built in bin.
func packages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("../../packaging/deb.sh", runtime.GOARCH, "../../bin", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("packaging/deb.sh: %v\n%s", err, out)
	}
	return dir
}

// TestSameWhereverMade: the packages are the same whatever file system they are made on, for
// which du has other sizes.
func TestSameWhereverMade(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	disk, memory := packages(t), t.TempDir()
	script := `mount -t tmpfs tmpfs "$0" && TMPDIR=$0 exec ../../packaging/deb.sh "$@"`
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", script, t.TempDir(), runtime.GOARCH, "../../bin", memory)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("packaging/deb.sh: %v\n%s", err, out)
	}
	if out, err := exec.Command("diff", "-r", disk, memory).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if debs, _ := filepath.Glob(memory + "/*.deb"); len(debs) != 3 {
		t.Errorf("made: %q", debs)
	}
}

// foreign is where scripts/packages-setup.sh unpacks packages of other releases.
func foreign(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "gobwrap", "packages")
}

// TestPackages runs each scenario of testdata on a machine of its own.
func TestPackages(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	if out, err := exec.Command("../../scripts/packages-setup.sh", "apparmor").CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
	debs := packages(t)
	for _, name := range []string{"plain", "setuid", "administrator", "as-bwrap", "diversion", "apparmor"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "testdata/machine.sh", debs, foreign(t), filepath.Join("testdata", name+".sh"))
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // where it mounts
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(string(out), "scenario done\n") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Cleanup(func() {
		if _, err := os.Lstat("/usr/bin/gobwrap"); err == nil {
			t.Error("the machine's own /usr/bin has a gobwrap now")
		}
	})
}
