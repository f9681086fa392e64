// Package profile turns seccomp profiles, as container engines write them, into filters.
//
// A profile is JSON: the "seccomp" object of the OCI runtime specification
// (config-linux.md, "Seccomp"), with what Docker added (archMap; names with conditions:
// includes and excludes by capabilities, architectures and kernel; a comment; name in
// place of names) and what podman added (errno, defaultErrno by name).
//
//	bytes ──Parse──▶ Profile ──Compile(Target)──▶ BPF
//	                    └─────Notes(Target)─────▶ what was left out, as text
//
// [Parse] accepts what is valid on any machine. A [Target] decides the conditions: capabilities,
// architecture, kernel. Compile passes the remaining rules to libseccomp as runc does, so a profile
// means the same as there:
//
//   - a name that libseccomp does not know is left out;
//   - so is a rule whose action is the default one;
//   - of two rules without arguments for one call the first counts, and it overrides all rules
//     with arguments for that call;
//   - conditions on different arguments must all hold; where two are on the same
//     argument, each becomes a rule of its own: any of them may hold.
//
// What differs: a call through an entry point that the profile does not list ends the
// process, not the thread; and numbers that no 64-bit call of x86 ever had are refused,
// see guard.
//
// This package needs cgo, so the launcher must not contain it. A program that does, by
//
//	import _ "github.com/gobwrap/gobwrap/seccomp/profile"
//
// needs no gobwrap-seccomp for the profiles in its Specs (sandbox.Filter).
package profile
