package compiler

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"golang.org/x/sys/unix"
)

// input is a file to read.
func input(t *testing.T, text string) int {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := openProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return fd
}

// TestFindCompiler: beside the binary, then in libexec, then in the directories that were
// given; links to the binary do not count, nor does PATH by itself, nor the working directory.
func TestFindCompiler(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"bin", "libexec/gobwrap", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	self := filepath.Join(dir, "exe") // as /proc/self/exe
	if err := os.Symlink(write("bin/gobwrap"), self); err != nil {
		t.Fatal(err)
	}
	elsewhere := write("elsewhere/gobwrap-seccomp")
	t.Setenv("PATH", filepath.Join(dir, "elsewhere"))
	t.Chdir(filepath.Join(dir, "elsewhere"))
	_, err := findCompiler(self, "")
	for _, want := range []string{"gobwrap-seccomp, which compiles profiles, is not installed: there is neither " + dir + "/bin/gobwrap-seccomp nor " + dir + "/libexec/gobwrap/gobwrap-seccomp", "no-tty-injection"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bin/gobwrap-seccomp"), 0o755); err != nil { // no file
		t.Fatal(err)
	}
	libexec := write("libexec/gobwrap/gobwrap-seccomp")
	if got, err := findCompiler(self, ""); err != nil || got != libexec {
		t.Errorf("%s, %v", got, err)
	}
	if err := os.Remove(filepath.Join(dir, "bin/gobwrap-seccomp")); err != nil {
		t.Fatal(err)
	}
	beside := write("bin/gobwrap-seccomp")
	if got, err := findCompiler(self, ""); err != nil || got != beside {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := findCompiler(filepath.Join(dir, "nothing"), ""); err == nil || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("without /proc: %v", err)
	}
	for launcher, want := range map[string]string{self: beside, "": elsewhere, filepath.Join(dir, "nothing"): elsewhere} {
		if got, err := findCompiler(launcher, "relative:"+filepath.Dir(elsewhere)); err != nil || got != want {
			t.Errorf("launcher %q: %s, %v", launcher, got, err)
		}
	}
	if got, err := findCompiler("", ""); !errors.Is(err, fault.ErrNoTool) {
		t.Errorf("nowhere: %s, %v", got, err)
	}
}

// TestOpenProfile: a file, and nothing else; nothing is waited for.
func TestOpenProfile(t *testing.T) {
	dir := t.TempDir()
	fifo, closed := filepath.Join(dir, "fifo"), filepath.Join(dir, "closed")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(closed, nil, 0); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		dir:                 "Is a directory",
		fifo:                "Not a regular file",
		"/dev/null":         "Not a regular file",
		dir + "/nothing":    "No such file or directory",
		"/etc/passwd/x":     "Not a directory",
		"/proc/self/fd/999": "No such file or directory",
		closed:              "Permission denied",
	} {
		if file == closed && os.Geteuid() == 0 {
			continue
		}
		if fd, err := openProfile(file); err == nil || err.Error() != want {
			t.Errorf("%s: %d, %v, want %q", file, fd, err, want)
		}
	}
	fd := input(t, "x")
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
		t.Errorf("flags %#x, %v", flags, err)
	}
}
