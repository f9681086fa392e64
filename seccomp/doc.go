// Package seccomp knows about filters: classic BPF as seccomp(2) takes it.
//
// It is a leaf: it judges bytes and touches nothing. Installing is the child's part,
// the last thing before the command.
package seccomp
