// Package first is the first process of a sandbox: a clone of the launcher in the new namespaces,
// which walks the plan up to the split of an init (package pid1), and is then the payload's process
// (package payload).
//
// It has the capabilities that its user namespace, or root, gives it, and in setuid mode none: then
// it asks the broker. It may change everything in its namespaces, and nothing outside of them but
// placeholders and, until the root is left, what bind mounts lead to. It never returns to its
// caller: it executes the payload, or ends.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package first
