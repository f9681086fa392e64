package child_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/child"
)

// TestFrontEndAlone: a program that did not come in through the entry point says so.
func TestFrontEndAlone(t *testing.T) {
	if child.Entered() || child.InstallKind() != 0 {
		t.Error("a test that was not entered believes that it was")
	}
}
