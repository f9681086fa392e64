package doctor_test

import (
	"os"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// TestMain keeps the copies of launchers that are set-user-id root to namespaces of their
// own; see sandboxtest.Modes.
func TestMain(m *testing.M) {
	harness.EnterIfRoot()
	os.Exit(m.Run())
}
