package pid1

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: init.

import "golang.org/x/sys/unix"

// used is what the payload has used, and the children that it has waited for.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var used unix.Rusage
