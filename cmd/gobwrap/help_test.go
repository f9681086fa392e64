package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/version"
)

// TestHelp: callers look for an option's name in the text before they use it.
func TestHelp(t *testing.T) {
	text := help("/usr/bin/bwrap")
	lines := strings.Split(text, "\n")
	if lines[0] != "usage: /usr/bin/bwrap [OPTIONS...] [--] COMMAND [ARGS...]" {
		t.Errorf("first line %q", lines[0])
	}
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		start := "  " + strings.TrimRight(synopsis(o)+" "+o.Operands, " ")
		n := 0
		for _, line := range lines {
			if rest, ok := strings.CutPrefix(line, start); ok && strings.HasPrefix(rest, " ") && strings.TrimSpace(rest) == o.Help {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s has %d lines of its own", o.Name, n)
		}
		if o.Help == "" {
			t.Errorf("%s lacks help", o.Name)
		}
	}
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Error("the text does not end with one newline")
	}
	for _, option := range []string{"--help", "-h"} {
		_, _, err := parse([]string{"b", "--dir", "/d", option, "--bogus"})
		var a answered
		if !errors.As(err, &a) || !strings.HasPrefix(a.text, "usage: ") {
			t.Errorf("%s: %v", option, err)
		}
	}
	if !strings.Contains(text, "\n\nNew files:\n  --tmpfs DEST ") {
		t.Error("the options are not grouped")
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

// TestHelpOnOption: --help=OPTION prints the manual's text on this option, and on no other.
func TestHelpOnOption(t *testing.T) {
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		head := strings.TrimRight(synopsis(o)+" "+o.Operands, " ")
		for _, typed := range []string{"--help=" + o.Name, "--help=" + strings.TrimPrefix(o.Name, "--"), "-h=" + o.Name} {
			_, _, err := parse([]string{"b", typed})
			var a answered
			if !errors.As(err, &a) || !strings.HasPrefix(a.text, head+"\n    ") || a.status != 0 {
				t.Errorf("%s: %v %q", typed, err, a.text)
				continue
			}
			lines := strings.Split(strings.TrimSuffix(a.text, "\n"), "\n")
			for _, line := range lines[1:] {
				if line != "" && !strings.HasPrefix(line, "    ") || utf8.RuneCountInString(line) > 80 && !strings.HasPrefix(line, "        {") {
					t.Errorf("%s: line %q", typed, line)
				}
			}
		}
	}
	_, _, err := parse([]string{"b", "--help=bnid"})
	if err == nil || hintOf(err) != "did you mean --bind?" {
		t.Errorf("%v, hint %q", err, hintOf(err))
	}
}

// TestNames: every name once, and Lookup finds it.
func TestNames(t *testing.T) {
	var seen []string
	for i := range cmdline.Options {
		name := cmdline.Options[i].Name
		if slices.Contains(seen, name) {
			t.Errorf("%s has two rows", name)
		}
		seen = append(seen, name)
		if cmdline.Lookup([]byte(name)) != i {
			t.Errorf("Lookup does not find %s", name)
		}
	}
	for _, name := range []string{"", "-", "--", "help", "--HELP", "--help "} {
		if cmdline.Lookup([]byte(name)) >= 0 {
			t.Errorf("Lookup finds %q", name)
		}
	}
}

// TestVersion: under a name of bwrap's the second word is bubblewrap's version, of
// three integers; else the first is our own name.
func TestVersion(t *testing.T) {
	for _, c := range []struct {
		argv0 string
		bwrap bool
	}{
		{"bwrap", true},
		{"/usr/bin/bwrap", true},
		{"./bwrap", true},
		{"/usr/libexec/flatpak-bwrap", true},
		{"srt-bwrap", true},
		{"gobwrap", false},
		{"/opt/bwrap/gobwrap", false},
		{"my-gobwrap", false},
		{"bwrap/x", false},
		{"bwrap2", false},
		{"", false},
	} {
		text := version.Line(c.argv0)
		fields := strings.Fields(text)
		if !strings.HasSuffix(text, "\n") || len(fields) < 2 {
			t.Errorf("%q: %q", c.argv0, text)
			continue
		}
		if c.bwrap != (fields[0] == "bubblewrap") || c.bwrap == (fields[0] == "gobwrap") {
			t.Errorf("%q: %q", c.argv0, text)
		}
		if n := strings.Count(fields[1], "."); n != 2 || strings.Trim(fields[1], "0123456789.") != "" {
			t.Errorf("%q: version %q is not three integers", c.argv0, fields[1])
		}
		if want := map[bool]string{true: "bwrap", false: "gobwrap"}[c.bwrap]; newPrinter([]string{c.argv0}).name != want {
			t.Errorf("%q speaks as %s", c.argv0, newPrinter([]string{c.argv0}).name)
		}
	}
	if newPrinter(nil).name != "gobwrap" {
		t.Error("without argv[0] there is no name")
	}
	for _, c := range []struct {
		argv []string
		want bool
	}{
		{[]string{"b", "--version"}, true},
		{[]string{"b", "--version", "x"}, false},
		{[]string{"b"}, false},
		{nil, false},
		{[]string{"b", "--help"}, false},
	} {
		if _, ok := answer(c.argv); ok != c.want {
			t.Errorf("answer(%q) is %v", c.argv, ok)
		}
	}
	_, _, err := parse([]string{"b", "--dir", "/d", "--version", "--bogus"})
	var a answered
	if !errors.As(err, &a) || !strings.Contains(a.text, version.Own) {
		t.Errorf("--version among others: %v", err)
	}
}
