// Package args is the command line's way into a launch: it finds the words that the kernel has laid
// on the stack, parses them (package cmdline), and makes a plan of them (package compile).
//
// It runs in the launcher, as the caller, while there is no other process, so it may check bounds:
// a check that fails ends the launcher. It opens no file that an option names, starts nothing, and
// writes nothing but its own memory, except for the answer to --version. Where it reports that the
// command line takes a Go runtime, nothing has been changed except for what it has read from
// descriptors, which the front end finds with Words.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package args
