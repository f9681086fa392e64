package e2e_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// The programs, in a directory that everybody can reach.
var (
	base      string
	gobwrap   string
	installed string // a copy, setuid root
	probe     string
	enosys    string
	inject    string
	fusefs    string
	autofs    string
	rootfs    string

	// The code in which the acting side makes its system calls.
	rawLow, rawHigh uint64
)

const (
	control = "/usr/bin/bwrap"
	entry   = "github.com/gobwrap/gobwrap/sandbox/child.entry"
	raw     = "github.com/gobwrap/gobwrap/internal/raw.Call"
)

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(2)
	}
	code := m.Run()
	if left := reapAll(); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "e2e: processes outlived the tests:", strings.Join(left, "; "))
		code = max(code, 1)
	}
	os.Exit(code)
}

func prepare() (err error) {
	for tool, pkg := range map[string]string{
		"gcc": "gcc and libc6-dev", control: "bubblewrap", "unshare": "util-linux",
		"prlimit": "util-linux", "setpriv": "util-linux", "mount": "mount",
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
	if base, err = os.MkdirTemp("", "e2e-"); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	return buildAll()
}

func buildAll() error {
	gobwrap = filepath.Join(base, "bin", "gobwrap")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-E "+entry, "-o", gobwrap, "../../cmd/gobwrap")
	if other := os.Getenv("GOBWRAP_TEST_PROGRAM"); other != "" {
		cmd = exec.Command("install", "-D", "-m", "0755", other, gobwrap)
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building gobwrap: %w\n%s", err, out)
	}
	for name, path := range map[string]*string{"probe": &probe, "enosys": &enosys, "inject": &inject, "fusefs": &fusefs, "autofs": &autofs, "rootfs": &rootfs} {
		*path = filepath.Join(base, "bin", name)
		source := "testdata/" + name + ".c"
		if name == "probe" || name == "enosys" {
			source = "../lib/programs/" + source
		}
		out, err := exec.Command("gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", *path, source).CombinedOutput()
		if err != nil {
			return fmt.Errorf("building %s with gcc -static: %w\n%s", name, err, out)
		}
	}
	if err := findRaw(); err != nil {
		return err
	}
	return install()
}

// install makes the copy that is setuid root, and sees to it that the bit counts.
func install() error {
	installed = filepath.Join(base, "setuid", "gobwrap")
	if out, err := exec.Command("install", "-D", "-o", "0", "-g", "0", "-m", "4755", gobwrap, installed).CombinedOutput(); err != nil {
		return fmt.Errorf("installing gobwrap setuid root: %w\n%s", err, out)
	}
	cmd := exec.Command(installed, "--mode", "setuid", "--ro-bind", "/", "/", "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.id, Gid: user.id}}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the setuid mode does not work below %s (TMPDIR): %w\n%s", base, err, out)
	}
	return nil
}

func findRaw() error {
	f, err := elf.Open(gobwrap)
	if err != nil {
		return err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if strings.TrimSuffix(s.Name, ".abi0") == raw {
			rawLow, rawHigh = s.Value, s.Value+s.Size
		}
	}
	if rawLow == 0 {
		return fmt.Errorf("%s is not in the symbol table", raw)
	}
	return nil
}

// children lists the processes whose parent this process is.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(data)) {
			var pid int
			if _, err := fmt.Sscan(word, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// reapAll ends what is left of the processes that we started, and names them. What has
// to end by itself, like the init of a command that is over, is given a moment.
func reapAll() (left []string) {
	for end := time.Now().Add(patience); len(children()) > 0 && time.Now().Before(end); {
		_, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		time.Sleep(time.Millisecond)
	}
	for round := 0; round < 100; round++ {
		pids := children()
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if round == 0 && len(cmdline) > 0 {
				left = append(left, strings.ReplaceAll(string(cmdline), "\x00", " "))
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	return left
}
