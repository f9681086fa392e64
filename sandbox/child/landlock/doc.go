// Package landlock makes the Landlock domain of a payload (landlock(7)): scopes, which keep it from
// signalling processes or reaching sockets outside, and in setuid mode a domain that keeps it from
// tracing them.
//
// It restricts the process that calls it, and whatever that starts. It opens paths of the plan, to
// permit them, and writes nothing.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package landlock
