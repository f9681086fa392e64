// Package setting is about what the payload's process sets for itself with one system call that
// works without privilege: --rlimit and --nice. (A niceness below the caller's needs CAP_SYS_NICE
// or RLIMIT_NICE.) A setting is a kind and five numbers; the options' table, the compiler, the plan
// and the policy of setuid mode pass it on and do not interpret it. Score, for --oom-score-adj, is
// an exception: the first process writes it, by a step of its own (OpScore).
//
// A new setting is a Kind, a case in [Parse] and [Text], and one in [Values.Set], which carries it
// out. docs/ARCHITECTURE.md lists what else an option needs.
//
// Settings are made (OpSet) before settleForExec in package payload, which sets the umask, the
// process group, the death signal, and SIGCHLD in the signal mask. A setting that concerns one of
// these must change settleForExec too, or it is undone.
package setting
