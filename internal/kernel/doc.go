// Package kernel asks the running kernel what it can do, without starting a sandbox.
//
// A [Feature] is a value: its name, the release that brought it, and the system calls that
// show whether it is there. The answers to --features and to --doctor come from it.
//
// A seccomp filter may answer a call by killing the process that makes it, and the process
// that asks must outlive its question. So under a filter each call is first made by a child
// ([Call.Deadly]).
//
// Processes without a Go runtime ask on their own (package child): each of their mount
// engines is chosen in the process that is about to mount.
package kernel
