package hosted

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeExample runs the program of README.md.
func TestReadmeExample(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```go\n")
	program, _, ok := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil || !ok {
		t.Fatalf("%v, a program: %v", err, ok)
	}
	c := exec.Command("go", "run", file)
	c.Dir = "../.."
	c.Env = append(os.Environ(), "GOFLAGS=")
	out, err := c.CombinedOutput()
	// Two lines of headings, and the loopback.
	if lines := strings.Fields(string(out)); err != nil || strings.Join(lines, " ") != "bin lib lib64 proc usr 0 3" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSelfIsFirst: package self is initialised before package syscall and os, and whatever
// else could act before it, in a program with much in it.
func TestSelfIsFirst(t *testing.T) {
	for _, h := range hosts {
		c := h.command("-n", "0")
		c.Env = append(c.Env, "GODEBUG=inittrace=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", h.name, err, out)
		}
		var order []string
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "init" {
				order = append(order, f[1])
			}
		}
		for i, name := range order {
			if strings.HasSuffix(name, "sandbox/internal/self") {
				if before := strings.Join(order[:i], " "); i == 0 || strings.Contains(before, "syscall") || strings.Contains(before, "os ") || len(order) < 10 {
					t.Errorf("%s: %s come first", h.name, before)
				}
				break
			}
			if i == len(order)-1 {
				t.Errorf("%s: it is not initialised at all: %v", h.name, order)
			}
		}
	}
}
