package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor of a launch that has a front end.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Run is the launcher after it has forked the front end: it receives the plan from that, starts the
// sandbox's first process, waits, and ends with the payload's status.
//
// The front end ends before the payload's exec is over, or at a fault, and its status says which
// it was. So the monitor waits for it first: nothing is reported twice.
func Run(front uintptr) {
	launch.Acting.Parent = raw.Getpid()
	p := startReceived(front)
	// Only the first processes of a tentative plan say that they have come to OpGo: others are waited
	// for by their fault, or by the end of the feed.
	for p.Has(plan.FlagTentative) && !ReachedGo() {
		reportOver()
		p = startReceived(front)
	}
	ReleaseFirst()
	closeOthers(p, 2) // errors of set-up may still be reported there
	awaitInput(launch.Feed.Monitor)
	if status := waitFrontEnd(front); status != 0 {
		endFailedFrontEnd(p, status)
	}
	EndWithPayload(p)
}

// startReceived starts what the front end sends. It returns with the first process started,
// or, for a tentative plan, refused.
func startReceived(front uintptr) plan.View {
	p := receivePlan(front)
	if p.Has(plan.FlagDieWithParent) && !launch.Facts.Embedded {
		raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		// The caller may have ended before the signal was armed: then none will come.
		if raw.Getppid() != launch.Facts.Caller {
			raw.Exit(p.Failed)
		}
	}
	Start(p)
	if State.First == 0 && !p.Has(plan.FlagTentative) {
		DismissKeeper() // it holds the socket too, at whose end the front end knows
		raw.Close(launch.Acting.Sock)
		waitFrontEnd(front)
		quit(p.Failed)
	}
	if State.First != 0 && p.Has(plan.FlagHandshake) {
		launch.Acting.Say(plan.MsgStarted, step.Fault{}, plan.NoStep, uint32(State.First))
	}
	return p
}

// ReachedGo reports whether a tentative attempt reached OpGo. If not, the front end has been
// told why, and either sends another plan or ends.
func ReachedGo() bool {
	if State.First == 0 {
		return false
	}
	// With a copy of that end here the feed would not end with the first process.
	if launch.Feed.Child != 0 {
		raw.Close(launch.Feed.Child)
		launch.Feed.Child = 0
	}
	awaitInput(launch.Feed.Monitor)
	word, _ := readWord()
	return word == launch.WordReachedGo
}

// reportOver clears an attempt away and tells the front end. A first process that was killed has
// sent no fault: without MsgOver the front end would wait for one, and we for its plan.
func reportOver() {
	status := uint32(0)
	if State.First != 0 {
		status = KillFirst()
		State.First = 0
	}
	launch.ReopenFeed()
	launch.Acting.Say(plan.MsgOver, step.Fault{}, plan.NoStep, status)
}

// receivePlan reads the plan and has it verified. A front end that ends without one (help, an
// error, a listing) has printed everything.
func receivePlan(front uintptr) plan.View {
	word, got := raw.ReadWord(launch.Acting.Sock)
	if got && word&launch.Leaving != 0 && !launch.Facts.Embedded {
		waitFrontEnd(front)
		quit(word & 0xff)
	}
	if !got {
		raw.Close(launch.Acting.Sock)
		status := waitFrontEnd(front)
		code := launch.ExitCode(status)
		if code > 1 { // not one of its own
			ExplainFrontEnd(status)
			code = 1
		}
		quit(code)
	}
	// The length of a plan has room for a mark: it is at most plan.MaxSize.
	n := word &^ launch.ForKeeper
	State.ViaKeeper = word&launch.ForKeeper != 0
	// A front end that is the user's process may have been traced, and say anything: the plan is
	// verified here, and what it may do is bounded by what the user may do.
	if n > plan.MaxSize {
		quit(1)
	}
	p, e, v := launch.ReadPlan(launch.Acting.Sock, n)
	if e == 0 && v == plan.Good {
		return p
	}
	if e != unix.EPIPE {
		launch.Acting.Say(plan.MsgFault, step.Fault{Errno: e, Sub: plan.SubPlan}, plan.NoStep, uint32(v))
	}
	raw.Close(launch.Acting.Sock)
	quit(max(launch.ExitCode(waitFrontEnd(front)), 1))
	return plan.View{}
}

// ExplainFrontEnd prints why the front end ended without a message, from its wait status.
func ExplainFrontEnd(status uint32) {
	switch sig := status & 0x7f; sig {
	case 0:
		step.Tell(2, raw.Text("can't start: the Go runtime ended with status \x00"), uintptr(launch.ExitCode(status)),
			raw.Text("; limits on processes or memory may be too low\x00"))
	case uint32(unix.SIGSYS):
		step.Complain(raw.Text("can't start: a seccomp filter killed the front end (SIGSYS); it must permit what Go programs call\x00"), 0, raw.Text("\x00"))
	default:
		step.Tell(2, raw.Text("can't start: the front end was killed by signal \x00"), uintptr(sig),
			raw.Text("; if not by hand, memory may be short\x00"))
	}
}

// quit ends a launch that failed before there was a plan.
func quit(code uint32) {
	DismissKeeper()
	ReapKeeper()
	raw.Exit(code)
}

// waitFrontEnd waits for the front end to end and returns its wait status: 0 when the payload
// runs, or when there was nothing to run.
func waitFrontEnd(front uintptr) uint32 {
	if launch.Facts.Embedded {
		return 0 // the embedding program goes on, and formats the message itself
	}
	r, status := raw.Wait(front)
	if raw.Errno(r) != 0 {
		return 1 << 8
	}
	return status
}

// endFailedFrontEnd ends a launch whose front end has failed: it has reported why, unless it was
// killed. The first process is gone or going.
func endFailedFrontEnd(p plan.View, front uint32) {
	first := KillFirst()
	ReapKeeper()
	first = ReadLastStatus(first)
	RemovePlaceholders()
	if sig := front & 0x7f; sig != 0 {
		step.Tell(2, raw.Text("the launcher's front end was killed by signal \x00"), uintptr(sig), raw.Text(" before the command ran\x00"))
	} else if launch.ExitCode(front) == launch.KilledStatus(p.Failed) {
		TellKilled(first)
	}
	raw.Exit(p.Failed)
}
