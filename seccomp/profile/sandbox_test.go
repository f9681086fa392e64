package profile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// TestInSandbox: a program that contains this package needs no gobwrap-seccomp for a profile of
// its own.
func TestInSandbox(t *testing.T) {
	dir, launcher := t.TempDir(), sandboxtest.Launcher(t)
	t.Setenv("PATH", "/usr/bin:/bin")
	file := filepath.Join(dir, "p.json")
	const text = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := sandbox.Command("mkdir", "/tmp/d")
	c.Env = []string{"PATH=/usr/bin", "LC_ALL=C"}
	c.Launcher = launcher
	c.Spec.Files = append(mounts.System(), mounts.Tmpfs("/tmp"))
	c.Spec.Lockdown.Filters = []sandbox.Filter{{Profile: file}}
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "No space left on device") {
		t.Errorf("%v: %s", err, out)
	}
	if err := os.WriteFile(file, []byte(`{"defaultAction": "SCMP_ACT_NONE"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	again := sandbox.Command("true")
	again.Spec, again.Launcher = c.Spec, launcher
	if err := again.Run(); err == nil || !strings.Contains(err.Error(), "Lockdown.Filters[0]") || !strings.Contains(err.Error(), "SCMP_ACT_NONE") {
		t.Errorf("a wrong profile: %v", err)
	}
}
