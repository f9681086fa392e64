package main

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

//go:embed testdata/*.txtar
var files embed.FS

// group is a file of the catalogue.
type group struct {
	name  string // without number and ending
	title string
	about string
	cases []*testCase
}

// testCase is one section of such a file.
type testCase struct {
	group    string
	name     string
	modes    []mode
	since    version
	feature  string
	needs    []string
	setup    []string
	run      []string
	after    []string
	orphans  bool
	outcomes []outcome
	section  []mode   // of the outcomes that are being read
	options  []string // the launcher's, as run names them
}

// catalogue reads the groups that the program contains.
func catalogue() ([]group, error) {
	names, err := files.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var all []group
	for _, entry := range names {
		data, err := files.ReadFile("testdata/" + entry.Name())
		if err != nil {
			return nil, err
		}
		g, err := parseGroup(entry.Name(), data)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, unique(all)
}

// unique sees to it that a name means one case.
func unique(all []group) error {
	seen := map[string]bool{}
	for _, g := range all {
		for _, c := range g.cases {
			if seen[c.name] {
				return fmt.Errorf("%s: %s: the name is taken", g.name, c.name)
			}
			seen[c.name] = true
		}
	}
	return nil
}

func parseGroup(file string, data []byte) (group, error) {
	archive := txtar.Parse(data)
	title, about, _ := strings.Cut(string(archive.Comment), "\n")
	g := group{name: strings.TrimSuffix(path.Base(file), ".txtar"), title: title, about: strings.TrimSpace(about)}
	if _, rest, ok := strings.Cut(g.name, "-"); ok {
		g.name = rest
	}
	for _, section := range archive.Files {
		c, err := parseCase(g.name, section.Name, string(section.Data))
		if err != nil {
			return g, fmt.Errorf("%s: %s: %w", file, section.Name, err)
		}
		g.cases = append(g.cases, c)
	}
	if g.title == "" || len(g.cases) == 0 {
		return g, fmt.Errorf("%s: no title, or no cases", file)
	}
	return g, nil
}

func parseCase(group, name, text string) (*testCase, error) {
	c := &testCase{group: group, name: name, modes: modes, outcomes: []outcome{{verdict: pass}}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if err := c.directive(word, strings.TrimSpace(rest)); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
	}
	c.options = optionsIn(c.run)
	return c, c.check()
}

func (c *testCase) directive(word, rest string) (err error) {
	switch word {
	case "as":
		c.modes, err = parseModes(rest)
	case "since":
		c.since, err = parseVersion(rest)
	case "feature":
		c.feature = rest
	case "needs":
		c.needs = append(c.needs, rest)
	case "setup":
		c.setup = append(c.setup, rest)
	case "run":
		c.run = append(c.run, rest)
	case "after":
		c.after = append(c.after, rest)
	case "orphans":
		c.orphans = true
	case "in":
		c.section, err = parseModes(rest)
		c.begin(pass, "")
	case "or":
		c.begin(pass, "")
	case "older":
		c.begin(unsupported, "")
	case "differs":
		c.begin(differs, rest)
	case "hole":
		c.begin(hole, rest)
	default:
		err = c.outcomes[len(c.outcomes)-1].seen.add(word, rest)
	}
	return err
}

// begin makes room for a further outcome.
func (c *testCase) begin(v verdict, id string) {
	c.outcomes = append(c.outcomes, outcome{verdict: v, id: id, modes: c.section})
}

// check finds what cannot be meant.
func (c *testCase) check() error {
	if c.run == nil {
		return fmt.Errorf("it runs nothing")
	}
	for _, o := range c.outcomes {
		if needsID := o.verdict == differs || o.verdict == hole; needsID != (o.id != "") || strings.Contains(o.id, " ") {
			return fmt.Errorf("%s takes one word", o.verdict)
		}
		for _, m := range o.modes {
			if !slices.Contains(c.modes, m) {
				return fmt.Errorf("in %s, but it is not run there", m)
			}
		}
	}
	for _, word := range c.options {
		if !slices.Contains(knownOptions(), word) {
			return fmt.Errorf("%s is not an option of any launcher; those that are meant to be unknown begin with --no-such", word)
		}
	}
	return nil
}

// in says what may be seen of the case in a mode.
func (c *testCase) in(m mode) []outcome {
	var own, common []outcome
	for _, o := range c.outcomes {
		switch {
		case slices.Contains(o.modes, m):
			own = append(own, o)
		case o.modes == nil:
			common = append(common, o)
		}
	}
	if own != nil {
		return own
	}
	return common
}

var optionWord = regexp.MustCompile(`(?:^|[\s'"])(--[a-z][a-z0-9-]*)`)

// optionsIn lists the long options in shell lines. Cases use short ones for other commands.
func optionsIn(lines []string) []string {
	var all []string
	for _, line := range lines {
		for _, m := range optionWord.FindAllStringSubmatch(line, -1) {
			if !strings.HasPrefix(m[1], "--no-such") && !slices.Contains(optionsOfTools, m[1]) {
				all = append(all, m[1])
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
