package compiler

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/profiles"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/seccomp"
)

// compilerName is the program that makes filters of profiles. It has libseccomp, and so C, in
// it, which neither a host nor the launcher should have to link.
const compilerName = "gobwrap-seccomp"

// Compile takes the name of a built-in profile, or the path of a file, which has a
// slash in it.
func Compile(launcher, profile string, caps []string) ([]byte, error) {
	if !strings.Contains(profile, "/") {
		return seccomp.Named(profile)
	}
	// This program has imported seccomp/profile, and so needs no other.
	if profiles.Compile != nil {
		return compileHere(profile, caps)
	}
	program, err := find(launcher)
	if err != nil {
		return nil, err
	}
	fd, err := openProfile(profile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	// In the launcher's front end, which has the caller's descriptors.
	if child.Entered() {
		if err := helper.Isolate(); err != nil {
			return nil, err
		}
	}
	// The capabilities that the command will have: a profile may permit calls for some of them.
	args := []string{"compile", "--arch", runtime.GOARCH}
	if len(caps) > 0 {
		args = append(args, "--cap", strings.Join(caps, ","))
	}
	// What it writes is a filter at most.
	tool := helper.Program{Path: program, Patience: 10 * time.Second, MaxOutput: seccomp.MaxInstructions * seccomp.Size}
	bpf, err := tool.Run(fd, append(args, "-")...)
	if err != nil {
		return nil, err
	}
	// The kernel would refuse a bad filter only when the sandbox is complete.
	if err := seccomp.Check(bpf); err != nil {
		return nil, fault.Because(program+" did not write a filter: "+err.Error(), err)
	}
	return bpf, nil
}

// maxProfile bounds a profile, as gobwrap-seccomp does.
const maxProfile = 1 << 20

// compileHere has package seccomp/profile, which this program contains, compile a profile.
func compileHere(profile string, caps []string) ([]byte, error) {
	fd, err := openProfile(profile)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), profile)
	defer func() { _ = f.Close() }()
	// One byte more than is permitted, so that a longer file is seen to be longer.
	text, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(text) > maxProfile {
		err = errors.New("more than " + strconv.Itoa(maxProfile) + " bytes")
	}
	if err != nil {
		return nil, err
	}
	return profiles.Compile("", text, caps)
}

// find finds the program that compiles profiles. Where this process is the launcher, PATH
// is the caller's, and does not count.
func find(launcher string) (string, error) {
	if child.Entered() {
		return findCompiler("/proc/self/exe", "")
	}
	if file, err := findCompiler(launcher, os.Getenv("PATH")); err == nil {
		return file, nil
	}
	return "", fault.Because(compilerName+", which compiles profiles, is neither beside the launcher nor in PATH; "+
		"a program that imports seccomp/profile does not need it", fault.ErrNoTool)
}

// findCompiler looks where a launcher lies, if one is named, in the libexec directory of the
// place where it is installed, and in the directories of path.
func findCompiler(launcher, path string) (string, error) {
	err := fault.ErrNoTool
	if launcher != "" {
		var file string
		if file, err = besideLauncher(launcher); err == nil {
			return file, nil
		}
	}
	if file := helper.Find(compilerName, path); file != "" {
		return file, nil
	}
	return "", err
}

// besideLauncher looks where a launcher lies, and where `make install` puts what only it starts.
func besideLauncher(launcher string) (string, error) {
	// A link in /usr/local/bin, say, leads to where both are installed.
	file, err := filepath.EvalSymlinks(launcher)
	if err != nil {
		return "", fault.Because("can't find "+compilerName+", which lies beside gobwrap: reading "+launcher+": "+fault.Strerror(fault.ErrnoOf(err)), err)
	}
	dir := filepath.Dir(file)
	places := []string{filepath.Join(dir, compilerName), filepath.Join(dir, "../libexec/gobwrap", compilerName)}
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", fault.Because(compilerName+", which compiles profiles, is not installed: there is neither "+
		strings.Join(places, " nor ")+"; the built-in profiles ("+strings.Join(seccomp.Builtins(), ", ")+") do not need it", fault.ErrNoTool)
}

// openProfile opens a profile as the caller. Nothing but a file will do: a FIFO or a
// device could hold us up.
func openProfile(file string) (int, error) {
	// O_NONBLOCK for a FIFO without a writer, and O_NOCTTY for a terminal: the open itself must not have an effect.
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return -1, fault.Because(fault.Strerror(fault.ErrnoOf(err)), err)
	}
	var st syscall.Stat_t
	err = syscall.Fstat(fd, &st)
	switch {
	case err != nil:
		err = fault.Because(fault.Strerror(fault.ErrnoOf(err)), err)
	case st.Mode&syscall.S_IFMT == syscall.S_IFDIR:
		err = fault.Because(fault.Strerror(syscall.EISDIR), syscall.EISDIR)
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		//lint:ignore ST1005 like what strerror(3) says of directories
		err = errors.New("Not a regular file")
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
