// Package bpf reads filters for people and for tests: an interpreter says what a filter
// answers to a call, a disassembler what it consists of. The launcher does without.
package bpf
