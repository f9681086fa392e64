package doctor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/tidy"
)

// The programs, in a directory that everybody can reach.
var base, gobwrap, enosys string

const entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"

func TestMain(m *testing.M) {
	tidy.OnInterrupt(func() { _ = os.RemoveAll(base) })
	err := prepare()
	code := 2
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "doctor:", err)
	}
	_ = os.RemoveAll(base)
	os.Exit(code)
}

func prepare() (err error) {
	if os.Geteuid() != 0 {
		return fmt.Errorf("these tests make worlds in which something is forbidden: run them as root")
	}
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
	out, err := exec.Command("gcc", "-static", "-O1", "-o", enosys, "../e2e/testdata/enosys.c").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building enosys with gcc -static: %w\n%s", err, out)
	}
	return nil
}
