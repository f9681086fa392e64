package sandbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// TestMain builds one launcher for all tests; see sandboxtest.Launcher.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("GOBWRAP") != "" || os.Getenv("GOBWRAP_INNER") != "" || os.Getenv("GOBWRAP_SANDBOXTEST_RUN") != "" {
		return m.Run()
	}
	harness.EnterIfRoot() // for the copies that are set-user-id root
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = os.Chmod(dir, 0o755)
	}
	path := filepath.Join(dir, "gobwrap")
	if err == nil {
		c := exec.Command("go", "build", "-ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry", "-o", path, "../cmd/gobwrap")
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		c.Stderr = os.Stderr
		err = c.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building a launcher:", err)
		return 1
	}
	_ = os.Setenv("GOBWRAP", path)
	_ = os.Setenv("PATH", os.Getenv("PATH")+":"+dir) // for what cannot start itself: -race
	return m.Run()
}
