// Package setting is about what the payload's process sets for itself with system calls that
// work without privilege, such as --rlimit and --nice. (A niceness below the caller's needs CAP_SYS_NICE
// or RLIMIT_NICE.) A setting is a kind, and the operand of its option; in a plan it is the kind and
// a few numbers. The parser, the compiler, the plan, the messages and
// the policy of setuid mode pass it on and do not know the kinds.
//
// A kind is all that kinds_unsafe.go says of it: its row, how its operand is read, which earlier
// setting it replaces, and the call. Code that may check bounds or need the runtime, and that no new kind has
// to change, lies in the other files. docs/ARCHITECTURE.md lists what else an option needs.
//
// Score, for --oom-score-adj, is an exception: the first process writes it, by a step of its own (OpScore), so
// that init has it too.
//
// Settings are made (OpSet) before settleForExec in package payload, which sets the umask, the
// process group, the death signal, and SIGCHLD in the signal mask. A setting that concerns one of
// these must change settleForExec too, or it is undone.
package setting
