// Command bench starts sandboxes with bubblewrap and with gobwrap, side by side in
// one run, and prints what they cost.
//
//	make bench                    # as the calling user
//	make bench BENCH='-n 100 -users 12345,0'
//	make bench BENCH='-only full -also ""'
//	make bench-table              # with more runs, put into README.md and docs/speed.md
//
// There are two references: the installed bubblewrap, and a static one, which
// scripts/reference-setup.sh fetches. If it cannot, the static one's cells say so.
//
// The programs take turns, in alternating order, after a warm-up; what is printed are
// medians. A time is the whole life of a launch, from the fork to the answer of wait, with
// a payload that ends at once. Counts are system calls, page faults, context switches and
// processes of a launch.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// settings are what the flags say.
type settings struct {
	runs      int
	users     []int
	subject   string
	reference string
	also      string
	readme    string
	page      string
	only      string
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
	flag.StringVar(&s.also, "also", "static", "another bwrap to compare with: its path, what scripts/reference-setup.sh fetches by this name, or empty for none")
	flag.StringVar(&s.readme, "readme", "", "put a brief table between the markers of this file")
	flag.StringVar(&s.page, "page", "", "put the tables between the markers of this file")
	flag.StringVar(&s.only, "only", "", "only the works whose name contains this")
	flag.Parse()
	if flag.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if s.runs < 1 {
		return s, errors.New("-n must be at least 1")
	}
	for word := range strings.SplitSeq(*users, ",") {
		uid, err := strconv.Atoi(word)
		if err != nil || uid < 0 {
			return s, fmt.Errorf("-users: invalid value %q (want numbers)", word)
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
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-ended
		b.close()
		os.Exit(1)
	}()
	for i, uid := range s.users {
		if err := b.measureAll(uid, i == 0); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr)
	fmt.Print(b.plain())
	return errors.Join(insert(s.readme, b.brief()), insert(s.page, b.markdown()))
}
