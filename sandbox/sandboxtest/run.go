package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

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
// process it cannot change. Inside [Modes] the sandbox is made in the mode at hand.
//
// What the binary needs to run lies in /.sandboxtest, and is there before all that spec
// says. Where spec covers the root by a tree of the host's, that tree has the libraries, and
// the binary is bound to its own place in it.
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
	restoreLibraryPath()
	f()
}

func outside(t *testing.T, id string, spec sandbox.Spec) {
	t.Helper()
	m, known := modeOf(t.Name())
	if !known {
		m.Launcher = ownLauncher(t)
	}
	if spec.Mode == sandbox.Auto {
		spec.Mode = m.Spec
	}
	b := binary(t)
	place, env := b.into(&spec)
	c := sandbox.Command(place, "-test.run="+pattern(t.Name()), "-test.v", "-test.count=1")
	c.Launcher, c.Spec = m.Launcher, spec
	c.Env = append(append(os.Environ(), env...), runVariable+"="+id)
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

// onTheWay reports whether this process was started for a call of Run in the test of this
// name, or in a subtest of it.
func onTheWay(name string) bool {
	id := os.Getenv(runVariable)
	return strings.HasPrefix(id, name+"/") || strings.HasPrefix(id, name+"#")
}
