package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// program is one column.
type program struct {
	name    string
	path    string
	before  []string // options that stand in front of all others
	missing string   // why it cannot be launched
}

// bench is a run: its programs, its scratch directory, and what was measured.
type bench struct {
	settings
	programs []program // the references, then the subject
	scratch  string
	remove   sync.Once
	payload  string
	rows     []row
	counts   []count
}

// last returns the index of the subject.
func (b *bench) last() int { return len(b.programs) - 1 }

// environment is what launchers get.
var environment = []string{"PATH=/usr/bin:/bin", "HOME=/", "LANG=C"}

// payloadSource ends at once; with an argument it waits, or computes, until it is killed.
const payloadSource = `#include <unistd.h>
int main(int argc, char **argv) {
	if (argc > 1 && argv[1][0] == 'w')
		for (;;)
			pause();
	for (volatile int i = 0; argc > 1; i = !i)
		;
	return 0;
}
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

func (b *bench) close() { b.remove.Do(func() { _ = os.RemoveAll(b.scratch) }) }

// fill prepares the scratch directory: the programs, the payload, what is bound.
func (b *bench) fill() error {
	unix.Umask(0o022)
	if err := os.Chmod(b.scratch, 0o755); err != nil {
		return err
	}
	for _, dir := range []string{"app/bin", "source", "data", "mounts", "setuid", "strace"} {
		if err := os.MkdirAll(filepath.Join(b.scratch, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(b.scratch, "strace"), 0o1777); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.scratch, "app/.ref"), nil, 0o644); err != nil {
		return err
	}
	if err := b.addProgram(b.reference); err != nil {
		return err
	}
	if b.also != "" {
		if err := b.addFetched(); err != nil {
			return err
		}
	}
	if err := b.addProgram(b.subject); err != nil {
		return err
	}
	return b.buildPayload()
}

// addFetched adds the second reference, or what is to be said in its place.
func (b *bench) addFetched() error {
	var path, complaint bytes.Buffer
	cmd := exec.Command("scripts/reference-setup.sh", b.also)
	cmd.Stdout, cmd.Stderr = &path, &complaint
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: left out: %s bubblewrap: %v\n%s", b.also, err, &complaint)
		b.programs = append(b.programs, program{name: b.also + " bubblewrap", missing: "cannot be fetched"})
		return nil
	}
	return b.addProgram(strings.TrimSpace(path.String()))
}

// addProgram copies a program into the scratch directory, under its own name, since
// its place may be closed to the other users.
func (b *bench) addProgram(path string) error {
	p := program{path: path}
	p, err := p.copyTo(filepath.Join(b.scratch, "program"+strconv.Itoa(len(b.programs))), 0o755)
	if err != nil {
		return fmt.Errorf("%w (make build makes bin/gobwrap; the package bubblewrap has bwrap)", err)
	}
	out, err := exec.Command(p.path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", path, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return fmt.Errorf("%s --version says %q", path, out)
	}
	if p.name = packaged(path); p.name == "" {
		p.name = strings.Join(words[:2], " ")
	}
	b.programs = append(b.programs, p)
	return nil
}

// packaged names a static bubblewrap that lies beside the package.json of its package.
func packaged(path string) string {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(path), "package.json"))
	if err != nil {
		return ""
	}
	var of struct{ Name, Version string }
	if json.Unmarshal(data, &of) != nil {
		return ""
	}
	number, _, _ := strings.Cut(of.Version, "-")
	return fmt.Sprintf("static bubblewrap (%s %s)", filepath.Base(of.Name), number)
}

// copyTo copies a program into a new directory.
func (p program) copyTo(dir string, mode os.FileMode) (program, error) {
	data, err := os.ReadFile(p.path)
	if err != nil {
		return p, err
	}
	p.path = filepath.Join(dir, filepath.Base(p.path))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return p, err
	}
	if err := os.WriteFile(p.path, data, 0o755); err != nil {
		return p, err
	}
	return p, os.Chmod(p.path, mode)
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
