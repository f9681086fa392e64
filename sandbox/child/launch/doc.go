// Package launch is what the processes of a launch share: the state of a process that carries out a
// plan, the facts that all of them know, the feed between the monitor and the others, and how a plan
// and messages are laid out on their way.
//
// A process that is cloned has a copy of all of it. So a process writes a field before the
// clone, or for itself alone; state of a single process belongs to that process's package.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package launch
