// Package hosted tests package sandbox from programs that have much else to do: command
// busy, built in all the ways that matter to how it starts a sandbox.
package hosted

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

// hostEntry is where the execution of an embedding program may begin.
const hostEntry = "github.com/gobwrap/gobwrap/sandbox/child.hostEntry"

// host is a way to build busy.
type host struct {
	name     string
	cgo      bool
	args     []string
	launcher bool // it needs one
}

var hosts = []host{
	{"plain", false, nil, false},
	{"linked", false, []string{"-ldflags=-E=" + hostEntry}, false},
	{"unoptimised", false, []string{unoptimised(), "-buildmode=pie"}, false},
	{"cgo", true, nil, false},
	{"cgo, position independent", true, []string{"-trimpath", "-buildmode=pie"}, false}, // make build has compiled most of it
	{"launcher", false, nil, true},
	{"race", true, []string{"-race"}, true},
}

// unoptimised is for the module's own packages or, at full length, also for Go's.
func unoptimised() string {
	if harness.Long() {
		return "-gcflags=all=-N -l"
	}
	return "-gcflags=github.com/gobwrap/gobwrap/...=-N -l"
}

var built = map[string]string{} // path by name

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "hosted:", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// home is where everything lies, reachable for everybody.
var home string

func prepare() (err error) {
	if home, err = harness.SetUp(nil); err != nil {
		return err
	}
	program := func(name string) string {
		built[name] = filepath.Join(home, strings.ReplaceAll(name, " ", "-"))
		return built[name]
	}
	if err := testbin.Launcher(program("gobwrap")); err != nil {
		return err
	}
	for _, h := range hosts {
		if err := testbin.Go(program(h.name), "../tools/busy", h.cgo, h.args...); err != nil {
			return err
		}
	}
	return nil
}

// command is a run of the host. PATH has no gobwrap that it could find.
func (h host) command(args ...string) *exec.Cmd {
	if h.launcher {
		args = append([]string{"-launcher", built["gobwrap"]}, args...)
	}
	c := exec.Command(built[h.name], args...)
	c.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	return c
}

func (h host) run(t *testing.T, args ...string) {
	t.Helper()
	begun := time.Now()
	if out, err := h.command(args...).CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
	t.Logf("%v: %v", args, time.Since(begun).Round(time.Millisecond))
}

// TestBusy: many launches at once from a program with up to 1000 goroutines, whose heap of up to
// 2 GiB is being collected: the command has the descriptors and signals that it should have, no
// child, no descriptor and no goroutine is left.
func TestBusy(t *testing.T) {
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			heap, goroutines := 2048, 1000
			switch {
			case h.name == "race":
				heap, goroutines = 16, harness.Times(200, 1000) // the detector makes five times as much of it, and a collection slow
			case h.name == "unoptimised":
				heap = 256 // which takes as long to fill, if Go's packages are unoptimised too
			case h.name != "plain":
				heap = harness.Times(256, heap) // to fill more takes most of the test's time
			}
			h.run(t, "-heap", strconv.Itoa(heap), "-goroutines", strconv.Itoa(goroutines), "-gc", "-n", strconv.Itoa(harness.Times(8, 40)), "-j", "8", "-command", "inspect")
		})
	}
}

// TestManyLaunches: no leak. GOBWRAP_TEST_LAUNCHES says how many.
func TestManyLaunches(t *testing.T) {
	n := os.Getenv("GOBWRAP_TEST_LAUNCHES")
	if n == "" {
		n = strconv.Itoa(harness.Times(100, 500))
	}
	for _, h := range hosts {
		if h.name == "plain" || h.name == "launcher" {
			t.Run(h.name, func(t *testing.T) {
				h.run(t, "-n", n, "-j", "4")
				h.run(t, "-n", strconv.Itoa(harness.Times(60, 300)), "-j", "8", "-command", "/none") // set-up that fails
			})
		}
	}
}

// TestHostKilled: a host that is killed at any moment leaves nothing, where the sandbox's
// life is tied to its, and nothing half made, where it is not.
func TestHostKilled(t *testing.T) {
	if err := harness.AdoptOrphans(); err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		if h.name == "race" || h.name == "unoptimised" {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			for i := range harness.Times(16, 60) {
				killHost(t, h, i%2 == 0, nil, time.Duration(rand.IntN(20000))*time.Microsecond)
			}
			// Set-up that waits for another process, which does not know that the embedding
			// program is gone.
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = r.Close(), w.Close() }()
			for _, lifeline := range []bool{true, false} {
				killHost(t, h, lifeline, r, 50*time.Millisecond)
			}
		})
	}
}

// killHost kills a host some time after it has begun to start a sandbox.
func killHost(t *testing.T, h host, lifeline bool, block *os.File, after time.Duration) {
	t.Helper()
	mark := strconv.Itoa(100_000 + rand.IntN(1<<30))
	c := h.command("-hold", "-lifeline="+strconv.FormatBool(lifeline), "-command", mark, "-block="+strconv.FormatBool(block != nil))
	c.ExtraFiles = []*os.File{block}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "starting\n" {
		t.Fatalf("%q, %v", line, err)
	}
	time.Sleep(after)
	_ = c.Process.Kill()
	_ = c.Wait()
	// What the host leaves behind is ours now.
	for deadline := time.Now().Add(harness.Patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.ECHILD {
			return
		}
		if pid == 0 && !lifeline && sleeps(mark) {
			kill()
		}
	}
	t.Errorf("lifeline %v, killed after %v: something is left\n%s", lifeline, after, tree())
	kill()
}

// sleeps reports whether the command has started.
func sleeps(mark string) bool {
	return slices.ContainsFunc(proc.All(), func(pid int) bool { return proc.CommandLine(pid) == "/bin/sleep "+mark+" " })
}

// kill ends the monitors that are ours.
func kill() {
	for _, pid := range proc.Children(os.Getpid()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// tree lists what is ours.
func tree() string {
	var lines []string
	for _, pid := range proc.Tree(os.Getpid()) {
		lines = append(lines, fmt.Sprint(pid, " ", proc.CommandLine(pid)))
	}
	return strings.Join(lines, "\n")
}
