package sandboxtest_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// TestModes: each mode is what its name says.
func TestModes(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		// An ordinary user's tests run as that user; root's start themselves as another one.
		uid, own := os.Getuid(), os.Getenv("GOBWRAP_SANDBOXTEST_MODE") == ""
		if (uid == 0) != (m.Name == "root") || !own && uid != sandboxtest.User {
			t.Errorf("%s: uid %d", m.Name, uid)
		}
		spec := sandbox.Spec{Files: []mounts.Op{mounts.ReadOnly("/")}}
		out, err := m.Command(spec, "id", "-u").Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: uid %s", m.Name, out)
	})
}

// TestRun: the function sees the sandbox, and the others of the same test do not run
// in its process.
func TestRun(t *testing.T) {
	for _, spec := range []sandbox.Spec{{}, {Files: []mounts.Op{mounts.ReadOnly("/")}}} {
		sandboxtest.Run(t, spec, func() {
			if os.Getpid() > 20 {
				t.Errorf("the pid is %d", os.Getpid())
			}
			if _, err := os.Stat("/etc"); (err == nil) != (len(spec.Files) > 0) {
				t.Errorf("/etc: %v", err)
			}
			if err := os.WriteFile("/etc/x", nil, 0o600); !errors.Is(err, fs.ErrNotExist) && len(spec.Files) == 0 {
				t.Errorf("writing: %v", err)
			}
		})
	}
}

func TestRunInSubtest(t *testing.T) {
	t.Run("a name, with/slash", func(t *testing.T) {
		sandboxtest.Run(t, sandbox.Spec{}, func() {})
	})
}
