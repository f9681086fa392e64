// Package link is how a launch speaks to the acting side (package child): it hands the plan over, hears
// messages, and answers. There are two ends that can do so. In an embedding program it is a socket to
// the launcher that it has started ([Host]); in the launcher's own front end it is the process itself,
// whose parent is the monitor ([Own]). A launch takes either:
//
//	front end, or host        monitor               first process, init, payload
//	plan ───────────────────▶ verify, clone ──────▶ steps up to OpGo
//	◀──────────────────────── Started{pid}
//	◀────────────────────────────────────────────── Maps, where there are ranges
//	newuidmap, newgidmap
//	one byte ─────────────────────────────────────▶
//	◀────────────────────────────────────────────── Ready{namespaces}
//	write info documents
//	one byte ─────────────────────────────────────▶ the other steps
//	◀────────────────────────────────────────────── Fault, Warn
//	◀────────────────────────────────────────────── Exec, where an option needs it
//	◀─ end: every copy of the socket is closed ──── exec, or exit
//
// A tentative plan that fails before OpGo leaves the monitor waiting for another one, when
// nothing of it is left:
//
//	◀──────────────────────── Over
package link

import "github.com/gobwrap/gobwrap/internal/plan"

// Link connects a launch with the acting side, and with the descriptors that options name.
type Link interface {
	Hand(p *plan.Program, keeper bool) bool // the plan goes first
	Send(b []byte) bool
	KnowSenders() // receive says whose a message is, from here on
	Receive(patient bool) (m plan.Message, sender int, ok bool)
	Certain() bool             // the acting side tells when the command is about to run
	Write(fd int, text string) // to a descriptor of an option
	Done(fd int)               // nothing more is written to it
	Tools() ([]string, error)  // the environment of programs that may be run now, and inherit nothing of the caller's
}
