package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"github.com/gobwrap/gobwrap/sandbox/internal/maps"
	"github.com/gobwrap/gobwrap/sandbox/internal/report"
)

// launch hands the program to the acting side (see package child) and stays until
// the payload runs or set-up has failed; the documentation of package link has the conversation. The
// front end may then end: the monitor waits for the payload and passes its status on.
//
// warn is called for each failure that --not-a-security-boundary lets pass.
func launch(to link.Link, s *wanted, h *facts, p *plan.Program, keeper bool, warn func(error)) error {
	sent := to.Hand(p, keeper) // if not, a word may still say why
	r := &s.Report
	patient := s.Session.BlockFD.Given() || r.UserBlockFD.Given()
	if r.JSONStatusFD.Given() {
		to.KnowSenders()
	}
	var ready, ranges *plan.Message // in any order with the pid of the first process, which both need
	pid := 0
	command, reached := 0, !to.Certain() && !r.wantsEnd() && !h.Filtered
	var fault error // of a tentative plan; more is to come
	for {
		m, sender, ok := to.Receive(patient)
		if !ok && fault != nil {
			return fault
		}
		if !ok && (!sent || !reached) {
			return killedUnder(h)
		}
		if !ok {
			r.documents(to).Complete(command)
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
			ranges = &m
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
		if pid == 0 || ready == nil && ranges == nil {
			continue
		}
		if ranges != nil {
			if err := writeMaps(to, p, ranges.Step, pid); err != nil {
				return err
			}
		} else {
			r.documents(to).Tell(pid, ready, p.Header().Clone, keeper)
		}
		ready, ranges = nil, nil
		if !to.Send([]byte{1}) {
			return killedUnder(h)
		}
	}
}

// writeMaps writes the maps for which the first process, pid, waits at a step.
func writeMaps(to link.Link, p *plan.Program, step uint32, pid int) error {
	env, err := to.Tools()
	if err != nil {
		return &SetupError{Stage: plan.OpIDMap.String(), Err: err}
	}
	return setupError(maps.Write(p, step, pid, env))
}

// killedUnder is ErrKilled, with what may have been the reason.
func killedUnder(h *facts) error {
	if !h.Filtered || !h.Embedded && link.MonitorEnds() {
		return ErrKilled
	}
	return &SetupError{
		Stage: "launch", Err: ErrKilled,
		Hint: "this process runs under a seccomp filter that kills; the filter must permit what the set-up needs",
	}
}

// wantsEnd reports whether the options need the difference between a command that ran and a
// set-up that was killed.
func (r *Report) wantsEnd() bool { return r.JSONStatusFD.Given() || r.FailStatus != 0 }

// documents returns where the documents about a launch go.
func (r *Report) documents(to link.Link) report.Documents {
	return report.Documents{To: to, Info: r.InfoFD.N(), Status: r.JSONStatusFD.N()}
}

// failed writes why the command does not run. Any error will do; one of a launch says
// more.
func (r *Report) failed(to link.Link, err error) {
	e := &SetupError{Stage: "options", Err: err}
	errors.As(err, &e)
	r.documents(to).Failed(report.Failure{
		Stage: e.Stage, Field: e.Field, Path: e.Path, Errno: int(fault.ErrnoOf(e)), Message: e.Error(), Hint: e.Hint,
	})
}
