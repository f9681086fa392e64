package suid_test

import (
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
)

// TestRefuse: a binary without privileges of its own is not refused, and the words
// for one that has some say what to do.
func TestRefuse(t *testing.T) {
	if child.Secure() {
		t.Fatal("the test binary is set-id")
	}
	if err := suid.Refuse(); err != nil {
		t.Errorf("refused: %v", err)
	}
	for _, want := range []string{"set-user-id", "capabilities", "0755"} {
		if !strings.Contains(suid.ErrPrivileged.Error(), want) {
			t.Errorf("%q lacks %q", suid.ErrPrivileged, want)
		}
	}
}
