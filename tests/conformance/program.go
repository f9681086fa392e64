package main

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// program is a launcher that is asked about.
type program struct {
	Name    string // as it was given
	Path    string // of the copy that is run
	Setuid  string // of the copy that is set-user-id root, if there is one
	Args    string // what makes that one use its mode
	Version version
	Options []string // those that --help prints
	Title   string   // what --version prints
}

// version is a number like 0.11.1.
type version [3]int

func parseVersion(text string) (v version, err error) {
	if n, _ := fmt.Sscanf(text, "%d.%d.%d", &v[0], &v[1], &v[2]); n < 2 {
		err = fmt.Errorf("%q is not a version", text)
	}
	return v, err
}

func (v version) less(w version) bool { return slices.CompareFunc(v[:], w[:], cmp.Compare[int]) < 0 }

func (v version) String() string {
	text := fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
	return strings.TrimSuffix(text, ".0")
}

var (
	bwrapVersion = regexp.MustCompile(`bubblewrap (\d+\.\d+(\.\d+)?)`)
	helpLine     = regexp.MustCompile(`(?m)^\s+(--[a-z][a-z0-9-]*)`)
)

// ask finds out what the program says of itself.
func (p *program) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.Path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", p.Name, err)
	}
	p.Title, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	if m := bwrapVersion.FindStringSubmatch(p.Title); m != nil {
		p.Version, _ = parseVersion(m[1])
	}
	out, err = exec.CommandContext(ctx, p.Path, "--help").Output()
	if err != nil {
		return fmt.Errorf("%s --help: %w", p.Name, err)
	}
	for _, m := range helpLine.FindAllStringSubmatch(string(out), -1) {
		p.Options = append(p.Options, m[1])
	}
	if !p.has("--ro-bind") || p.Version == (version{}) {
		return fmt.Errorf("%s: --help does not list --ro-bind, or --version names no version of bubblewrap: it is not compatible", p.Name)
	}
	return nil
}

func (p *program) has(option string) bool { return slices.Contains(p.Options, option) }

// in says what is run in a mode, and with which arguments before all others.
func (p *program) in(m mode) (path, args string) {
	if m == asSetuid {
		return p.Setuid, p.Args
	}
	return p.Path, ""
}

// install copies the program to where everybody may start it, and once more with the
// set-user-id bit to where only the ordinary user may.
func (p *program) install(s *stage, number int, setuid bool) (err error) {
	name := filepath.Base(p.Name)
	if p.Path, err = s.copyFile(p.Name, fmt.Sprintf("p%d/%s", number, name), 0o755); err != nil || !setuid {
		return err
	}
	p.Setuid, err = s.copySetuid(p.Name, fmt.Sprintf("s%d/%s", number, name))
	return err
}
