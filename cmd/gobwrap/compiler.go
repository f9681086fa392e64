package main

import (
	"errors"
	"path"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/seccomp"
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
			if err := helper.Isolate(); err != nil {
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
	c := compilerOf(program)
	args := []string{"compile", "--arch", runtime.GOARCH}
	if len(caps) > 0 {
		args = append(args, "--cap", strings.Join(caps, ","))
	}
	bpf, err := c.Run(fd, append(args, "-")...)
	if err != nil {
		return nil, err
	}
	if err := seccomp.Check(bpf); err != nil {
		return nil, errors.New("what " + program + " wrote is no filter: " + err.Error())
	}
	return bpf, nil
}

// compilerOf is the program as one to run. What it writes is a filter at most.
func compilerOf(program string) helper.Program {
	return helper.Program{Path: program, Patience: 10 * time.Second, MaxOutput: seccomp.MaxInstructions * seccomp.Size}
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
