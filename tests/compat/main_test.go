package compat

import (
	"errors"
	"flag"
	"fmt"
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
	"golang.org/x/sys/unix"
)

// The two programs that are compared, the victim they run, and the directory
// below which every run gets a scratch directory of its own.
var (
	reference string
	subject   string
	victim    string
	base      string
)

// identity is who starts the launcher.
type identity struct {
	name     string
	uid, gid uint32
	groups   []uint32
}

// The ordinary user has no entry in passwd, and a group more than its own.
var (
	root = identity{name: "root"}
	user = identity{name: "user", uid: 12345, gid: 12345, groups: []uint32{12345, 23456}}
)

// alone is a user nobody else is, neither in another case nor in another run of the
// suite: what is limited by user is counted for it only.
func alone(line int) identity {
	id := harness.UID(line % 1000)
	return identity{name: "alone", uid: id, gid: id, groups: []uint32{id}}
}

func TestMain(m *testing.M) {
	harness.Enter()
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
	os.Exit(code)
}

func prepare() (err error) {
	for _, tool := range []string{"gcc", "unshare", "prlimit", "setpriv", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: install the packages bubblewrap, gcc, libc6-dev and util-linux", tool)
		}
	}
	if err := chooseMode(); err != nil {
		return err
	}
	if listed, err = differences(); err != nil {
		return err
	}
	syscall.Umask(0o022)
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
	return errors.Join(buildVictim(), buildClassic())
}

// findPrograms finds and installs the two programs.
func findPrograms() (err error) {
	for _, side := range []struct {
		path                     *string
		dir, name, usual, advice string
		setid                    bool
	}{
		{&reference, "ref", "BWRAP_REFERENCE", "/usr/bin/bwrap", "install the package bubblewrap", setuid},
		{&subject, "sub", "BWRAP_UNDER_TEST", "../../bin/gobwrap", "run make build", mode != ""},
	} {
		program := os.Getenv(side.name)
		if program == "" {
			program = side.usual
		}
		if *side.path, err = install(program, side.dir, side.setid); err != nil {
			return fmt.Errorf("%w: %s, or set %s", err, side.advice, side.name)
		}
		if err := useLibraries(program, *side.path); err != nil {
			return err
		}
	}
	return askVersion()
}

func buildVictim() error {
	victim = filepath.Join(base, "victim")
	out, err := exec.Command("gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", victim, "../lib/programs/testdata/victim.c").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the victim with gcc -static: %w\n%s", err, out)
	}
	return nil
}

// leftovers lists the processes that still run one of our copies of the
// programs: nothing else on this machine can.
func leftovers() (pids []int) {
	var ours []os.FileInfo
	for _, path := range []string{reference, subject, victim} {
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
	for end := time.Now().Add(10 * time.Second); len(leftovers()) > 0 && time.Now().Before(end); {
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
