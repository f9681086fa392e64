// Command gobwrap-seccomp compiles seccomp profiles in the format of container engines, and
// shows what filters do. The launcher runs it for --seccomp-profile FILE.
//
// It is a separate program because it contains C code, libseccomp.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/seccomp/profile"
)

func main() {
	t := tool{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(t.run(os.Args[1:]))
}

// tool is the program with its standard streams.
type tool struct {
	in       io.Reader
	out, err io.Writer
}

// command is what the first argument chooses.
type command struct {
	name, operands, help string
	run                  func(*tool, []string) error
}

func commands() []command {
	return []command{
		{"compile", "[-o FILE] [--cap CAP]... [--arch ARCH] [--kernel VERSION] PROFILE...", "compile a profile to a filter", (*tool).compile},
		{"check", "[--cap CAP]... [--arch ARCH] [--kernel VERSION] PROFILE", "list the parts of a profile that its filter leaves out", (*tool).check},
		{"dump", "[--arch ARCH] FILTER", "list a filter's instructions", (*tool).dump},
		{"test", "[--arch ARCH] FILTER SYSCALL [ARGUMENT]...", "print what a filter answers to a system call", (*tool).test},
	}
}

// errUsage asks for the usage text.
var errUsage = errors.New("usage")

// run returns the whole program. It returns the exit status: 0, 1 if something failed, 2 for a
// mistake in the command line.
func (t *tool) run(args []string) int {
	err := t.dispatch(args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		_, _ = io.WriteString(t.err, usage())
		return 2
	}
	_, _ = io.WriteString(t.err, "gobwrap-seccomp: "+printable(err.Error())+"\n")
	return 1
}

func (t *tool) dispatch(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "--version", "-version":
		return t.print(fmt.Sprintf("gobwrap-seccomp %s (libseccomp %s)\n", version.Own, profile.Library()))
	case "--help", "-help", "-h":
		return t.print(usage())
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(t, args[1:])
		}
	}
	return errUsage
}

func (t *tool) print(text string) error {
	_, err := io.WriteString(t.out, text)
	return err
}

func usage() string {
	var out strings.Builder
	for i, c := range commands() {
		lead := "usage: "
		if i > 0 {
			lead = "       "
		}
		fmt.Fprintf(&out, "%sgobwrap-seccomp %s %s\n", lead, c.name, c.operands)
	}
	out.WriteString("\n")
	for _, c := range commands() {
		fmt.Fprintf(&out, "    %-9s%s\n", c.name, c.help)
	}
	out.WriteString("\nA FILTER is a file, or a built-in profile: " + strings.Join(builtins(), ", ") + ". \"-\" is standard input.\n")
	return out.String()
}

// options reads a command's flags. The usage text is printed for a mistake.
func options(args []string, define func(*flag.FlagSet)) ([]string, error) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	define(set)
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, errUsage
		}
		return nil, err
	}
	return set.Args(), nil
}

// printable takes control characters out of what may quote a hostile file.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
