package sandboxtest

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// runVariable tells a test binary which call of Run it was started for.
const runVariable = "GOBWRAP_SANDBOXTEST_RUN"

// reached is the exit status of a test binary that has run the function, and passed.
const reached = 77

// calls counts the calls of Run in each test.
//
//nolint:gochecknoglobals // the same in both processes
var calls struct {
	sync.Mutex
	of map[string]int
}

func count(t *testing.T) string {
	name := t.Name()
	calls.Lock()
	defer calls.Unlock()
	if calls.of == nil {
		calls.of = map[string]int{}
	}
	if calls.of[name]++; calls.of[name] == 1 {
		t.Cleanup(func() { // it may run again (-test.count)
			calls.Lock()
			defer calls.Unlock()
			delete(calls.of, name)
		})
	}
	return fmt.Sprint(name, "#", calls.of[name])
}

// Run runs f inside the sandbox that spec says, in a process of its own: the test binary,
// started again for this test. What f finds wrong it says by t, as ever; variables of this
// process it cannot change. The binary, and the directories of libraries if it needs some,
// are put into the sandbox before all else.
func Run(t *testing.T, spec sandbox.Spec, f func()) {
	t.Helper()
	id := count(t)
	switch os.Getenv(runVariable) {
	case id:
		inside(t, f)
	case "":
		outside(t, id, spec)
	default: // another call of the same test, which is run elsewhere
	}
}

// inside runs f and ends the process, also when f ends the test by t.Fatal.
func inside(t *testing.T, f func()) {
	defer func() {
		if r := recover(); r != nil {
			panic(r)
		}
		if t.Skipped() || t.Failed() {
			return // the test ends as tests do, with its words
		}
		os.Exit(reached)
	}()
	f()
}

func outside(t *testing.T, id string, spec sandbox.Spec) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const dir = "/.sandboxtest"
	name := filepath.Base(exe)
	c := sandbox.Command(name, "-test.run="+pattern(t.Name()), "-test.v", "-test.count=1")
	c.Launcher = ownLauncher(t)
	c.Env = append(os.Environ(), runVariable+"="+id, "PATH="+dir+":"+filepath.Dir(exe))
	c.Spec = spec
	c.Spec.Files = append(needed(exe, filepath.Join(dir, name)), spec.Files...)
	out, err := c.CombinedOutput()
	var exit *sandbox.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == reached:
	case err == nil:
		t.Errorf("inside, the test did not come to this call of Run:\n%s", out)
	default:
		t.Errorf("inside: %v\n%s", err, out)
	}
}

// needed puts a program into a sandbox, with what it is linked to.
func needed(exe, dest string) []mounts.Op {
	ops := []mounts.Op{{Kind: mounts.Bind, Source: exe, Dest: dest}}
	f, err := elf.Open(exe)
	if err != nil {
		return ops
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		for _, lib := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64"} {
			ops = append(ops, mounts.Op{Kind: mounts.Bind, Source: lib, Dest: lib, Try: true})
		}
	}
	return ops
}
