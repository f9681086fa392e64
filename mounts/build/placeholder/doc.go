// Package placeholder keeps files on the host that stand for missing paths, so that a sandbox's payload
// cannot make the file there. It makes and locks them in the first process, has init hold the locks,
// and removes them in the monitor; it mounts nothing.
//
// This is the only code of set-up that leaves something on the host, if only for a while, and the only
// code that removes a file by its name. Every rule in it answers a race: with another sandbox that
// protects the same path, with a user's program that makes the file just then, with a kill in between.
//
// The laws of this code are in the documentation of package child.
package placeholder
