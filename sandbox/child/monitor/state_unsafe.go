package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// State is what the monitor knows. The launcher writes it, and what it has cloned closes the
// descriptors (closeMonitorEnds).
//
//nolint:gochecknoglobals // static memory of code without a runtime
var State struct {
	unbound bool    // no policy.conf binds the caller; see policy_unsafe.go
	Inbox   uintptr // where it receives messages if there is no front end; 0: closed
	First   uintptr // the pid of the sandbox's first process; 0: none
	cgroup  uintptr // the directory of the cgroup in which that was made; 0: none

	placeholders uint32 // how many placeholders there are; see placeholders_unsafe.go

	// Setuid mode; see package suid.
	Keeper       uintptr // the keeper's pid; 0: none
	KeeperSock   uintptr // the monitor's end of its socket
	endingKeeper uintptr // the pid of a keeper that ends
	ViaKeeper    bool    // the plan is for the keeper

	KeeperStatus uint32 // the keeper's wait status

	stopsWithPayload bool // see stops_unsafe.go

	// Plan mode; see embedded_unsafe.go.
	Lifeline     uintptr // the monitor's end of the socket to the embedding program; 0: none
	lifelineSaid byte    // the first byte that has come through it

	// Documents of a launch without a front end go there; see report_unsafe.go.
	Info, Status flat.FD
}

// Outcome is what became of set-up in a launch without a front end. A process that becomes a Go
// program finds it here.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var Outcome struct {
	Result  uint32                       // PayloadRuns …
	Message [plan.MessageSize / 4]uint32 // what was said of it
}
