package hosted

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeExample runs the lines of README.md, with a directory in which make has something
// to do.
func TestReadmeExample(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```go\n")
	lines, _, ok := strings.Cut(rest, "```")
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	program := `package main

import (
	"fmt"
	"os"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

func main() {
	dir := os.Args[1]
	` + lines + `
	fmt.Print(string(out), err)
}
`
	makefile := "test:\n\t@echo tested; touch made /tmp/x\n\t@ls / | tr '\\n' ' '\n\t@touch /usr/x\n"
	if err := errors.Join(os.WriteFile(file, []byte(program), 0o600), os.WriteFile(filepath.Join(dir, "Makefile"), []byte(makefile), 0o600)); err != nil || !ok {
		t.Fatalf("%v, a program: %v", err, ok)
	}
	c := exec.Command("go", "run", file, dir)
	c.Dir = "../.."
	c.Env = append(os.Environ(), "GOFLAGS=", "LC_ALL=C", "MAKELEVEL=0", "MAKEFLAGS=") // make may run the tests
	out, err := c.CombinedOutput()
	said := string(out)
	if err != nil || !strings.HasPrefix(said, "tested\n") || strings.Contains(said, "etc") || !strings.Contains(said, "'/usr/x': Read-only") || !strings.HasSuffix(said, "exit status 2") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "made")); err != nil {
		t.Error(err)
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
