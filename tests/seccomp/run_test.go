package seccomp

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// users is both kinds.
func users() []user { return []user{root, ordinary} }

// sandboxed puts a launcher in front of a command: the host read-only, a new /tmp, and
// options.
func sandboxed(launcher string, options []string, command ...string) []string {
	return slices.Concat([]string{launcher, "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", base, base}, options, []string{"--"}, command)
}

// file copies a file to where everybody can read it.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, text, 0o644)
}

// written is a new file with text in it.
func written(t *testing.T, text []byte, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(harness.Scratch(t, base, 0), "file")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
