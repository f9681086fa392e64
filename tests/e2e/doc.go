// Package e2e holds tests of the launcher as a whole: attacks on it, faults at every
// system call of its set-up, what a payload inherits, how everything ends.
//
// The tests build the launcher and four small C programs (see testdata) and run as root,
// since they start launchers as root, as an ordinary user, and as the same user through
// a copy that is installed setuid root. That copy lies in the suite's temporary
// directory (TMPDIR, which must not be mounted nosuid) and goes with it. The tests need
// gcc with a static C library, bubblewrap as a control, and util-linux.
//
// GOBWRAP_TEST_ENGINE=new, classic or refused restricts the tests of the file tree to
// one mount engine; GOBWRAP_TEST_MODE=root, user or setuid restricts tests that run in
// several modes to one; by default they run in all. GOBWRAP_TEST_PROGRAM names a
// launcher, with its symbols, to test in place of the one that is built.
package e2e
