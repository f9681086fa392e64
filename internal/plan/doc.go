// Package plan is the contract between the code that makes a plan and the code that executes
// it: one flat byte slice that says everything a launch will do.
//
// The thinking side (package sandbox, in the front end) appends steps with a [Builder]. The
// acting side (package child, which runs without the Go runtime) receives the bytes, checks
// them with [Verify], and executes them step by step. The same bytes are printed by --dry-run
// and fuzzed.
//
//	┌────────┬─────────────┬──────────────────────┬───────────────────────────┐
//	│ Header │ Step × N    │ slots: uint64 × M    │ arena: NUL-ended strings, │
//	│        │ 32 bytes ea │ argv env paths fds   │ filters; byte 0 is NUL    │
//	└────────┴─────────────┴──────────────────────┴───────────────────────────┘
//
// There are offsets and no pointers, so the bytes mean the same wherever they
// lie. Steps have one size, so that step n is found without reading n-1 others
// and a fault can name its step by number. Strings are NUL-ended because the
// kernel wants them so; arena offset 0 is the empty string and stands for "none".
//
// The steps fall in three runs, each executed by another process:
//
//	[0, Join)      in a process that enters given namespaces before it clones
//	[Join, Setup)  in the sandbox's first process: namespaces, the new root, ids
//	[Setup, N)     in the process that becomes the payload; init, where there is one,
//	               takes the locks and the filters of these for itself
//
// Imports: std, and golang.org/x/sys/unix for constants. The leaves (mounts, idmap,
// seccomp) import this package while package sandbox, which lies above them, is this
// package's parent folder: legal in Go, and named here because it surprises readers.
//
// Version rule: both sides are one binary, or a program and the gobwrap that it found
// (package sandbox), so the layout may change with any commit; [Magic] changes with it, so
// that a mix is refused.
package plan
