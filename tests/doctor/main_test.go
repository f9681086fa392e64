package doctor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// The programs, in a directory that everybody can reach.
var base, gobwrap, enosys string

const entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func prepare() (err error) {
	for tool, pkg := range map[string]string{"gcc": "gcc and libc6-dev", "unshare": "util-linux", "setpriv": "util-linux", "sysctl": "procps", "mount": "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: install %s", tool, pkg)
		}
	}
	syscall.Umask(0o022)
	if base, err = os.MkdirTemp("", "doctor-"); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	gobwrap, enosys = filepath.Join(base, "gobwrap"), filepath.Join(base, "enosys")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-E "+entry, "-o", gobwrap, "../../cmd/gobwrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gobwrap: %w\n%s", err, out)
	}
	out, err := exec.Command("gcc", "-static", "-O1", "-o", enosys, "../lib/programs/testdata/enosys.c").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building enosys with gcc -static: %w\n%s", err, out)
	}
	return nil
}
