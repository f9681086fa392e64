package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	programs   []string
	modes      []mode
	setuidArgs string
	known      []string
	run        *regexp.Regexp
	workers    int
	patience   time.Duration
	tap        bool
	junit, md  string
	verbose    bool
	list       bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		exit(1, work(os.Stdin, os.Stdout))
	}
	if strings.HasSuffix(os.Args[0], "probe") {
		os.Exit(probe(os.Args[1:]))
	}
	set, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	exit(2, err)
	if set.list {
		exit(2, list(set))
		return
	}
	exit(2, seclude())
	rep, err := conduct(set)
	exit(2, err)
	exit(2, rep.publish(set))
	if rep.bad(set.known) > 0 {
		os.Exit(1)
	}
}

// exit ends the program if there is an error.
func exit(code int, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(code)
	}
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(0)
	}
}

func parseFlags(args []string) (set settings, err error) {
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.Func("bwrap", "the `PROGRAM` in question (/usr/bin/bwrap); repeated: one after the other", func(text string) error {
		set.programs = append(set.programs, text)
		return nil
	})
	modeText := f.String("mode", "all", "user, setuid, root, several with commas, or all")
	f.StringVar(&set.setuidArgs, "setuid-args", "auto", "`OPTIONS` that make the set-user-id copy use its mode; auto: --mode setuid if it has that option")
	known := f.String("known", "", "`IDS` of holes that count as known, with commas: they make no failure")
	pattern := f.String("run", "", "only cases whose group/name matches this `REGEXP`")
	f.IntVar(&set.workers, "j", 2, "cases at a time")
	f.DurationVar(&set.patience, "timeout", patience, "for each case")
	f.BoolVar(&set.tap, "tap", false, "print TAP in place of the table")
	f.StringVar(&set.junit, "junit", "", "write JUnit XML to `FILE`")
	f.StringVar(&set.md, "md", "", "put the results into `FILE`, Markdown, between its two marks")
	f.BoolVar(&set.verbose, "v", false, "say why, and how long, case by case")
	f.BoolVar(&set.list, "list", false, "list the cases and run none")
	if err := f.Parse(args); err != nil {
		return set, err
	}
	if f.NArg() > 0 {
		return set, fmt.Errorf("what is %q?", f.Arg(0))
	}
	if set.programs == nil {
		set.programs = []string{"/usr/bin/bwrap"}
	}
	set.known = strings.FieldsFunc(*known, func(r rune) bool { return r == ',' })
	set.workers = max(set.workers, 1)
	if set.run, err = regexp.Compile(*pattern); err != nil {
		return set, err
	}
	set.modes, err = parseModes(*modeText)
	return set, err
}

// list prints what there is.
func list(set settings) error {
	groups, err := chosen(set)
	if err != nil {
		return err
	}
	for _, g := range groups {
		fmt.Printf("%s: %s\n", g.name, g.title)
		for _, c := range g.cases {
			fmt.Printf("  %s/%s %s\n", g.name, c.name, strings.Trim(fmt.Sprint(c.modes), "[]"))
		}
	}
	return nil
}

// chosen returns the groups with those cases that are to run.
func chosen(set settings) ([]group, error) {
	all, err := catalogue()
	if err != nil {
		return nil, err
	}
	return choose(all, set.run)
}

func choose(all []group, pattern *regexp.Regexp) (some []group, err error) {
	for _, g := range all {
		var cases []*testCase
		for _, c := range g.cases {
			if pattern.MatchString(g.name + "/" + c.name) {
				cases = append(cases, c)
			}
		}
		if g.cases = cases; cases != nil {
			some = append(some, g)
		}
	}
	if some == nil {
		return nil, fmt.Errorf("no case matches %s", pattern)
	}
	return some, nil
}
