//go:build clients

package clients_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

// The programs, in a directory that everybody can reach.
var (
	base      string
	gobwrap   string
	installed string // a copy, setuid root
	enosys    string
	modules   string // npm's
)

const (
	uid = 12345
)

func TestMain(m *testing.M) {
	err := prepare()
	code := 2
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "clients:", err)
	}
	if installed != "" {
		_ = unix.Unmount(filepath.Dir(installed), unix.MNT_DETACH)
	}
	_ = os.RemoveAll(base)
	os.Exit(code)
}

func prepare() (err error) {
	if os.Geteuid() != 0 {
		return fmt.Errorf("these tests make worlds for clients: run them as root")
	}
	if err := ownMounts(); err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	modules = filepath.Join(cache, "gobwrap", "clients", "npm", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		return fmt.Errorf("%w: run scripts/clients-setup.sh", err)
	}
	if base, err = harness.SetUp(map[string]string{"gcc": "gcc and libc6-dev"}); err != nil {
		return err
	}
	return buildAll()
}

// ownMounts starts the tests again in a mount namespace of their own, where the set-id
// copy is: out of others' reach, and gone with the last process however the tests end.
func ownMounts() error {
	const done = "GOBWRAP_TEST_OWN_MOUNTS"
	if os.Getenv(done) != "" {
		return os.Unsetenv(done)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the namespace is this thread's, and so that of what it becomes
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), done+"=1"))
}

func buildAll() error {
	gobwrap, enosys = filepath.Join(base, "bin", "gobwrap"), filepath.Join(base, "bin", "enosys")
	installed = filepath.Join(base, "setuid", "bwrap")
	place := filepath.Dir(installed)
	if err := os.Mkdir(place, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("set-id", place, "tmpfs", unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("a mount for a set-id program: %w", err)
	}
	var err error
	if other := os.Getenv("BWRAP_UNDER_TEST"); other != "" {
		err = testbin.Copy(gobwrap, other, "0755")
	} else {
		err = testbin.Launcher(gobwrap)
	}
	if err != nil {
		return err
	}
	return errors.Join(
		testbin.Helper(enosys), testbin.Copy(installed, gobwrap, "4755"),
		os.CopyFS(filepath.Join(base, "testdata"), os.DirFS("testdata")),
	)
}
