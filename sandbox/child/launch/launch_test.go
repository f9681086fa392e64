package launch_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/child/launch"
)

// TestExitCode: the shell's number for a wait status.
func TestExitCode(t *testing.T) {
	for _, c := range []struct{ status, want uint32 }{
		{0, 0}, {1 << 8, 1}, {255 << 8, 255}, {9, 137}, {15, 143}, {11 | 0x80, 139}, {64, 192}, {6 | 0x80, 134},
	} {
		if got := launch.ExitCode(c.status); got != c.want {
			t.Errorf("status %#x is %d, want %d", c.status, got, c.want)
		}
	}
}
