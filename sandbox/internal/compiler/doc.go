// Package compiler turns the name of a seccomp profile, or its file, into a filter: a built-in one, or
// what gobwrap-seccomp makes of the file, or package seccomp/profile where this program contains it.
// The compiler has libseccomp in it, and so C, which neither an embedding program nor the launcher
// should have to link; so it is a program of its own.
package compiler
