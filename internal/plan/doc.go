// Package plan is the contract between the code that makes a plan and the code that executes
// it: one flat byte slice that says everything a launch will do.
//
// Package compile makes the plan, in the launcher or in a Go program. The packages below sandbox/child,
// which run without the Go runtime, execute it step by step. A plan that comes through a socket, from a
// front end, an embedding program or to the keeper, is checked first with [Verify]; one that the
// launcher has made for itself is not. --dry-run prints the plan as text ([Program.Dump]), and the
// fuzz tests corrupt its bytes.
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
//	[Setup, N)     in the process that becomes the payload, with these exceptions: init, where
//	               there is one, takes the locks (OpLock) and installs the filters (OpSeccomp)
//	               in itself too; OpTimeout and OpCgroup are for the monitor
//
// Version rule: maker and executor of a plan are one binary, or a program and the gobwrap that
// it found (package sandbox). So the layout may change with any commit. [Magic] must change when
// the header, the number of an operation, the meaning of an operand or flag, or a message changes,
// so that programs of different versions refuse each other's plans.
package plan
