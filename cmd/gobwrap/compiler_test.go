package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// script makes a program of a shell script.
func script(t *testing.T, text string) compiler {
	t.Helper()
	name := filepath.Join(t.TempDir(), compilerName)
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return compiler{program: name, patience: time.Minute}
}

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

// TestCompilerRuns: what goes in, and what comes out.
func TestCompilerRuns(t *testing.T) {
	c := script(t, `cat; echo " $# $*"; echo warning >&2`)
	out, err := c.run(input(t, "profile"), "compile", "a b", "-")
	if err != nil || string(out) != "profile 3 compile a b -\n" {
		t.Errorf("%q, %v", out, err)
	}
	// A filter of the greatest length is more than a pipe holds at once.
	c = script(t, `head -c 32768 /dev/zero`)
	if out, err := c.run(input(t, "")); err != nil || len(out) != maxOutput {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestCompilerSurroundings: an empty environment, three descriptors, no signal blocked,
// the root as its directory, a limit on descriptors that is one.
func TestCompilerSurroundings(t *testing.T) {
	t.Setenv("LD_PRELOAD_OF_THE_CALLER", "x")
	open := make([]int, 2)
	if err := syscall.Pipe(open); err != nil { // not close-on-exec, as the caller's are
		t.Fatal(err)
	}
	defer closeAll(open...)
	if err := hideDescriptors(); err != nil {
		t.Fatal(err)
	}
	c := script(t, `env -u PWD -u _ -u OLDPWD -u SHLVL /usr/bin/env >&1; pwd; ulimit -n; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls -l /proc/self/fd`)
	out, err := c.run(input(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	lines := strings.Split(text, "\n")
	if lines[0] != "/" {
		t.Errorf("environment or directory:\n%s", text)
	}
	if lines[1] == "0" || lines[1] == "" {
		t.Errorf("the limit on descriptors is %q", lines[1])
	}
	if !strings.Contains(text, "SigBlk:\t0000000000000000\n") {
		t.Errorf("signals are blocked:\n%s", text)
	}
	// ls has the directory open besides.
	if n := strings.Count(text, " -> "); n != 4 || strings.Count(text, "pipe:") != 2 || !strings.Contains(text, "0 -> "+os.TempDir()) {
		t.Errorf("%d descriptors:\n%s", n, text)
	}
}

// TestHideOneByOne: what is done where close_range is missing.
func TestHideOneByOne(t *testing.T) {
	var ends [100]int
	for i := 0; i < len(ends); i += 2 {
		if err := syscall.Pipe(ends[i : i+2]); err != nil {
			t.Fatal(err)
		}
	}
	defer closeAll(ends[:]...)
	if err := hideOneByOne("/proc/self/fd"); err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
			t.Fatalf("%d has flags %#x, %v", fd, flags, err)
		}
	}
	for fd := range 3 {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != 0 {
			t.Errorf("%d has flags %#x, %v", fd, flags, err)
		}
	}
	if err := hideOneByOne("/nonexistent"); err == nil {
		t.Error("without /proc: no error")
	}
}

// TestCompilerFails: whatever a program does, the error is a sentence.
func TestCompilerFails(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a sentence", `echo "gobwrap-seccomp: syscalls[3]: no such thing" >&2; exit 1`, "syscalls[3]: no such thing"},
		{"several lines", "printf 'one\\ntwo\\n' >&2; exit 1", "one"},
		{"silence", "exit 3", "failed with status 3"},
		{"blanks", "echo '   ' >&2; exit 4", "failed with status 4"},
		{"control characters", `printf '\033[31mred\377\n' >&2; exit 1`, "?[31mred?"},
		{"a lot of words", `head -c 1000000 /dev/zero | tr '\0' x >&2; exit 1`, strings.Repeat("x", maxWords)},
		{"a crash", "kill -SEGV $$", "was killed by signal 11"},
		{"a crash after output", "echo x; kill -ABRT $$", "was killed by signal 6"},
		{"endless output", "yes", "there are more than 32768 bytes"},
		{"one byte too many", "head -c 32769 /dev/zero", "there are more than 32768 bytes"},
	} {
		s := script(t, c.text)
		out, err := s.run(input(t, ""))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q, %v, want %q", c.name, out, err, c.want)
		}
	}
	for want, c := range map[string]compiler{
		"can't start /nonexistent: No such file": {"/nonexistent", time.Minute},
		"can't start /etc/passwd: Permission":    {"/etc/passwd", time.Minute},
	} {
		if _, err := c.run(input(t, "")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestCompilerHangs: nothing holds the launcher up, and nothing is left.
func TestCompilerHangs(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		patience         time.Duration
	}{
		{"it sleeps", "exec sleep 1000", "did not end within 300ms", 300 * time.Millisecond},
		{"it says something, and sleeps", "echo x >&2; exec sleep 1000", "did not end within 300ms", 300 * time.Millisecond},
		{"it closes its streams, and sleeps", "exec >&- 2>&-; exec sleep 1000", "was killed by signal 9", time.Minute},
	} {
		s := script(t, c.text)
		s.patience = c.patience
		begin := time.Now()
		if _, err := s.run(input(t, "")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: %v", c.name, took)
		}
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}

// TestFindCompiler: beside the binary, then in libexec; links to the binary do not
// count, nor does PATH.
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
	write("elsewhere/gobwrap-seccomp")
	t.Setenv("PATH", filepath.Join(dir, "elsewhere"))
	t.Chdir(filepath.Join(dir, "elsewhere"))
	_, err := findCompiler(self)
	for _, want := range []string{"gobwrap-seccomp, which compiles profiles, is not installed: there is neither " + dir + "/bin/gobwrap-seccomp nor " + dir + "/libexec/gobwrap/gobwrap-seccomp", "no-tty-injection"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bin/gobwrap-seccomp"), 0o755); err != nil { // no file
		t.Fatal(err)
	}
	libexec := write("libexec/gobwrap/gobwrap-seccomp")
	if got, err := findCompiler(self); err != nil || got != libexec {
		t.Errorf("%s, %v", got, err)
	}
	if err := os.Remove(filepath.Join(dir, "bin/gobwrap-seccomp")); err != nil {
		t.Fatal(err)
	}
	beside := write("bin/gobwrap-seccomp")
	if got, err := findCompiler(self); err != nil || got != beside {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := findCompiler(filepath.Join(dir, "nothing")); err == nil || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("without /proc: %v", err)
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
