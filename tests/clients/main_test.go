//go:build clients

package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

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
	entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"
	uid   = 12345
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
	syscall.Umask(0o022)
	if base, err = os.MkdirTemp("", "clients-"); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
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
	build := []string{"go", "build", "-trimpath", "-ldflags=-E " + entry, "-o", gobwrap, "../../cmd/gobwrap"}
	if other := os.Getenv("BWRAP_UNDER_TEST"); other != "" {
		build = []string{"install", "-D", "-m", "0755", other, gobwrap}
	}
	for _, words := range [][]string{
		build,
		{"gcc", "-static", "-O1", "-o", enosys, "../lib/programs/testdata/enosys.c"},
		{"install", "-D", "-o", "0", "-g", "0", "-m", "4755", gobwrap, installed},
		{"cp", "-r", "testdata", filepath.Join(base, "testdata")},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", words, err, out)
		}
	}
	return nil
}
