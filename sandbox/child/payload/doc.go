// Package payload is the payload's process from the end of set-up to its exec: the last steps of a
// plan, which take no privilege, and in the end the diagnosis of why a payload cannot be executed.
//
// Nothing but the exec may follow the payload's first seccomp filter, which may be an allow-list:
// what else is left to do comes before it (settleForExec).
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package payload
