package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import "github.com/gobwrap/gobwrap/suid/keeper"

// fromKeeper is what the keeper has told the first process of the setuid mode.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var fromKeeper keeper.First
