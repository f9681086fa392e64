package compat

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
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
	if err := errors.Join(prepare(), harness.LeaveOut("^("+strings.Join(otherModes(), "|")+")$"), harness.LeaveOutOtherParts("TestCases")); err != nil {
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
	if err := chooseMode(); err != nil {
		return err
	}
	if listed, err = differences(); err != nil {
		return err
	}
	base, err = harness.SetUp(map[string]string{
		"gcc": "gcc and libc6-dev", "unshare": "util-linux", "prlimit": "util-linux", "setpriv": "util-linux", "sh": "dash",
	})
	if err != nil {
		return err
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return err
	}
	if err := findPrograms(); err != nil {
		return err
	}
	victim = filepath.Join(base, "victim")
	return errors.Join(testbin.Helper(victim), buildClassic())
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
		if err := testbin.UseLibraries(program, *side.path); err != nil {
			return err
		}
	}
	return askVersion()
}

// leftovers lists the processes that still run one of these files, which are our copies:
// nothing else on this machine runs them.
func leftovers(files ...string) (pids []int) {
	var ours []os.FileInfo
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			ours = append(ours, info)
		}
	}
	for _, pid := range proc.All() {
		info, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && slices.ContainsFunc(ours, func(our os.FileInfo) bool { return os.SameFile(our, info) }) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endLeftovers ends what outlived its test. The reference leaves children behind that wait
// for a launcher which is gone; the others are waited for, and those that stay are counted.
func endLeftovers() int {
	harness.Until(func() bool { return len(leftovers(subject, victim)) == 0 })
	stayed := leftovers(subject, victim)
	for _, pid := range stayed {
		fmt.Fprintf(os.Stderr, "compat: still there after the tests: %d %s\n", pid, proc.CommandLine(pid))
	}
	for _, pid := range append(stayed, leftovers(reference)...) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(stayed)
}
