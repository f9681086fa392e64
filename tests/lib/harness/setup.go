package harness

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// Patience is how long a test waits for what must come. It guards against hangs.
const Patience = 5 * time.Minute

// SetUp prepares a suite that runs launchers as several users. It returns a directory that
// all of them can enter. The tools are those that the suite needs, with the packages that
// have them. What this process has inherited, the launchers do not.
func SetUp(tools map[string]string) (base string, err error) {
	for tool, pkg := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is missing: install %s", tool, pkg)
		}
	}
	syscall.Umask(0o022)
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return "", fmt.Errorf("marking inherited descriptors: %w", err)
	}
	return openDir("", suite()+"-")
}

// openDir makes a directory that every user can enter.
func openDir(below, pattern string) (string, error) {
	dir, err := os.MkdirTemp(below, pattern)
	return dir, errors.Join(err, os.Chmod(dir, 0o755))
}

// Scratch makes a directory below base that belongs to a user, that others can enter, and
// that goes with the test.
func Scratch(t testing.TB, base string, uid uint32) string {
	t.Helper()
	dir, err := openDir(base, "w-")
	if err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		err = os.Chown(dir, int(uid), int(uid))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// LeaveOut keeps tests from being run by the coming m.Run: those whose name a regular
// expression matches.
func LeaveOut(tests string) error {
	flag.Parse()
	f := flag.Lookup("test.skip")
	if before := f.Value.String(); before != "" {
		tests = before + "|" + tests
	}
	return f.Value.Set(tests)
}

var (
	testFunction = regexp.MustCompile(`(?m)^func (Test[A-Z]\w*)\(`)
	testName     = regexp.MustCompile(`^Test[A-Z]`)
)

// LeaveOutOtherParts leaves out the tests of this suite that are not InPart, except for those
// that divide what they have.
func LeaveOutOtherParts(except ...string) error {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		return err
	}
	var others []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			if !InPart(m[1]) && !slices.Contains(except, m[1]) {
				others = append(others, m[1])
			}
		}
	}
	if len(others) == 0 {
		return nil
	}
	return LeaveOut("^(" + strings.Join(others, "|") + ")$")
}

// Until waits until a condition holds, and reports whether it did within Patience.
func Until(holds func() bool) bool {
	for end := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// AdoptOrphans makes this process the parent of what its children leave behind, for ReapAll.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming a subreaper: %w", err)
	}
	return nil
}

// Run runs the tests, and then ReapAll. Its status is for os.Exit.
func Run(m *testing.M) int {
	code := m.Run()
	if left := ReapAll(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "%s: processes outlived the tests: %s\n", suite(), strings.Join(left, "; "))
		code = max(code, 1)
	}
	return code
}

// ReapAll waits for all children, orphans included. What does not end in time is killed, and
// named: its PID and command line.
func ReapAll() (left []string) {
	Until(func() bool {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD || pid == 0 && err == nil {
				return err != nil
			}
		}
	})
	for range 100 { // each has children of its own, perhaps
		for _, pid := range proc.Children(os.Getpid()) {
			left = append(left, fmt.Sprint(pid, " ", proc.CommandLine(pid)))
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	return left
}
