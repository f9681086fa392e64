// Package compat holds the compatibility suite: the same command lines are
// given to the reference (an installed bwrap) and to gobwrap, and what can be
// observed of the two must agree. It has tests only.
//
// The cases are in testdata/*.cases, in a format that case_test.go describes;
// what does not fit a table (lifetimes, signals, terminals) is Go code. Deliberate differences are listed in
// differences.md, with the releases of the reference that each shows with; a listed
// difference that no longer shows is a failure.
//
//	go test ./tests/compat                     # bin/gobwrap against /usr/bin/bwrap
//	BWRAP_UNDER_TEST=/x/bwrap go test …         # another subject
//	BWRAP_REFERENCE=/x/bwrap go test …          # another reference (scripts/reference-setup.sh)
//	go test ./tests/compat -run Cases/files     # one file of cases
//	GOBWRAP_TEST_MODE=setuid go test …          # both installed setuid root (mode_test.go)
//	GOBWRAP_TEST_ENGINE=classic go test …       # without the newer mount calls; with a mode too
package compat
