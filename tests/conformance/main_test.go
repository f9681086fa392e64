package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// asProgram makes the test binary the program.
const asProgram = "CONFORMANCE_TEST_AS_PROGRAM"

// The test binary is a worker and the helper as the program itself is, and secludes
// itself in the same way.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		exit(1, work(os.Stdin, os.Stdout))
	}
	if strings.HasSuffix(os.Args[0], "probe") {
		os.Exit(probe(os.Args[1:]))
	}
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	harness.Enter()
	exit(2, os.Setenv(inside, "1"))
	if os.Getenv(newer) == "" {
		exit(2, harness.LeaveOut("^TestNewerReference$"))
	}
	os.Exit(m.Run())
}

const (
	reference = "/usr/bin/bwrap"
	subject   = "../../bin/gobwrap"
)

// testStage is a stage for a test's own runs.
func testStage(t *testing.T) *stage {
	t.Helper()
	heedIgnored()
	s, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	return s
}

// trialOf runs a text of cases with one program.
func trialOf(t *testing.T, program, text string, modes ...mode) (*report, *trial) {
	t.Helper()
	return trialWithin(t, harness.Patience, program, text, modes...)
}

// trialWithin does so with a time-out of its own for each case.
func trialWithin(t *testing.T, within time.Duration, program, text string, modes ...mode) (*report, *trial) {
	t.Helper()
	g, err := parseGroup("more.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set := settings{programs: []string{program}, modes: modes, setuidArgs: "auto", workers: 2, patience: within}
	rep, err := testStage(t).perform(set, []group{g}, []string{text})
	if err != nil {
		t.Fatal(err)
	}
	return rep, rep.programs[0]
}

// fake makes a launcher of a shell script. It answers --help and --version as the
// reference does; what is to be wrong comes after that.
func fake(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bwrap")
	text := "#!/bin/sh\ncase $1 in --help | --version) exec " + reference + " \"$1\" ;; esac\n" + script + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
