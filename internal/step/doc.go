// Package step is what a process that carries out a plan knows about itself, and how it
// reports what failed.
//
// Such a process has no Go runtime. What it knows is a [State]: where it reports, where the
// host's /proc is, where the broker of the setuid mode is asked. There is one in each process, since a
// process that is cloned has a copy of its parent's.
//
// A function that does something returns a [Fault]: the error, and which part of the step it
// concerns. It ends nothing and prints nothing. The function that walks the plan ends the
// process with the first fault ([State.End]); messages are formatted where there is a runtime.
//
// The laws of this code are in the documentation of package child.
package step
