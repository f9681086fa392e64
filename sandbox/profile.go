package sandbox

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/profiles"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/seccomp"
)

// compilerName is the program that makes filters of profiles. It has libseccomp, and so C, in
// it, which neither a host nor the launcher should have to link.
const compilerName = "gobwrap-seccomp"

// compileProfiles puts BPF in the place of the profiles of s. The Cmd keeps what has been
// compiled, so that it happens once. The compiler runs with the caller's privileges and no
// others.
func (c *Cmd) compileProfiles(s *wanted, h facts) error {
	s.Lockdown.Filters = slices.Clone(s.Lockdown.Filters)
	caps := wantedCaps(s, &h).Names()
	for i := range s.Lockdown.Filters {
		f := &s.Lockdown.Filters[i]
		if f.Profile == "" || len(f.BPF) > 0 {
			continue
		}
		key := strings.Join(append([]string{f.Profile}, caps...), "\x00")
		bpf, ok := c.profiles[key]
		if !ok {
			var err error
			if bpf, err = c.compileProfile(f.Profile, caps); err != nil {
				name := s.name(at("Lockdown.Filters", i))
				return &SetupError{Stage: "options", Field: name, Path: f.Profile, Err: because(name+" "+f.Profile+": "+err.Error(), err)}
			}
			if c.profiles == nil {
				c.profiles = map[string][]byte{}
			}
			c.profiles[key] = bpf
		}
		f.BPF, f.Profile = bpf, ""
	}
	return nil
}

// compileProfile takes the name of a built-in profile, or the path of a file, which has a
// slash in it.
func (c *Cmd) compileProfile(profile string, caps []string) ([]byte, error) {
	if !strings.Contains(profile, "/") {
		return seccomp.Named(profile)
	}
	if profiles.Compile != nil {
		return compileHere(profile, caps)
	}
	program, err := c.compiler()
	if err != nil {
		return nil, err
	}
	fd, err := openProfile(profile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	if child.Entered() {
		if err := helper.Isolate(); err != nil {
			return nil, err
		}
	}
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
	if err := seccomp.Check(bpf); err != nil {
		return nil, because(program+" did not write a filter: "+err.Error(), err)
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
	text, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(text) > maxProfile {
		err = errors.New("more than " + strconv.Itoa(maxProfile) + " bytes")
	}
	if err != nil {
		return nil, err
	}
	return profiles.Compile("", text, caps)
}

// compiler finds the program that compiles profiles. Where this process is the launcher, PATH
// is the caller's, and does not count.
func (c *Cmd) compiler() (string, error) {
	if child.Entered() {
		return findCompiler(selfExe, "")
	}
	if file, err := findCompiler(c.Launcher, os.Getenv("PATH")); err == nil {
		return file, nil
	}
	return "", because(compilerName+", which compiles profiles, is neither beside the launcher nor in PATH; "+
		"a program that imports seccomp/profile does not need it", errNoTool)
}

// findCompiler looks where a launcher lies, if one is named, in the libexec directory of the
// place where it is installed, and in the directories of path.
func findCompiler(launcher, path string) (string, error) {
	err := errNoTool
	if launcher != "" {
		var file string
		if file, err = besideLauncher(launcher); err == nil {
			return file, nil
		}
	}
	if file := findTool(compilerName, path); file != "" {
		return file, nil
	}
	return "", err
}

func besideLauncher(launcher string) (string, error) {
	file, err := filepath.EvalSymlinks(launcher)
	if err != nil {
		return "", because("can't find "+compilerName+", which lies beside gobwrap: reading "+launcher+": "+strerror(errnoOf(err)), err)
	}
	dir := filepath.Dir(file)
	places := []string{filepath.Join(dir, compilerName), filepath.Join(dir, "../libexec/gobwrap", compilerName)}
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", because(compilerName+", which compiles profiles, is not installed: there is neither "+
		strings.Join(places, " nor ")+"; the built-in profiles ("+strings.Join(seccomp.Builtins(), ", ")+") do not need it", errNoTool)
}

// openProfile opens a profile as the caller. Nothing but a file will do: a FIFO or a
// device could hold us up.
func openProfile(file string) (int, error) {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return -1, because(strerror(errnoOf(err)), err)
	}
	var st syscall.Stat_t
	err = syscall.Fstat(fd, &st)
	switch {
	case err != nil:
		err = because(strerror(errnoOf(err)), err)
	case st.Mode&syscall.S_IFMT == syscall.S_IFDIR:
		err = because(strerror(syscall.EISDIR), syscall.EISDIR)
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
