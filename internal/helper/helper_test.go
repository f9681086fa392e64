package helper

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const maxOutput = 32768

// script makes a program of a shell script.
func script(t *testing.T, text string) Program {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gobwrap-seccomp")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return Program{Path: name, Patience: time.Minute, MaxOutput: maxOutput}
}

// input is a file to read.
func input(t *testing.T, text string) int {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return fd
}

// TestRuns: what goes in, and what comes out.
func TestRuns(t *testing.T) {
	c := script(t, `cat; echo " $# $*"; echo warning >&2`)
	out, err := c.Run(input(t, "profile"), "compile", "a b", "-")
	if err != nil || string(out) != "profile 3 compile a b -\n" {
		t.Errorf("%q, %v", out, err)
	}
	// A filter of the greatest length is more than a pipe holds at once.
	c = script(t, `head -c 32768 /dev/zero`)
	if out, err := c.Run(input(t, "")); err != nil || len(out) != maxOutput {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestSurroundings: an empty environment, three descriptors, no signal blocked,
// the root as its directory, a limit on descriptors that is one.
func TestSurroundings(t *testing.T) {
	t.Setenv("LD_PRELOAD_OF_THE_CALLER", "x")
	open := make([]int, 2)
	if err := syscall.Pipe(open); err != nil { // not close-on-exec, as the caller's are
		t.Fatal(err)
	}
	defer closeAll(open...)
	if err := Isolate(); err != nil {
		t.Fatal(err)
	}
	c := script(t, `env -u PWD -u _ -u OLDPWD -u SHLVL /usr/bin/env >&1; pwd; ulimit -n; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls -l /proc/self/fd`)
	out, err := c.Run(input(t, ""))
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

// TestFails: whatever a program does, the error is a sentence.
func TestFails(t *testing.T) {
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
		out, err := s.Run(input(t, ""))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q, %v, want %q", c.name, out, err, c.want)
		}
	}
	for want, c := range map[string]Program{
		"can't start /nonexistent: No such file": {"/nonexistent", time.Minute, maxOutput},
		"can't start /etc/passwd: Permission":    {"/etc/passwd", time.Minute, maxOutput},
	} {
		if _, err := c.Run(input(t, "")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestHangs: nothing holds the launcher up, and nothing is left.
func TestHangs(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		patience         time.Duration
	}{
		{"it sleeps", "exec sleep 1000", "did not end within 300ms", 300 * time.Millisecond},
		{"it says something, and sleeps", "echo x >&2; exec sleep 1000", "did not end within 300ms", 300 * time.Millisecond},
		{"it closes its streams, and sleeps", "exec >&- 2>&-; exec sleep 1000", "was killed by signal 9", time.Minute},
	} {
		s := script(t, c.text)
		s.Patience = c.patience
		begin := time.Now()
		if _, err := s.Run(input(t, "")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if took := time.Since(begin); took > 5*time.Minute {
			t.Errorf("%s: %v", c.name, took)
		}
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}
