// Package e2e holds tests of the launcher as a whole: attacks on it, faults at every
// system call of its set-up, what a payload inherits, how everything ends.
//
// The tests build the launcher and three small C programs (see testdata) and run as
// root, since they start launchers as root and as an ordinary user. They need gcc with
// a static C library, bubblewrap as a control, and util-linux.
//
// GOBWRAP_TEST_ENGINE=new, classic or refused restricts the tests of the file tree to
// one mount engine; by default they run in all. GOBWRAP_TEST_PROGRAM names a launcher,
// with its symbols, to test in place of the one that is built.
package e2e
