package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// TestMain builds one launcher for all tests; see sandboxtest.Launcher.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("GOBWRAP_INNER") == "" { // that is for TestRefusedUserNamespaces to start
		if err := harness.LeaveOut("^TestInner$"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
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
		err = testbin.Launcher(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building a launcher:", err)
		return 1
	}
	_ = os.Setenv("GOBWRAP", path)
	_ = os.Setenv("PATH", os.Getenv("PATH")+":"+dir) // for what cannot start itself: -race
	return m.Run()
}
