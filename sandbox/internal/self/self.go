// Package self lets an embedding program start itself as a sandbox's monitor. It imports
// nothing, so that the linker has it initialised before package syscall, os and whatever else
// acts when it is initialised. In a start like any other this costs one system call.
package self

// Linked keeps the package in a program.
const Linked = true

// init runs before other packages act: see the package comment.
func init() { check() }

// check hands control to package child permanently, if this program was started as a launcher.
func check()
