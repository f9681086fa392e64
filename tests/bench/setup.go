package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// program is one column.
type program struct {
	path, version string
}

// bench is a run: its programs, its scratch directory, and what was measured.
type bench struct {
	settings
	programs []program // the reference first
	scratch  string
	payload  string
	rows     []row
}

// payloadSource ends at once, or waits for ever when it is given an argument.
const payloadSource = `#include <unistd.h>
int main(int argc, char **argv) { (void)argv; if (argc > 1) for (;;) pause(); return 0; }
`

func newBench(s settings) (*bench, error) {
	b := &bench{settings: s}
	dir, err := os.MkdirTemp("", "gobwrap-bench-")
	if err != nil {
		return nil, err
	}
	if b.scratch, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	if err := b.fill(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.scratch) }

// fill prepares the scratch directory: the programs, the payload, what is bound.
func (b *bench) fill() error {
	unix.Umask(0o022)
	if err := os.Chmod(b.scratch, 0o755); err != nil {
		return err
	}
	paths := []string{b.reference, b.subject}
	if b.third != "" {
		paths = append(paths, b.third)
	}
	for i, path := range paths {
		if err := b.addProgram(i, path); err != nil {
			return err
		}
	}
	for _, dir := range []string{"app/bin", "source", "data", "mounts"} {
		if err := os.MkdirAll(filepath.Join(b.scratch, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(b.scratch, "app/.ref"), nil, 0o644); err != nil {
		return err
	}
	return b.buildPayload()
}

// addProgram copies a program into the scratch directory, under its own name, since
// its place may be closed to the other users.
func (b *bench) addProgram(i int, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w (make build makes bin/gobwrap; the package bubblewrap has bwrap)", err)
	}
	copied := filepath.Join(b.scratch, fmt.Sprint("program", i), filepath.Base(path))
	if err := os.Mkdir(filepath.Dir(copied), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		return err
	}
	if b.mode != "" { // in the scratch directory, which goes with the run
		if err := os.Chmod(copied, 0o755|os.ModeSetuid); err != nil {
			return err
		}
	}
	out, err := exec.Command(copied, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", path, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return fmt.Errorf("%s --version says %q", path, out)
	}
	b.programs = append(b.programs, program{copied, strings.Join(words[:2], " ")})
	return nil
}

func (b *bench) buildPayload() error {
	b.payload = filepath.Join(b.scratch, "app/bin/payload")
	cc := exec.Command("gcc", "-static", "-O2", "-x", "c", "-o", b.payload, "-")
	cc.Stdin = strings.NewReader(payloadSource)
	if out, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("building the payload with gcc -static: %w\n%s", err, out)
	}
	return nil
}
