// Package testbin builds what suites run: launchers, and helpers in C. The helpers that
// several suites have are in testdata:
//
//	probe   a payload that does and prints one small thing after another
//	reach   tries to get out of a sandbox by signals and sockets
//	enosys  runs a program under a filter that makes system calls fail
//	victim  a payload that prints facts about itself
package testbin

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// Entry is the symbol at which a launcher's execution begins.
const Entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"

//go:embed testdata
var sources embed.FS

// Launcher builds a launcher, with further arguments for go build.
func Launcher(to string, args ...string) error {
	return Go(to, "github.com/gobwrap/gobwrap/cmd/gobwrap", false, append([]string{"-ldflags=-E " + Entry}, args...)...)
}

// Go builds a Go program, with cgo, from the packages that go test has compiled, or without it,
// from those of make build.
func Go(to, pkg string, cgo bool, args ...string) error {
	if !cgo {
		args = append([]string{"-trimpath"}, args...)
	}
	cmd := exec.Command("go", append(append([]string{"build", "-o", to}, args...), pkg)...)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	return run("building "+pkg, cmd)
}

// C builds a static program from a C file, with further arguments for the compiler.
func C(to, source string, args ...string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	args = append([]string{"-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", to, source}, args...)
	return run("building "+source+" with gcc -static", exec.Command("gcc", args...))
}

// Helper builds one of this package's helpers, the one that is called as the file is.
func Helper(to string) (err error) {
	dir, err := os.MkdirTemp("", "helper-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.CopyFS(dir, sources); err != nil {
		return err
	}
	return C(to, path.Join(dir, "testdata", filepath.Base(to)+".c"))
}

// Copy copies a program of root's, with a mode: "4755" is set-user-id.
func Copy(to, program, mode string) error {
	return run("installing "+to, exec.Command("install", "-D", "-o", "0", "-g", "0", "-m", mode, program, to))
}

func run(what string, cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", what, err, out)
	}
	return nil
}
