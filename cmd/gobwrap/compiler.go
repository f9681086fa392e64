package main

import (
	"errors"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// compilerName is the program that compiles profiles, since that takes libseccomp, and
// the launcher must contain no C.
const compilerName = "gobwrap-seccomp"

// compileProfiles makes BPF of the profiles that are given as files. This process has no
// privilege by now that its caller has not (see stand), and hands on none: the compiler
// is the caller's own process.
func compileProfiles(s *sandbox.Spec) error {
	filters := s.Lockdown.Filters
	hidden := false
	for i := range filters {
		f := &filters[i]
		if f.Profile == "" {
			continue
		}
		if !hidden {
			if err := hideDescriptors(); err != nil {
				return err
			}
			hidden = true
		}
		bpf, err := compileProfile(f.Profile, (&sandbox.Cmd{Spec: *s}).Capabilities())
		if err != nil {
			return errors.New("--seccomp-profile " + f.Profile + ": " + err.Error())
		}
		f.BPF = bpf
	}
	return nil
}

func compileProfile(file string, caps []string) ([]byte, error) {
	program, err := findCompiler("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	fd, err := openProfile(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	c := compiler{program: program, patience: 10 * time.Second}
	args := []string{"compile", "--arch", runtime.GOARCH}
	if len(caps) > 0 {
		args = append(args, "--cap", strings.Join(caps, ","))
	}
	bpf, err := c.run(fd, append(args, "-")...)
	if err != nil {
		return nil, err
	}
	if err := seccomp.Check(bpf); err != nil {
		return nil, errors.New("what " + program + " wrote is no filter: " + err.Error())
	}
	return bpf, nil
}

// findCompiler looks beside the launcher's own binary, and in the libexec directory of
// the place where that is installed; never in PATH, which is the caller's. self is the
// link to the binary, /proc/self/exe.
func findCompiler(self string) (string, error) {
	buf := make([]byte, 4096)
	n, err := syscall.Readlink(self, buf)
	if err != nil {
		return "", errors.New("can't find " + compilerName + ", which lies beside gobwrap: reading " + self + ": " + capital(err.Error()))
	}
	dir := path.Dir(string(buf[:n]))
	places := []string{path.Join(dir, compilerName), path.Join(dir, "../libexec/gobwrap", compilerName)}
	for _, p := range places {
		var st syscall.Stat_t
		if syscall.Stat(p, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			return p, nil
		}
	}
	return "", errors.New(compilerName + ", which compiles profiles, is not installed: there is neither " +
		strings.Join(places, " nor ") + "; the built-in profiles (" + strings.Join(seccomp.Builtins(), ", ") + ") need none")
}

// openProfile opens a profile as the caller. Nothing but a file will do: a FIFO or a
// device could hold us up.
func openProfile(file string) (int, error) {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return -1, errors.New(capital(err.Error()))
	}
	var st syscall.Stat_t
	if err = syscall.Fstat(fd, &st); err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		err = syscall.EISDIR
	}
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = errors.New("not a regular file")
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, errors.New(capital(err.Error()))
	}
	return fd, nil
}

// compiler is a program that reads a profile and writes a filter.
type compiler struct {
	program  string
	patience time.Duration
}

const (
	maxOutput = seccomp.MaxInstructions * seccomp.Size
	maxWords  = 2000 // what a message is cut to
)

// run runs the program: the profile on its standard input, empty environment, and no
// other descriptor than those of its streams. It returns what was written.
func (c compiler) run(profile int, args ...string) ([]byte, error) {
	var out, words [2]int
	if err := pipes(&out, &words); err != nil {
		return nil, err
	}
	defer closeAll(out[0], words[0])
	// The thread that starts a process must outlive it, or its death signal comes.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := c.start(args, profile, out[1], words[1])
	closeAll(out[1], words[1])
	if err != nil {
		return nil, errors.New("can't start " + c.program + ": " + capital(err.Error()))
	}
	streams := []stream{{fd: out[0], limit: maxOutput}, {fd: words[0], limit: maxWords, cut: true}}
	late := c.drain(streams)
	// A program that has ended its streams by ending takes no notice; one that closed them
	// and goes on must not hold us up.
	_ = syscall.Kill(pid, syscall.SIGKILL)
	status, err := reap(pid)
	switch {
	case late != nil:
		return nil, late
	case err != nil:
		return nil, err
	case status.Signaled():
		return nil, errors.New(c.program + " was killed by signal " + strconv.Itoa(int(status.Signal())))
	case status.ExitStatus() != 0:
		return nil, errors.New(complaint(string(streams[1].data), c.program+" failed with status "+strconv.Itoa(status.ExitStatus())))
	}
	return streams[0].data, nil
}

// start starts the program with the caller's signal mask empty, whatever ours is, and
// with a usual limit on descriptors.
func (c compiler) start(args []string, streams ...int) (int, error) {
	// Setting the limit makes package syscall forget that it has lifted it. It would give
	// the child what it found: none at all, see package child, blindfold.
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
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
	pid, err := syscall.ForkExec(c.program, append([]string{compilerName}, args...), attr)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &ours, nil)
	return pid, err
}

// complaint is what a failed program said, fit for a terminal, or else the fallback.
func complaint(words, fallback string) string {
	words, _, _ = strings.Cut(strings.TrimSpace(words), "\n")
	words = strings.TrimPrefix(words, compilerName+": ")
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
