// Command bench starts sandboxes with bubblewrap and with gobwrap, side by side in
// one run, and prints what they cost.
//
//	make bench                    # both as the calling user
//	make bench BENCH='-n 100 -users 0,12345'
//	make bench-table              # the same, put into README.md
//
// The two (or more) programs take turns, in alternating order, after a warm-up; what
// is printed are medians. A time is the whole life of a launch, from the fork to the
// answer of wait, with a payload that ends at once.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// settings are what the flags say.
type settings struct {
	runs      int
	users     []int
	subject   string
	reference string
	third     string
	readme    string
	only      string
	mode      string
}

func main() {
	s, err := readFlags()
	if err == nil {
		err = run(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func readFlags() (settings, error) {
	var s settings
	flag.IntVar(&s.runs, "n", 50, "runs of a light command line; heavy ones get fewer")
	users := flag.String("users", strconv.Itoa(os.Getuid()), "uids to start the launchers as, separated by commas; only root can change")
	flag.StringVar(&s.subject, "subject", "bin/gobwrap", "the program under test")
	flag.StringVar(&s.reference, "reference", "/usr/bin/bwrap", "the program to compare with")
	flag.StringVar(&s.third, "also", "", "another bwrap, for instance a static build, as a further column")
	flag.StringVar(&s.readme, "readme", "", "put the table between the markers of this file")
	flag.StringVar(&s.only, "only", "", "only the works whose name contains this")
	flag.StringVar(&s.mode, "mode", "", "auto or setuid: make both programs setuid root for the run, and start the subject in this mode")
	flag.Parse()
	if flag.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if s.runs < 1 {
		return s, errors.New("-n must be at least 1")
	}
	if s.mode != "" && os.Getuid() != 0 {
		return s, errors.New("-mode: only root can make a program setuid root")
	}
	for word := range strings.SplitSeq(*users, ",") {
		uid, err := strconv.Atoi(word)
		if err != nil || uid < 0 {
			return s, fmt.Errorf("-users: %q is no uid", word)
		}
		if uid != os.Getuid() && os.Getuid() != 0 {
			return s, fmt.Errorf("-users: only root can start launchers as %d", uid)
		}
		s.users = append(s.users, uid)
	}
	return s, nil
}

func run(s settings) error {
	debug.SetGCPercent(-1) // no collection inside a measurement; the program is short
	b, err := newBench(s)
	if err != nil {
		return err
	}
	defer b.close()
	for i, uid := range s.users {
		if err := b.measureAll(uid, i == 0); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr)
	fmt.Print(b.plain())
	if s.readme == "" {
		return nil
	}
	return insert(s.readme, b.markdown())
}
