// Package profile turns seccomp profiles, as container engines write them, into filters.
//
// A profile is JSON: the "seccomp" object of the OCI runtime specification
// (config-linux.md, "Seccomp"), with what Docker added (archMap; names with conditions:
// includes and excludes by capabilities, architectures and kernel; a comment; name in
// place of names) and what podman added (errno, defaultErrno by name).
//
//	bytes ──Parse──▶ Profile ──Compile(Target)──▶ BPF
//	                    └─────Notes(Target)─────▶ what was left out, in words
//
// [Parse] takes what is valid anywhere. A [Target] settles the conditions: for whom, and
// where. Compile hands the rules that remain to libseccomp as runc does, so that a
// profile means what it means there:
//
//   - a name that libseccomp does not know is left out;
//   - so is a rule whose action is the default one;
//   - of two rules without arguments for one call the first counts, and such a rule
//     counts for the call whatever rules with arguments there are;
//   - conditions on different arguments must all hold; where two are on the same
//     argument, each becomes a rule of its own: any of them may hold.
//
// What differs: a call through an entry point that the profile does not list ends the
// process, not the thread; and numbers that no 64-bit call of x86 ever had are refused,
// see guard.
//
// This package needs cgo. The launcher must not contain it. A program that does, by
//
//	import _ "github.com/gobwrap/gobwrap/seccomp/profile"
//
// needs no gobwrap-seccomp for the profiles in its Specs (sandbox.Filter).
package profile
