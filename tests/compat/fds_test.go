package compat

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// opened is one file for the launcher, and what is done with it afterwards.
type opened struct {
	file *os.File
	// collect returns what the launcher and its children wrote to it.
	collect func() string
	// keep is our end of a pipe, closed after the run.
	keep *os.File
}

// open makes the file that `fd N KIND ARG` asks for:
//
//	text TEXT, bytes "GO STRING"   an unlinked file holding that
//	at OFFSET TEXT                 the same, read from an offset on
//	pipe TEXT, memfd TEXT          the same through a pipe or a memfd
//	args WORD …                    the words with a NUL after each, in a pipe
//	filter NAME                    a seccomp filter, see filter_test.go
//	read PATH, write PATH, path PATH   opened on the host; path is O_PATH
//	out                            a pipe; what arrives is part of the result
//	hold                           a pipe to which nothing is written
//	broken                         a pipe nobody reads
//	closed                         nothing at that number
func (s fdSpec) open(run *side) (opened, error) {
	arg := run.expand(s.arg)
	switch s.kind {
	case "text":
		return unlinked(arg, 0)
	case "bytes":
		text, err := strconv.Unquote(arg)
		if err != nil {
			return opened{}, err
		}
		return unlinked(text, 0)
	case "at":
		number, text, _ := strings.Cut(arg, " ")
		offset, err := strconv.Atoi(number)
		if err != nil {
			return opened{}, err
		}
		return unlinked(text, int64(offset))
	case "memfd":
		return memfd(arg)
	case "pipe":
		return filled(arg)
	case "args":
		words, err := run.words(s.arg)
		if err != nil {
			return opened{}, err
		}
		return filled(strings.Join(words, "\x00") + "\x00")
	case "filter":
		text, err := filter(arg)
		if err != nil {
			return opened{}, err
		}
		return unlinked(text, 0)
	case "read":
		f, err := os.Open(arg)
		return opened{file: f}, err
	case "write":
		f, err := os.OpenFile(arg, os.O_WRONLY|os.O_CREATE, 0o644)
		return opened{file: f}, err
	case "path":
		fd, err := unix.Open(arg, unix.O_PATH|unix.O_CLOEXEC, 0)
		return opened{file: os.NewFile(uintptr(fd), arg)}, err
	case "out":
		return outPipe()
	case "hold":
		r, w, err := os.Pipe()
		return opened{file: r, keep: w}, err
	case "broken":
		r, w, err := os.Pipe()
		if err == nil {
			err = r.Close()
		}
		// Another test that starts a program meanwhile holds a copy until that executes.
		harness.Until(func() bool {
			p := []unix.PollFd{{Fd: int32(w.Fd())}}
			n, e := unix.Poll(p, 0)
			return err != nil || e == nil && n > 0 && p[0].Revents&unix.POLLERR != 0
		})
		return opened{file: w}, err
	case "closed":
		return opened{}, nil
	}
	return opened{}, fmt.Errorf("fd kind %q", s.kind)
}

func unlinked(text string, offset int64) (opened, error) {
	f, err := os.CreateTemp(base, "fd")
	if err != nil {
		return opened{}, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return opened{}, err
	}
	if _, err := f.WriteString(text); err != nil {
		return opened{}, err
	}
	_, err = f.Seek(offset, io.SeekStart)
	return opened{file: f}, err
}

func memfd(text string) (opened, error) {
	fd, err := unix.MemfdCreate("case", unix.MFD_CLOEXEC)
	if err != nil {
		return opened{}, err
	}
	f := os.NewFile(uintptr(fd), "case")
	if _, err := f.WriteString(text); err != nil {
		return opened{}, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return opened{file: f}, err
}

func filled(text string) (opened, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return opened{}, err
	}
	go func() {
		_, _ = w.WriteString(text) // the reader may have lost interest
		_ = w.Close()
	}()
	return opened{file: r}, nil
}

func outPipe() (opened, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return opened{}, err
	}
	done := make(chan string, 1)
	go func() {
		_ = r.SetReadDeadline(time.Now().Add(harness.Patience))
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			data = append(data, err.Error()...)
		}
		done <- string(data)
	}()
	return opened{file: w, collect: func() string { return <-done }}, nil
}
