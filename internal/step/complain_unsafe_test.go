package step_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// text is what ErrnoText says, "" for nil.
func text(e unix.Errno) string {
	p := step.ErrnoText(e)
	if p == nil {
		return ""
	}
	return unsafe.String((*byte)(p), raw.Strlen(p))
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
		if have := text(e); have != "" && have != want {
			t.Errorf("errno %d: %q, want %q", int(e), have, want)
		}
	}
	for _, e := range []unix.Errno{
		unix.EPERM, unix.EBADF, unix.EAGAIN, unix.ENOMEM, unix.EACCES, unix.EINVAL, unix.ENFILE, unix.EMFILE, unix.ENOSPC,
		unix.ENOSYS, unix.EUSERS, unix.EOPNOTSUPP, unix.EAFNOSUPPORT,
	} {
		if text(e) == "" {
			t.Errorf("errno %d has no text", int(e))
		}
	}
}
