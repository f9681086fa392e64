package sandbox

import (
	"github.com/gobwrap/gobwrap/internal/plan"
)

// link connects a launch with the acting side, and with the descriptors that options name.
type link interface {
	hand(p *plan.Program, keeper bool) bool // the plan goes first
	send(b []byte) bool
	knowSenders() // receive says whose a message is, from here on
	receive(patient bool) (m plan.Message, sender int, ok bool)
	certain() bool             // the acting side tells when the command is about to run
	write(fd int, text string) // to a descriptor of an option
	done(fd int)               // nothing more is written to it
	tools() ([]string, error)  // the environment of programs that may be run now, and inherit nothing of the caller's
}

// launch hands the program to the acting side (see package child) and stays until
// the payload runs or set-up has failed. The front end may then end: the monitor
// waits for the payload and passes its status on.
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
//
// warn is called for each failure that --not-a-security-boundary lets pass.
func launch(to link, s *wanted, h *facts, p *plan.Program, keeper bool, warn func(error)) error {
	sent := to.hand(p, keeper) // if not, a word may still say why
	r := &s.Report
	patient := s.Session.BlockFD.Given() || r.UserBlockFD.Given()
	if r.JSONStatusFD.Given() {
		to.knowSenders()
	}
	var ready, maps *plan.Message // in any order with the pid of the first process, which both need
	pid := 0
	command, reached := 0, !to.certain() && !r.wantsEnd() && !h.Filtered
	var fault error // of a tentative plan; more is to come
	for {
		m, sender, ok := to.receive(patient)
		if !ok && fault != nil {
			return fault
		}
		if !ok && (!sent || !reached) {
			return killedUnder(h)
		}
		if !ok {
			r.complete(to, command)
			return nil
		}
		switch m.Kind {
		case plan.MsgExec:
			command, reached = sender, true
		case plan.MsgStarted:
			pid = int(m.Extra)
		case plan.MsgReady:
			ready = &m
		case plan.MsgMaps:
			maps = &m
		case plan.MsgWarn:
			warn(explain(p, m))
		case plan.MsgFault:
			if fault = explain(p, m); p.Flags&plan.FlagTentative == 0 {
				return fault
			}
		case plan.MsgOver:
			if fault == nil {
				fault = killed(m.Extra)
			}
			return fault
		case plan.MsgLeave:
			return nil
		}
		if pid == 0 || ready == nil && maps == nil {
			continue
		}
		if maps != nil {
			if err := mapFor(to, p, maps.Step, pid); err != nil {
				return err
			}
		} else {
			r.tell(to, pid, ready, p.Header().Clone, keeper)
		}
		ready, maps = nil, nil
		if !to.send([]byte{1}) {
			return killedUnder(h)
		}
	}
}

// killedUnder is ErrKilled, with what may have been the reason.
func killedUnder(h *facts) error {
	if !h.Filtered || !h.Hosted && monitorEnds() {
		return ErrKilled
	}
	return &SetupError{
		Stage: "launch", Err: ErrKilled,
		Hint: "this process runs under a seccomp filter that kills; the filter must permit what the set-up needs",
	}
}
