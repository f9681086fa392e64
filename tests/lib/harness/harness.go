// Package harness runs a suite of tests in mount, PID and UTS namespaces of its own, and has what
// suites share besides: their set-up, scratch directories, waiting, and the end of what they
// leave behind.
//
// # Namespaces
//
// A suite's TestMain calls Enter first. That starts the test binary anew, twice:
//
//	go test ── outer ── init (PID 1) ── the suite
//
// The outer process waits, passes signals and the exit status on, and removes the directory
// for temporary files. The second one is PID 1 of a new PID namespace; it makes all mounts
// private, mounts a proc and a file system for temporary files, and reaps. The third one
// runs the tests, with TMPDIR on that file system.
//
// So the suite sees no process and no mount of another suite, and what it leaves behind is
// gone with it, however it ends: processes, mounts, and set-user-id copies of launchers,
// which nobody outside can reach either. The command line, the environment, the current
// directory and the standard streams are the caller's: -run, -v, -timeout and -coverprofile
// work as they do without.
package harness

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What the processes of a suite tell each other by the environment.
const (
	roleVar  = "GOBWRAP_TEST_HARNESS"     // initRole, suiteRole, or not set
	dirVar   = "GOBWRAP_TEST_HARNESS_DIR" // where the file system for temporary files goes
	outerVar = "GOBWRAP_TEST_HARNESS_PID" // the outer process's PID

	initRole  = "init"
	suiteRole = "suite"
)

// outerPID is what Number returns.
var outerPID = os.Getpid()

// Enter puts the suite into namespaces of its own. It returns in the process that runs the
// tests, and ends the others. It needs root: for another user it prints a sentence and ends
// the program with status 2.
func Enter() {
	if os.Geteuid() != 0 {
		exit(2, errors.New("these tests make mounts, users and set-user-id programs of their own: run them as root"))
	}
	enter()
}

// EnterIfRoot is Enter for tests that need no root: for another user it does nothing.
func EnterIfRoot() {
	if os.Geteuid() == 0 {
		enter()
	}
}

func enter() {
	switch role := os.Getenv(roleVar); role {
	case "":
		status, err := runOuter()
		exit(status, err)
	case initRole:
		status, err := runInit(os.Getenv(dirVar))
		exit(status, err)
	case suiteRole:
		outerPID, _ = strconv.Atoi(os.Getenv(outerVar))
		heedSignals()
		for _, name := range []string{roleVar, dirVar, outerVar} { // for a test binary that a test starts
			_ = os.Unsetenv(name)
		}
		if onlyLong() {
			if err := leaveOutOfLong("."); err != nil {
				exit(2, err)
			}
		}
	default:
		exit(2, fmt.Errorf("%s=%s: no such role", roleVar, role))
	}
}

// exit ends the program. An error makes the status 2 at least.
func exit(status int, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", suite(), err)
		status = max(status, 2)
	}
	os.Exit(status)
}

// suite returns the name of the package under test.
func suite() string {
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
}

// Number returns a number that no other suite on this machine has at the same time: the
// outer process's PID.
func Number() int { return outerPID }

// longVar asks for campaigns, load and repetition at full length: "1" for all tests of a suite, "only" for
// those of its tests that differ by it (leaveOutOfLong). make test-long asks for these.
const longVar = "GOBWRAP_TEST_LONG"

// Long reports whether campaigns, load and repetition are to run at full length.
func Long() bool { return os.Getenv(longVar) == "1" || onlyLong() }

func onlyLong() bool { return os.Getenv(longVar) == "only" }

// Times returns how often a test repeats something: long with Long, and short otherwise.
func Times(short, long int) int {
	if Long() {
		return long
	}
	return short
}

// InPart reports whether something with this name belongs to what is to run: everything, or with
// GOBWRAP_TEST_PART=2/4 the second of four parts, or with -2/4 the other three. make test runs some
// suites in several modes, and in each but the first only a part; make test-long the other ones.
func InPart(name string) bool {
	var part, parts uint32
	value := os.Getenv("GOBWRAP_TEST_PART")
	if value == "" {
		return true
	}
	number, others := strings.CutPrefix(value, "-")
	if n, err := fmt.Sscanf(number, "%d/%d", &part, &parts); n != 2 || part < 1 || part > parts {
		exit(2, fmt.Errorf("GOBWRAP_TEST_PART=%s is not a part, such as 1/3, or all others, such as -1/3: %w", value, err))
	}
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, name)
	return (sum.Sum32()%parts == part-1) != others
}

// UID returns a user id that no other suite on this machine uses at the same time: the
// kernel counts processes by user, whatever their namespaces. n is below 1000.
func UID(n int) uint32 { return uint32(1_000_000 + outerPID%100_000*1000 + n) }

// heedSignals has this process catch the signals that it was started to ignore, as under
// nohup or as a shell's background job: what it starts has them at their default then.
func heedSignals() {
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// Lock keeps the other suites on this machine from whatever the name stands for, until the
// end of the test: for settings of the kernel that no namespace divides. It waits until it
// can have it.
func Lock(t testing.TB, name string) {
	t.Helper()
	f, err := os.OpenFile("/run/gobwrap-tests-"+name+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatalf("waiting for %s: %v", f.Name(), err)
	}
	t.Cleanup(func() { _ = f.Close() })
}

// Setting lets a test change a setting of the whole kernel, a file of /proc/sys, until its
// end. Other suites on this machine wait for that if they change it too. The root of a user
// namespace may not: the test is skipped there.
func Setting(t testing.TB, file string) {
	t.Helper()
	Lock(t, filepath.Base(file))
	was, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, was, 0)
	}
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS):
		t.Skip("this root may not change settings of the kernel: ", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, was, 0); err != nil {
			t.Error(err)
		}
	})
}
