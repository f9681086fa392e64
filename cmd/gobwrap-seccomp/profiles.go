package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/profile"
)

// target holds the flags that say for which machine, kernel and capabilities a profile is
// compiled.
type target struct {
	caps         []string
	arch, kernel string
}

func (g *target) define(set *flag.FlagSet) {
	set.StringVar(&g.arch, "arch", runtime.GOARCH, "")
	set.StringVar(&g.kernel, "kernel", "", "")
	set.Func("cap", "", func(s string) error {
		for name := range strings.SplitSeq(s, ",") {
			if name != "ALL" && !strings.HasPrefix(name, "CAP_") {
				return fmt.Errorf("invalid capability %q (want CAP_… or ALL)", name)
			}
			g.caps = append(g.caps, name)
		}
		return nil
	})
}

// settle returns the target of the flags; the default is this machine.
func (g *target) settle() (profile.Target, error) {
	t, err := profile.Here(g.caps...)
	t.Arch = g.arch
	if g.kernel != "" {
		t.Kernel, err = profile.ParseKernel(g.kernel)
	}
	return t, err
}

// load reads a profile from a file, or from standard input.
func (t *tool) load(path string) (*profile.Profile, error) {
	text, err := t.read(path, profile.MaxSize)
	if err != nil {
		return nil, err
	}
	return profile.Parse(title(path), text)
}

// title returns the name of a file for messages, "" for standard input.
func title(path string) string {
	if path == "-" {
		return ""
	}
	return path
}

// about puts a file's name in front of what is wrong with it.
func about(path string, err error) error {
	if err == nil || path == "-" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func (t *tool) compile(args []string) error {
	var g target
	var output string
	paths, err := options(args, func(set *flag.FlagSet) {
		g.define(set)
		set.StringVar(&output, "o", "-", "")
	})
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return errUsage
	}
	to, err := g.settle()
	if err != nil {
		return err
	}
	profiles := make([]*profile.Profile, 0, len(paths))
	for _, path := range paths {
		p, err := t.load(path)
		if err != nil {
			return err
		}
		profiles = append(profiles, p)
	}
	code, err := profile.Compile(to, profiles...)
	if err != nil {
		return err
	}
	if output == "-" {
		return t.print(string(code))
	}
	return os.WriteFile(output, code, 0o644)
}

func (t *tool) check(args []string) error {
	var g target
	paths, err := options(args, g.define)
	if err != nil {
		return err
	}
	if len(paths) != 1 {
		return errUsage
	}
	to, err := g.settle()
	if err != nil {
		return err
	}
	p, err := t.load(paths[0])
	if err != nil {
		return err
	}
	code, err := profile.Compile(to, p)
	if err != nil {
		return err
	}
	notes, err := p.Notes(to)
	if err != nil {
		return err
	}
	for _, n := range notes {
		if err := t.print(printable(n) + "\n"); err != nil {
			return err
		}
	}
	return t.print(fmt.Sprintf("%s, Linux %d.%d: %d instructions\n", to.Arch, to.Kernel.Major, to.Kernel.Minor, len(code)/seccomp.Size))
}
