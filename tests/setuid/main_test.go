package setuid_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// The programs, in a directory that everybody can reach.
var (
	base      string
	gobwrap   string // mode 0755
	installed string // the same, mode 4755
	witness   string
	probe     string
)

// me is the attacker's uid and gid.
const me = 12345

func TestMain(m *testing.M) {
	if len(os.Args) > 4 && os.Args[1] == crippled {
		cripple(os.Args[2], os.Args[3], os.Args[4:]) // does not return
	}
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "setuid:", err)
		os.Exit(2)
	}
	before := mounts()
	code := m.Run()
	if left := reapAll(); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "setuid: processes outlived the tests:", strings.Join(left, "; "))
		code = max(code, 1)
	}
	if after := mounts(); after != before {
		fmt.Fprintf(os.Stderr, "setuid: the host's mounts have changed:\n%s", difference(before, after))
		code = max(code, 1)
	}
	os.Exit(code)
}

func prepare() (err error) {
	for tool, pkg := range map[string]string{
		"gcc": "gcc and libc6-dev", "unshare": "util-linux", "prlimit": "util-linux", "setpriv": "util-linux",
		"mount": "mount", "setcap": "libcap2-bin", "strace": "strace",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: install %s", tool, pkg)
		}
	}
	syscall.Umask(0o022)
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("marking inherited descriptors: %w", err)
	}
	// Orphans become our children: none must be left at the end.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming a subreaper: %w", err)
	}
	if base, err = os.MkdirTemp("", "setuid-"); err != nil {
		return err
	}
	return build()
}

func build() error {
	program := os.Getenv("GOBWRAP_TEST_PROGRAM")
	if program == "" {
		program = "../../bin/gobwrap"
	}
	bin := func(name string) string { return filepath.Join(base, "bin", name) }
	gobwrap, installed, witness, probe = bin("gobwrap"), filepath.Join(base, "su", "gobwrap"), bin("witness"), bin("probe")
	compile := func(to, from string) []string {
		return []string{"gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", to, from}
	}
	for _, words := range [][]string{
		{"chmod", "0755", base},
		{"mkdir", "-m", "0755", base + "/bin", base + "/su"},
		{"install", "-m", "0755", program, gobwrap},
		{"install", "-m", "4755", program, installed},
		compile(witness, "testdata/witness.c"),
		compile(bin("ids"), "testdata/ids.c"),
		compile(probe, "../lib/programs/testdata/probe.c"),
	} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", words, err, out)
		}
	}
	return nil
}

// mounts are the host's.
func mounts() string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	return string(text)
}

// children lists the processes whose parent a process is, the oldest first for each of
// its threads.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(data)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// brood is a process and all that descend from it.
func brood(pid int) []int {
	pids := []int{pid}
	for _, child := range children(pid) {
		pids = append(pids, brood(child)...)
	}
	return pids
}

// reapAll ends what is left of the processes that we started, and names them.
func reapAll() (left []string) {
	for round := range 100 {
		pids := children(os.Getpid())
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if round == 0 && state(pid) != "Z" { // those are for whoever adopts orphans
				left = append(left, fmt.Sprint(pid, " ", has(pid)))
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	return left
}

// state is a process's letter in /proc, "" if there is none.
func state(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:min(1, len(rest))]
}
