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
	// Hand gives the plan to the monitor, and comes first. keeper says that the plan is for the keeper of setuid mode.
	// It returns false if the plan could not be written; a message may still say why.
	Hand(p *plan.Program, keeper bool) bool
	// Send answers the acting side. It returns false if nobody is there to read it.
	Send(b []byte) bool
	// KnowSenders makes Receive return whose a message is, from here on (SO_PASSCRED, unix(7)).
	KnowSenders()
	// Receive waits for the next message. sender is a pid in this process's PID namespace, 0 before
	// KnowSenders. patient says that another process decides how long it takes. ok is false at the end of the
	// conversation: the payload runs, or all processes have gone.
	Receive(patient bool) (m plan.Message, sender int, ok bool)
	// Certain reports whether the acting side always says when the command is about to run (plan.MsgExec).
	// Otherwise the end of the conversation may have to do.
	Certain() bool
	// Write writes to a descriptor of an option, by the number that the caller knows it by. Errors are not
	// reported: a reader that went away must not end the command.
	Write(fd int, text string)
	// Done says that nothing more is written to a descriptor, whose reader is to see the end.
	Done(fd int)
	// Tools returns the environment of programs that may be run now, and makes sure that these inherit nothing of the caller's.
	Tools() ([]string, error)
}
