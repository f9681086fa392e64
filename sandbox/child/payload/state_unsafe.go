package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process; the first process (bounded) and init (movedDir).

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// state is the state of the payload's process.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var state struct {
	movedDir bool     // an OpChdir has been done
	bounded  bool     // the bounding set has been cut
	settled  bool     // see settleForExec
	missing  plan.Sub // what diagnose has found
}

// examined is a file that diagnose looks at.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var examined struct {
	path [2 * unix.PathMax]byte
	head [2 * headSize]byte // its beginning
}
