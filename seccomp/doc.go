// Package seccomp knows about filters: classic BPF as seccomp(2) takes it.
//
// It is a leaf: it judges bytes and touches nothing. Installing is the child's part,
// the last thing before the command.
//
//	seccomp           what the launcher needs: [Check], and the built-in profiles
//	seccomp/bpf       for people and tests: a disassembler and an interpreter
//	seccomp/profile   from OCI, Docker and podman profiles to BPF; with cgo, by libseccomp
//
// The launcher contains the first only. The last runs in a program of its own,
// cmd/gobwrap-seccomp.
package seccomp
