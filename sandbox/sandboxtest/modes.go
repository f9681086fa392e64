package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
)

// Mode is a way in which sandboxes are made.
type Mode struct {
	Name     string // "root", "user" or "setuid"
	Launcher string // for Cmd.Launcher; "": the program itself
	Spec     sandbox.Mode
}

// Command prepares a command in a sandbox that is made in this way.
func (m Mode) Command(spec sandbox.Spec, name string, arg ...string) *sandbox.Cmd {
	c := sandbox.Command(name, arg...)
	c.Spec, c.Launcher = spec, m.Launcher
	c.Spec.Mode = m.Spec
	return c
}

// User is who root's tests are run as, in the modes of an ordinary user. The id needs no
// entry in passwd.
const User = 12345

// Variables by which a test binary is told what it was started for.
const (
	modeVariable     = "GOBWRAP_SANDBOXTEST_MODE"
	launcherVariable = "GOBWRAP_SANDBOXTEST_LAUNCHER"
)

// Modes runs f as a subtest for each mode. One that there cannot be is skipped, with the
// reason.
func Modes(t *testing.T, f func(t *testing.T, m Mode)) {
	t.Helper()
	if os.Getenv(runVariable) != "" { // inside of a sandbox, on the way to a call of Run
		for _, name := range []string{"root", "user", "setuid"} {
			if onTheWay(t.Name() + "/" + name) {
				t.Run(name, func(t *testing.T) {
					f(t, Mode{Name: name, Launcher: os.Getenv(launcherVariable), Spec: specMode(name)})
				})
			}
		}
		return
	}
	if name := os.Getenv(modeVariable); name != "" {
		t.Run(name, func(t *testing.T) { f(t, here(t, name, os.Getenv(launcherVariable))) })
		return
	}
	root := os.Getuid() == 0
	t.Run("root", func(t *testing.T) {
		if !root {
			t.Skip("this needs root")
		}
		f(t, here(t, "root", ownLauncher(t)))
	})
	t.Run("user", func(t *testing.T) {
		if root {
			asUser(t, "user", ownLauncher(t))
			return
		}
		f(t, here(t, "user", ownLauncher(t)))
	})
	t.Run("setuid", func(t *testing.T) {
		if root {
			asUser(t, "setuid", setuidCopy(t))
			return
		}
		path, err := exec.LookPath("gobwrap")
		if err != nil || !installed(path) {
			t.Skip("only root can install a setuid gobwrap, and none is in PATH")
		}
		f(t, here(t, "setuid", path))
	})
}

// here returns the mode in this process. It skips a test where the kernel refuses it.
func here(t *testing.T, name, launcher string) Mode {
	t.Helper()
	m := Mode{Name: name, Launcher: launcher, Spec: specMode(name)}
	err := m.Command(sandbox.Spec{}, "/nothing").Run() // which there is not, if we come so far
	var setup *sandbox.SetupError
	switch {
	case errors.Is(err, sandbox.ErrUserNamespaces):
		t.Skipf("%v", err)
	case !errors.As(err, &setup) || setup.Stage != "exec":
		t.Fatalf("the smallest sandbox does not start: %v", err)
	}
	known.Store(t.Name(), m)
	test := t.Name()
	t.Cleanup(func() { known.Delete(test) })
	return m
}

// known are the modes by the names of the subtests that run in them.
//
//nolint:gochecknoglobals // tests know each other by their names only
var known sync.Map

// modeOf returns the mode in which a test runs, if it is within Modes.
func modeOf(name string) (Mode, bool) {
	for name != "" {
		if m, ok := known.Load(name); ok {
			return m.(Mode), true
		}
		name = name[:max(strings.LastIndexByte(name, '/'), 0)]
	}
	return Mode{}, false
}

func specMode(name string) sandbox.Mode {
	if name == "setuid" {
		return sandbox.Setuid
	}
	return sandbox.Direct
}

// asUser runs this subtest in another process, which is an ordinary user's.
func asUser(t *testing.T, mode, launcher string) {
	t.Helper()
	dir := openDir(t)
	self := filepath.Join(dir, "test")
	copyFile(t, "/proc/self/exe", self, 0o755)
	home := filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Chown(home, User, User)); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run="+pattern(t.Name()), "-test.v", "-test.count=1")
	c.Env = append(os.Environ(), modeVariable+"="+mode, launcherVariable+"="+launcher, "TMPDIR="+home, "HOME="+home)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: User, Gid: User}}
	out, err := c.CombinedOutput()
	switch text := string(out); {
	case err != nil:
		t.Errorf("as uid %d: %v\n%s", User, err, text)
	case strings.Contains(text, "--- SKIP: "+t.Name()+" "):
		t.Skipf("as uid %d:\n%s", User, text)
	case !strings.Contains(text, "--- PASS: "+t.Name()+" "):
		t.Errorf("as uid %d the test was not found:\n%s", User, text)
	}
}

// pattern returns what -test.run takes for the subtest of this name.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// openDir returns a temporary directory that everybody can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandboxtest-")
	if err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownLauncher is "", or a launcher for a test binary that can't be one itself.
func ownLauncher(t *testing.T) string {
	t.Helper()
	var e *sandbox.SetupError
	if err := sandbox.Command("/nothing").Run(); errors.As(err, &e) && e.Stage == "options" {
		return Launcher(t) // none was found
	}
	return ""
}

// Launcher builds a launcher, cmd/gobwrap, that is removed after the test, or names
// the one in the environment variable GOBWRAP.
func Launcher(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("GOBWRAP"); path != "" {
		return path
	}
	path := filepath.Join(openDir(t), "gobwrap")
	c := exec.Command("go", "build", "-ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry", "-o", path,
		"github.com/gobwrap/gobwrap/cmd/gobwrap")
	c.Env = append(slices.Clone(os.Environ()), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	return path
}

// setuidCopy installs a launcher set-user-id root until the end of the test.
func setuidCopy(t *testing.T) string {
	t.Helper()
	from := Launcher(t)
	dir := openDir(t)
	var fs syscall.Statfs_t
	const nosuid = 2 // ST_NOSUID
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Flags&nosuid != 0 {
		t.Skipf("%s is on a mount where set-user-id has no effect (%v): set TMPDIR", dir, err)
	}
	path := filepath.Join(dir, "gobwrap")
	copyFile(t, from, path, 0o755)
	if err := os.Chmod(path, os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func installed(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && st.Mode&0o6000 == 0o4000
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, mode)
	}
	if err == nil {
		err = os.Chmod(to, mode) // whatever the umask
	}
	if err != nil {
		t.Fatal(fmt.Errorf("copying %s: %w", from, err))
	}
}
