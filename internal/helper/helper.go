// Package helper runs small programs for the front end of a launch: the compiler of
// profiles, newuidmap. It is not os/exec, which starts goroutines and a poller where one
// process is to be waited for, and it leaves the caller's signals and limits alone.
package helper

import (
	"errors"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Program is a program to run.
type Program struct {
	Path      string        // the file; nothing is searched for
	Patience  time.Duration // how long it may take before it is killed
	MaxOutput int           // how many bytes it may write
}

// maxWords is what a message is cut to.
const maxWords = 2000

// grace is how long a program may go on after it has closed its streams.
const grace = time.Second

// Run runs the program with an empty environment, in the root directory; stdin is its
// standard input. It returns what was written to standard output. The error of a failed
// program is the first line that it wrote to standard error, without its name.
//
// It inherits every descriptor that is not close-on-exec: see Isolate.
func (p Program) Run(stdin int, args ...string) ([]byte, error) {
	var out, words [2]int
	if err := pipes(&out, &words); err != nil {
		return nil, err
	}
	defer closeAll(out[0], words[0])
	// The thread that starts a process must outlive it, or its death signal comes.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := p.start(args, stdin, out[1], words[1])
	closeAll(out[1], words[1])
	if err != nil {
		return nil, failed("can't start "+p.Path+": ", err)
	}
	streams := []stream{{fd: out[0], limit: p.MaxOutput}, {fd: words[0], limit: maxWords, cut: true}}
	late := p.drain(streams)
	status, err := end(pid, late == nil)
	switch {
	case late != nil:
		return nil, late
	case err != nil:
		return nil, err
	case status.Signaled():
		return nil, errors.New(p.Path + " was killed by signal " + strconv.Itoa(int(status.Signal())))
	case status.ExitStatus() != 0:
		return nil, errors.New(complaint(path.Base(p.Path), string(streams[1].data), p.Path+" failed with status "+strconv.Itoa(status.ExitStatus())))
	}
	return streams[0].data, nil
}

// start starts the program with the caller's signal mask empty, whatever ours is.
func (p Program) start(args []string, streams ...int) (int, error) {
	attr := &syscall.ProcAttr{Dir: "/", Env: []string{}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	for _, fd := range streams {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	// The child gets this thread's mask. What is sent to this process meanwhile is for
	// the monitor too, which ends by it.
	var none, ours unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &ours); err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(p.Path, append([]string{path.Base(p.Path)}, args...), attr)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &ours, nil)
	return pid, err
}

// complaint returns what a failed program said, fit for a terminal, or else the fallback.
func complaint(name, words, fallback string) string {
	words, _, _ = strings.Cut(strings.TrimSpace(words), "\n")
	words = strings.TrimPrefix(words, name+": ")
	if words == "" {
		return fallback
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' {
			return '?'
		}
		return r
	}, words)
}

// failure is an attempt and the error that ended it.
type failure struct {
	what string
	err  error
}

func failed(what string, err error) error { return &failure{what, err} }

func (f *failure) Error() string {
	if errno, ok := f.err.(syscall.Errno); ok {
		return f.what + capital(errno.Error())
	}
	return f.what + f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
