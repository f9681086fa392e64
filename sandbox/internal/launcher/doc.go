// Package launcher finds the program that makes a sandbox for an embedding program, which the
// documentation of package sandbox lists: one that is named, the gobwrap that is installed, or this
// program itself. It starts nothing.
package launcher
