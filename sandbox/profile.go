package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/seccomp"
)

// compilerName is of the program that makes filters of profiles. It has libseccomp, and so C, in
// it, which no host should have to link.
const compilerName = "gobwrap-seccomp"

// compileProfiles makes BPF of the profiles of s: those with a slash in their names are
// files, the others are built in.
func (c *Cmd) compileProfiles(s *Spec, h Host) error {
	s.Lockdown.Filters = slices.Clone(s.Lockdown.Filters)
	for i := range s.Lockdown.Filters {
		f := &s.Lockdown.Filters[i]
		if f.Profile == "" || len(f.BPF) > 0 {
			continue
		}
		var err error
		if f.BPF, err = c.compileProfile(f.Profile, wantedCaps(s, &h).Names()); err != nil {
			return &SetupError{Stage: "options", Option: "Lockdown.Filters", Path: f.Profile, Err: err}
		}
	}
	return nil
}

func (c *Cmd) compileProfile(profile string, caps []string) ([]byte, error) {
	if !strings.Contains(profile, "/") {
		bpf, ok := seccomp.Builtin(profile, runtime.GOARCH)
		if !ok {
			return nil, errors.New("there is no built-in seccomp profile " + profile + ", but " + strings.Join(seccomp.Builtins(), ", "))
		}
		return bpf, nil
	}
	path, err := c.findCompiler()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	args := []string{"compile", "--arch", runtime.GOARCH}
	if len(caps) > 0 {
		args = append(args, "--cap", strings.Join(caps, ","))
	}
	tool := helper.Program{Path: path, Patience: 10 * time.Second, MaxOutput: seccomp.MaxInstructions * seccomp.Size}
	bpf, err := tool.Run(int(file.Fd()), append(args, "-")...)
	if err != nil {
		return nil, errors.New(path + ": " + err.Error())
	}
	return bpf, seccomp.Check(bpf)
}

// findCompiler looks where the launcher lies, and in PATH.
func (c *Cmd) findCompiler() (string, error) {
	if c.Launcher != "" {
		dir := filepath.Dir(c.Launcher)
		for _, path := range []string{filepath.Join(dir, compilerName), filepath.Join(dir, "../libexec/gobwrap", compilerName)} {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	if path := findTool(compilerName, os.Getenv("PATH")); path != "" {
		return path, nil
	}
	return "", errors.New(compilerName + ", which compiles profiles, lies neither beside the launcher nor in PATH")
}
