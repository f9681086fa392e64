// Package cmdline reads bubblewrap's command line and gobwrap's additions to it: words in,
// a flat description of a sandbox out.
//
// [Options] is the table of the options; the parser, the help text, the manual and the
// completions are made from it. [Parser] needs no Go runtime, so that the launcher can
// parse before, and instead of, the runtime's start. It makes no system call either: where
// it must know whether a descriptor is open, or what can be read from one, it stops, says
// so, and goes on when it has been told.
//
// A mistake is a [Fault], in numbers. Its text is made by cmd/gobwrap.
package cmdline
