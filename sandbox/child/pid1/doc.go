// Package pid1 is init: the payload's parent inside of the sandbox, which is PID 1 where there is a
// PID namespace. It forks the payload, keeps it from starting until it has nothing left that the
// payload could take, holds locks and sync descriptors, and reaps what is left to it.
//
// A payload that takes over init gets its descriptors: the feed, the sync descriptors and the locks. So
// init closes all others, gives up its capabilities, and installs the payload's filters in itself,
// before the payload starts.
//
// sandbox/child/doc.go draws the processes, and has the laws of code without a runtime.
package pid1
