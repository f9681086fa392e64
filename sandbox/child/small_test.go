package child_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"golang.org/x/sys/unix"
)

func TestNumbers(t *testing.T) {
	for _, n := range []uintptr{0, 1, 9, 10, 11, 99, 100, 12345, 1<<31 - 1, 1 << 32, 1<<64 - 1} {
		want := strconv.FormatUint(uint64(n), 10)
		if got := child.HookPutNumber(n); got != want {
			t.Errorf("%d is written as %q", n, got)
		}
		if got, ok := child.HookNumber(want); !ok || got != n {
			t.Errorf("%q is read as %d, %v", want, got, ok)
		}
	}
	for _, s := range []string{"", ".", "..", "x", "1x", "-1", "+1", " 1", "1 ", "0x1"} {
		if n, ok := child.HookNumber(s); ok {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

// TestExitCode: the shell's number for a wait status.
func TestExitCode(t *testing.T) {
	for _, c := range []struct{ status, want uint32 }{
		{0, 0}, {1 << 8, 1}, {255 << 8, 255}, {9, 137}, {15, 143}, {11 | 0x80, 139}, {64, 192}, {6 | 0x80, 134},
	} {
		if got := child.HookExitCode(c.status); got != c.want {
			t.Errorf("status %#x is %d, want %d", c.status, got, c.want)
		}
	}
}

// TestSecureMode: AT_SECURE is found behind any number of arguments and variables.
func TestSecureMode(t *testing.T) {
	stack := func(argc, envc int, aux ...uintptr) []uintptr {
		words := []uintptr{uintptr(argc)}
		for range argc {
			words = append(words, 0x1000)
		}
		words = append(words, 0)
		for range envc {
			words = append(words, 23) // an address that looks like AT_SECURE
		}
		return append(append(append(words, 0), aux...), 0, 0)
	}
	for _, c := range []struct {
		words []uintptr
		want  uint32
	}{
		{stack(1, 1, 23, 0), 0},
		{stack(1, 1, 23, 1), 1},
		{stack(0, 0, 23, 1), 1},
		{stack(0, 3, 6, 4096, 23, 1, 25, 0xffff), 1},
		{stack(3, 0, 6, 23, 23, 0), 0},
		{stack(2, 2, 6, 4096), 0},
		{stack(2, 2), 0},
	} {
		if got := child.HookSecureMode(c.words); got != c.want {
			t.Errorf("%v: %d, want %d", c.words, got, c.want)
		}
	}
}

// TestFrontEndAlone: a program that did not come in through the entry point says so.
func TestFrontEndAlone(t *testing.T) {
	if child.Entered() || child.Standing() != 0 {
		t.Error("a test that was not entered believes that it was")
	}
}

// TestErrnoText: the C library's words, and the name.
func TestErrnoText(t *testing.T) {
	for e := unix.Errno(1); e < 600; e++ {
		words, name := e.Error(), unix.ErrnoName(e)
		switch e {
		case unix.EOPNOTSUPP:
			words, name = "operation not supported", "EOPNOTSUPP" // not ENOTSUP
		case unix.ENAMETOOLONG:
			words = "file name too long"
		}
		want := strings.ToUpper(words[:1]) + words[1:] + " (" + name + ")"
		if have := child.HookErrnoText(e); have != "" && have != want {
			t.Errorf("errno %d: %q, want %q", int(e), have, want)
		}
	}
	for _, e := range []unix.Errno{
		unix.EPERM, unix.EBADF, unix.EAGAIN, unix.ENOMEM, unix.EACCES, unix.EINVAL, unix.ENFILE, unix.EMFILE, unix.ENOSPC,
		unix.ENOSYS, unix.EUSERS, unix.EOPNOTSUPP, unix.EAFNOSUPPORT,
	} {
		if child.HookErrnoText(e) == "" {
			t.Errorf("errno %d has no text", int(e))
		}
	}
}
