package fault

import (
	"errors"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// reason is an error with a text of its own.
type reason struct {
	text string
	err  error
}

// Because returns an error with this text that wraps err.
func Because(text string, err error) error { return &reason{text, err} }

// Error returns the text alone: the wrapped error is for errors.Is.
func (r *reason) Error() string { return r.text }

// Unwrap returns the error that the text explains.
func (r *reason) Unwrap() error { return r.err }

// ErrNoTool is in the chain of errors about a program that is not installed.
var ErrNoTool = errors.New("not installed")

// Failure is an attempt, and what the kernel said to it.
type Failure struct {
	Message string
	Errno   syscall.Errno // 0 where it was not the kernel
}

// Error returns what was tried, and what the kernel said in the C library's words.
func (f *Failure) Error() string {
	if f.Errno == 0 {
		return f.Message
	}
	return f.Message + ": " + Strerror(f.Errno)
}

// Unwrap returns the errno, so that errors.Is knows it; nil where it was not the kernel.
func (f *Failure) Unwrap() error {
	if f.Errno == 0 {
		return nil
	}
	return f.Errno
}

// ErrnoOf returns what the kernel said, 0 where it was not the kernel.
func ErrnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// Strerror formats an errno as the C library does, with a capital: scripts match that.
func Strerror(e syscall.Errno) string {
	text := e.Error()
	switch e {
	case unix.EOPNOTSUPP:
		return "Operation not supported"
	case unix.ENAMETOOLONG:
		return "File name too long"
	}
	if text == "" {
		return "errno " + strconv.Itoa(int(e))
	}
	if c := text[0]; 'a' <= c && c <= 'z' {
		return string(c-'a'+'A') + text[1:]
	}
	return text
}

// Error is a launch that failed, as the packages below package sandbox report it, which makes a
// SetupError of it.
type Error struct {
	Stage, Field, Path string
	Err                error
	Hint               string
}

// Error returns what was tried, and why it failed.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap makes errors.Is work with errnos.
func (e *Error) Unwrap() error { return e.Err }
