package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/sandbox"
)

// TestAdvice: what is replaced is what package sandbox says, to the letter.
func TestAdvice(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"../../sandbox/*.go", "../../sandbox/internal/*/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	for i := 0; i < len(advice); i += 2 {
		if !strings.Contains(source.String(), advice[i]) {
			t.Errorf("package sandbox never says %q", advice[i])
		}
		if got := inOptions("because: " + advice[i] + "."); got != "because: "+advice[i+1]+"." || !strings.Contains(got, "--") {
			t.Errorf("%q is %q", advice[i], got)
		}
	}
}

// TestReword: errors keep what they are, and say it in options.
func TestReword(t *testing.T) {
	plain := errors.New("x")
	if got := reword(plain); got != plain {
		t.Errorf("%v", got)
	}
	inner := &sandbox.SetupError{Stage: "groups", Path: "/p", Err: plain, Hint: "set Identity.KeepGroups to keep them"}
	var e *sandbox.SetupError
	if got := reword(inner); !errors.As(got, &e) || e.Hint != "use --keep-groups to keep them" || e.Path != "/p" || !errors.Is(got, plain) || inner.Hint == e.Hint {
		t.Errorf("%+v", e)
	}
	for want, err := range map[string]error{
		noSetuid: sandbox.ErrNoSetuid,
		"--uid 5: no --uid-map contains this id, and the caller is mapped to another one (why)":   &front.Unmapped{Kind: "uid", ID: 5, Field: "Identity.UID", Detail: "why"},
		"--dev needs gid 0 inside, which its devpts belongs to: map it with --gid-map or --gid 0": &front.Unmapped{Kind: "gid", Device: true, Field: "Identity.GIDMap"},
	} {
		if got := reword(&sandbox.SetupError{Stage: "options", Err: err}); got.Error() != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
