package child

// This file is for the front end: it runs with the runtime, above the line.

import "syscall"

// Entered tells whether the program came in through entry. A binary linked without
// -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry did not.
func Entered() bool { return room.entered != 0 }

// Secure tells whether the binary was set-id or had file capabilities. Whatever it
// had is gone: enter dropped it before the runtime started.
func Secure() bool { return room.secure != 0 }

// WasOpen tells whether the caller left fd 0, 1 or 2 open; the runtime opens
// /dev/null on those that were closed.
func WasOpen(fd int) bool { return room.stdio>>uint(fd)&1 != 0 }

// Sock is the front end's end of the socket to the acting side. An option that
// names this number means a descriptor that the caller did not open.
func Sock() int { return int(room.sock) }

// Keep the compiler from finding entry unused: the linker is told of it by name.
var _ = syscall.Stdin
