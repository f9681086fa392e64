// Package inside has tests that run in sandboxes, from a binary that is linked with C where
// cgo is on. Package hosted runs them as built in several ways.
package inside

import (
	"debug/elf"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"testing"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// programs is the Spec of README.md.
func programs() sandbox.Spec {
	return sandbox.Spec{Files: []mounts.Op{
		mounts.ReadOnly("/usr"),
		mounts.Symlink("usr/bin", "/bin"),
		mounts.Symlink("usr/lib", "/lib"),
		mounts.Symlink("usr/lib64", "/lib64"),
		mounts.Proc("/proc"),
	}}
}

// look is what can be seen with that Spec, and not without a sandbox.
func look(t *testing.T) {
	if _, err := os.Stat("/etc"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("/etc: %v", err)
	}
	if link, err := os.Readlink("/lib"); link != "usr/lib" {
		t.Errorf("/lib: %q, %v", link, err)
	}
	if list, err := net.Interfaces(); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := user.LookupId("0"); err == nil {
		t.Error("there is a user 0, without /etc/passwd")
	}
	if os.Getenv("LD_LIBRARY_PATH") != "" {
		t.Errorf("LD_LIBRARY_PATH is %q", os.Getenv("LD_LIBRARY_PATH"))
	}
	id := exec.Command("/usr/bin/id", "-u")
	id.Stdin = os.Stdin // there is no /dev/null
	if out, err := id.CombinedOutput(); err != nil {
		t.Errorf("a program of the host's: %v\n%s", err, out)
	}
}

func TestHow(t *testing.T) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	dynamic := f.Section(".interp") != nil
	if want := os.Getenv("INSIDE_DYNAMIC"); want != "" && (want == "1") != dynamic {
		t.Errorf("linked dynamically: %v", dynamic)
	}
}

func TestPrograms(t *testing.T) {
	sandboxtest.Run(t, programs(), func() { look(t) })
}

// TestNothing: without any file of the host's.
func TestNothing(t *testing.T) {
	sandboxtest.Run(t, sandbox.Spec{}, func() {
		list, err := os.ReadDir("/")
		if err != nil || len(list) != 1 || list[0].Name() != ".sandboxtest" {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// TestCovered: the root is another tree, with or without a place for temporary files.
func TestCovered(t *testing.T) {
	root := mounts.ReadOnly("/")
	for _, files := range [][]mounts.Op{
		{root},
		{root, mounts.Tmpfs("/tmp")},
		append([]mounts.Op{root, mounts.Tmpfs("/")}, programs().Files...),
	} {
		sandboxtest.Run(t, sandbox.Spec{Files: files}, func() {
			if os.Getpid() > 20 {
				t.Errorf("the pid is %d", os.Getpid())
			}
		})
	}
}

// TestModes: in each mode, and in subtests of it, a call of Run is reached, and the sandbox
// is made in this mode.
func TestModes(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		files := programs()
		files.Files = append(files.Files, mounts.Dir("/"+m.Name))
		files.Namespaces.User = sandbox.Share
		sandboxtest.Run(t, files, func() {
			look(t)
			if _, err := os.Stat("/" + m.Name); err != nil {
				t.Error(err)
			}
			uid := map[string]int{"root": 0, "user": sandboxtest.User, "setuid": sandboxtest.User}
			if os.Getuid() != uid[m.Name] {
				t.Errorf("uid %d", os.Getuid())
			}
			// For direct mode a user needs a user namespace all the same.
			own, err := os.ReadFile("/proc/self/uid_map")
			if whole := string(own) == "         0          0 4294967295\n"; err != nil || m.Name == "setuid" && !whole || m.Name == "user" && whole {
				t.Errorf("mode %s: %s, %v", m.Name, own, err)
			}
		})
		t.Run("deeper", func(t *testing.T) {
			sandboxtest.Run(t, files, func() { look(t) })
			sandboxtest.Run(t, sandbox.Spec{}, func() {
				if _, err := os.Stat("/usr"); err == nil {
					t.Error("there is /usr")
				}
			})
		})
	})
}

// TestFails: what fails inside fails outside. It fails where INSIDE_FAILS is set, as
// TestSandboxtest of package hosted does.
func TestFails(t *testing.T) {
	fails := os.Getenv("INSIDE_FAILS") != ""
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		sandboxtest.Run(t, programs(), func() {
			if fails {
				t.Error("this is wrong in mode " + m.Name)
			}
		})
	})
}
