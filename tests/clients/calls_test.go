//go:build clients

package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// call is how a client called the launcher: argv, with what the descriptor of --args
// held in its place.
type call struct {
	argv    []string
	options []string // their names
	command []string
}

// calls are those that the recorder has noted.
func (w *world) calls(t *testing.T) (list []call) {
	t.Helper()
	data, err := os.ReadFile(w.file("calls"))
	mustDo(t, err)
	for rest := string(data); rest != ""; {
		var length, more int
		line, after, _ := strings.Cut(rest, "\n")
		if _, err := fmt.Sscanf(line, "%d %d", &length, &more); err != nil || len(after) < length+more {
			t.Fatalf("%q is not a record of a call", line)
		}
		list = append(list, parse(t, split(after[:length]), split(after[length:length+more])))
		rest = after[length+more:]
	}
	return list
}

func split(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(words, "\x00"), "\x00")
}

// operands is how many follow each option; the launcher's help has them.
func operands(t *testing.T) map[string]int {
	t.Helper()
	source, err := os.ReadFile("../../internal/cmdline/options.go")
	mustDo(t, err)
	table := map[string]int{}
	for _, row := range regexp.MustCompile(`Name: "(--[^"]+)"(?:, Operands: "([^"]*)")?`).FindAllStringSubmatch(string(source), -1) {
		table[row[1]] = len(strings.Fields(row[2]))
	}
	return table
}

func parse(t *testing.T, argv, held []string) call {
	t.Helper()
	if i := slices.Index(argv, "--args"); i > 0 && len(held) > 0 {
		argv = slices.Concat(argv[:i+2], held, argv[i+2:])
	}
	c := call{argv: argv}
	table, rest := operands(t), argv[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "--") {
		if rest[0] == "--" {
			rest = rest[1:]
			break
		}
		n, ok := table[rest[0]]
		if !ok {
			t.Errorf("a client uses an option that is none: %q", rest[0])
		}
		c.options = append(c.options, rest[0])
		rest = rest[min(1+n, len(rest)):]
	}
	c.command = rest
	return c
}

// find gives the calls whose command begins so.
func find(list []call, command string) (found []call) {
	for _, c := range list {
		if len(c.command) > 0 && filepath.Base(c.command[0]) == command {
			found = append(found, c)
		}
	}
	return found
}

// want checks that n calls for a command have all these options.
func want(t *testing.T, list []call, n int, command string, options ...string) {
	t.Helper()
	var without []string
	for _, c := range find(list, command) {
		for _, option := range options {
			if !slices.Contains(c.options, option) {
				without = append(without, fmt.Sprintf("\nno %s: %q", option, c.argv))
				break
			}
		}
	}
	if have := len(find(list, command)) - len(without); have != n {
		t.Errorf("%d of %d calls for %s have %v, want %d%s", have, len(list), command, options, n, without)
	}
}

// documented compares the options of a client's calls with its line in docs/clients.md,
// and looks for each of them in the compat suite.
func documented(t *testing.T, client string, list []call) {
	t.Helper()
	text, err := os.ReadFile("../../docs/clients.md")
	mustDo(t, err)
	_, section, ok := strings.Cut(string(text), "\n## "+client+"\n")
	if !ok {
		t.Fatalf("docs/clients.md has no section %q", client)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var have, seen []string
	for line := range strings.SplitSeq(section, "\n") {
		if words, ok := strings.CutPrefix(line, "    --"); ok {
			have = append(have, strings.Fields("--"+words)...)
		}
	}
	for _, c := range list {
		seen = append(seen, c.options...)
	}
	slices.Sort(seen)
	seen = slices.Compact(seen)
	slices.Sort(have)
	if !slices.Equal(have, seen) {
		t.Errorf("docs/clients.md says that %s uses\n%s\nand it used\n%s", client, strings.Join(have, " "), strings.Join(seen, " "))
	}
	for _, option := range seen {
		if !strings.Contains(suite(t), option) {
			t.Errorf("%s is in no case of the compat suite", option)
		}
	}
}

// suite is the text of the compat suite: cases and tests.
func suite(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob("../compat/testdata/*.cases")
	mustDo(t, err)
	more, err := filepath.Glob("../compat/*_test.go")
	mustDo(t, err)
	files = append(files, more...)
	for _, file := range files {
		text, err := os.ReadFile(file)
		mustDo(t, err)
		all.Write(text)
	}
	return all.String()
}
