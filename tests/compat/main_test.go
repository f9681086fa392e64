package compat

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The two programs that are compared, the victim they run, and the directory
// below which every run gets a scratch directory of its own.
var (
	reference string
	subject   string
	behind    string // the subject itself, where another program stands in front of it
	victim    string
	base      string
)

// identity is who starts the launcher.
type identity struct {
	name     string
	uid, gid uint32
	groups   []uint32
}

// The ordinary users have no entry in passwd, and one a group more than its own.
var (
	root  = identity{name: "root"}
	user  = identity{name: "user", uid: 12345, gid: 12345, groups: []uint32{12345, 23456}}
	alone = identity{name: "alone", uid: 12346, gid: 12346, groups: []uint32{12346}}
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for something rather than compute.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(2)
	}
	code := m.Run()
	if endLeftovers() > 0 {
		code = max(code, 1)
	}
	os.RemoveAll(base)
	os.Exit(code)
}

func prepare() (err error) {
	if os.Geteuid() != 0 {
		return fmt.Errorf("the suite starts launchers as root and as an ordinary user: run it as root")
	}
	for _, tool := range []string{"gcc", "unshare", "prlimit", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: install the packages bubblewrap, gcc, libc6-dev and util-linux", tool)
		}
	}
	syscall.Umask(0o022)
	heedSignals()
	// What we inherited, the launchers must not.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("marking inherited descriptors: %w", err)
	}
	if base, err = os.MkdirTemp("", "compat-"); err != nil {
		return err
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	if err := findPrograms(); err != nil {
		return err
	}
	return buildVictim()
}

// findPrograms copies nothing of the reference; the subject is linked into
// base, since its checkout may be closed to the ordinary user.
func findPrograms() error {
	reference = os.Getenv("BWRAP_REFERENCE")
	if reference == "" {
		reference = "/usr/bin/bwrap"
	}
	subject = os.Getenv("BWRAP_UNDER_TEST")
	if subject == "" {
		subject = "../../bin/gobwrap"
	}
	for _, side := range []struct {
		path *string
		dir  string
		hint string
	}{
		{&reference, "ref", "install the package bubblewrap, or set BWRAP_REFERENCE"},
		{&subject, "sub", "run make build, or set BWRAP_UNDER_TEST"},
	} {
		data, err := os.ReadFile(*side.path)
		if err != nil {
			return fmt.Errorf("%w: %s", err, side.hint)
		}
		copied := filepath.Join(base, side.dir, filepath.Base(*side.path))
		if err := os.Mkdir(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(copied, data, 0o755); err != nil {
			return err
		}
		*side.path = copied
	}
	if os.Getenv("GOBWRAP_TEST_ENGINE") == "classic" {
		return classicEngine()
	}
	return nil
}

// classicEngine puts a program in the subject's place that takes the newer mount calls
// away and then becomes the subject.
func classicEngine() error {
	real := subject
	subject = filepath.Join(base, "classic", filepath.Base(real))
	if err := os.Mkdir(filepath.Dir(subject), 0o755); err != nil {
		return err
	}
	behind = real
	out, err := exec.Command("gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", fmt.Sprintf("-DPROGRAM=%q", real),
		"-o", subject, "testdata/classic.c").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building testdata/classic.c with gcc -static: %w\n%s", err, out)
	}
	return nil
}

// heedSignals sees to it that the launchers start with no signal ignored, even
// when the suite runs as a shell's background job: what is caught here is at its
// default after an exec.
func heedSignals() {
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

func buildVictim() error {
	victim = filepath.Join(base, "victim")
	out, err := exec.Command("gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", victim, "../victim/victim.c").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the victim with gcc -static: %w\n%s", err, out)
	}
	return nil
}

// leftovers lists the processes that still run one of our copies of the
// programs: nothing else on this machine can.
func leftovers() (pids []int) {
	var ours []os.FileInfo
	for _, path := range []string{reference, subject, behind, victim} {
		if info, err := os.Stat(path); err == nil {
			ours = append(ours, info)
		}
	}
	exes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range exes {
		info, err := os.Stat(exe)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(ours, func(our os.FileInfo) bool { return os.SameFile(our, info) }) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// endLeftovers gives what outlived its test a moment to end, and then ends it.
// The reference leaves children behind that wait for a launcher which is gone;
// what the subject leaves is counted.
func endLeftovers() (n int) {
	for end := time.Now().Add(2 * time.Second); len(leftovers()) > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	for _, pid := range leftovers() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		text := strings.ReplaceAll(string(line), "\x00", " ")
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if !strings.HasPrefix(text, reference) {
			n++
			fmt.Fprintf(os.Stderr, "compat: still there after the tests: %s\n", text)
		}
	}
	return n
}
