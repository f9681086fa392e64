package main

import (
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// options is what a command line came to.
type options struct {
	spec        sandbox.Spec
	levelPrefix bool
	dryRun      bool
	explain     bool
	warnings    []string
}

// likeBubblewrap is what a command line without options stands for: every namespace but
// that of mounts is shared, the session too, and root keeps its capabilities.
func likeBubblewrap() sandbox.Spec {
	const share = sandbox.Share
	return sandbox.Spec{
		Namespaces: sandbox.Namespaces{User: share, IPC: share, PID: share, Net: share, UTS: share, Cgroup: share},
		Identity:   sandbox.Identity{KeepCaps: true},
		Session:    sandbox.Session{New: share},
	}
}

// parser goes through the words of a command line.
type parser struct {
	opts options

	words  []string // what is still to be read
	inFile bool     // the words came from --args

	opt  *option  // the option at work,
	args []string // and its operands

	perms  mounts.Perms // --perms and --size: for the next operation only
	size   uint64
	layers []string // --overlay-src, lowest first

	given map[string]bool // scalar options seen
	data  map[int]string  // descriptors that hold data, and who reads them
	usesN map[int]bool    // descriptors named by any option
}
