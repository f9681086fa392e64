package ranges_test

import (
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
	burglar   string
)

const entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "ranges:", err)
		os.Exit(2)
	}
	code := m.Run()
	if left := reapAll(); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "ranges: processes outlived the tests:", strings.Join(left, "; "))
		code = max(code, 1)
	}
	os.Exit(code)
}

func prepare() (err error) {
	for tool, pkg := range map[string]string{
		"gcc": "gcc and libc6-dev", "setpriv": "util-linux", "mount": "mount", "newuidmap": "uidmap", "newgidmap": "uidmap",
		"dpkg-deb": "dpkg", "setcap": "libcap2-bin", "getcap": "libcap2-bin", "tar": "tar", "capsh": "libcap2-bin",
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
	if base, err = os.MkdirTemp("", "ranges-"); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	if err := buildAll(); err != nil {
		return err
	}
	return ownEtc()
}

func buildAll() error {
	gobwrap, installed = filepath.Join(base, "bin/gobwrap"), filepath.Join(base, "setuid/gobwrap")
	probe, enosys = filepath.Join(base, "bin/probe"), filepath.Join(base, "bin/enosys")
	burglar = filepath.Join(base, "bin/burglar")
	for _, words := range [][]string{
		{"env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags=-E " + entry, "-o", gobwrap, "../../cmd/gobwrap"},
		{"install", "-D", "-o", "0", "-g", "0", "-m", "4755", gobwrap, installed},
		{"gcc", "-static", "-O1", "-o", probe, "../lib/programs/testdata/probe.c"},
		{"gcc", "-static", "-O1", "-o", enosys, "../lib/programs/testdata/enosys.c"},
		{"gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", burglar, "testdata/burglar.c"},
	} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, out)
		}
	}
	return nil
}

// ownEtc puts a copy in the place of /etc and makes the users there.
func ownEtc() error {
	etc := filepath.Join(base, "etc")
	if out, err := exec.Command("cp", "-a", "/etc", etc).CombinedOutput(); err != nil {
		return fmt.Errorf("copying /etc: %w\n%s", err, out)
	}
	if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting a copy of /etc: %w", err)
	}
	// No line of the host's, who may have an account with one of our numbers.
	passwd, group := "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", "root:x:0:\nnogroup:x:65534:\n"
	for _, who := range []identity{granted, bare, member} {
		passwd += fmt.Sprintf("%s:x:%d:%[2]d::/:/bin/sh\n", who.name, who.id)
		group += fmt.Sprintf("%s:x:%d:\n", who.name, who.id)
	}
	subs := "# lines that say nothing\n\nroot:700000:65536\n" +
		fmt.Sprintf("%s:%d:65536\n%s:%d:65536\n%d:%d:1000\n", granted.name, granted.sub, member.name, member.sub, nameless.id, nameless.sub)
	for name, text := range map[string]string{
		"passwd": passwd, "group": group + fmt.Sprintf("club:x:%d:%s\n", club, member.name),
		"subuid": subs, "subgid": strings.ReplaceAll(subs, "0000:65536", "1000:65536"), // not the same numbers
		"nsswitch.conf": "passwd: files\ngroup: files\n",
	} {
		if err := os.WriteFile(filepath.Join("/etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// children lists the processes whose parent this process is.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(data)) {
			var pid int
			if _, err := fmt.Sscan(word, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// reapAll ends what is left of the processes that we started, and names them. What has
// to end by itself is given a moment.
func reapAll() (left []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD {
			break
		} else if pid <= 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for range 100 {
		for _, pid := range children() {
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			left = append(left, fmt.Sprint(pid, " ", strings.ReplaceAll(string(cmdline), "\x00", " ")))
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	return left
}
