// Package seccomp runs what cmd/gobwrap-seccomp and --seccomp-profile make on a real
// kernel: the calls of seccomp/profile/testdata/answers, by a program that comes in by
// every entry point (testdata/calls.c); programs of everyday use under the published
// profiles; the built-in profiles with the options; and compilers that misbehave.
//
// Tests whose name begins with TestControl show that what is refused would work
// otherwise. The tests need root, since launchers are started as root and as an ordinary
// user, and a set-user-id copy is made. With the build tag vm the calls are also made on a
// kernel that has the x32 entry point, in a machine of package vm.
package seccomp
