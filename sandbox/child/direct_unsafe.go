package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the launcher, which has no privilege here: that of a set-id start is dropped.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/args"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/monitor"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// launchWithoutFrontEnd is a launch without a front end. It returns false, with nothing changed,
// where the command line takes a Go runtime; and true in a process that is to become Go to
// say what became of the launch (see LaunchHeard). It does not return otherwise.
func launchWithoutFrontEnd(sp unsafe.Pointer) bool {
	if launch.IsRefusedStart() || !args.Find(sp) || !args.Parse() || args.NeedsGo(monitor.State.Keeper != 0) || !compile(false) {
		return false
	}
	p := args.Plan()
	monitor.State.Info, monitor.State.Status = args.Documents()
	if !monitor.OpenInbox(p) {
		return false
	}
	launch.Facts.NoFrontEnd = true
	launch.OpenFeed()
	launch.Acting.Parent = raw.Getpid()
	if p.Has(plan.FlagDieWithParent) {
		raw.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		if raw.Getppid() != launch.Facts.Caller {
			raw.Exit(p.Failed)
		}
	}
	if !possibleInSetuidMode(p) {
		return endFailedLaunch(p)
	}
	monitor.Start(p)
	if p.Has(plan.FlagTentative) && !monitor.ReachedGo() {
		if !planAgain(p) {
			return endFailedLaunch(p)
		}
		p = args.Plan()
		monitor.Start(p)
	}
	monitor.ReleaseFirst()
	monitor.ReapDismissedKeeper()
	monitor.CloseSenders()
	for {
		switch monitor.AwaitSetUp(p) {
		case monitor.PayloadRuns:
			monitor.EndWithPayload(p)
		case monitor.Warned:
			if forkToReport() {
				return true
			}
		case monitor.SetUpFailed:
			return endFailedLaunch(p)
		}
	}
}

// compile makes a plan of the command line; see args.Compile.
func compile(again bool) (ok bool) {
	monitor.State.ViaKeeper, ok = args.Compile(again, monitor.State.Keeper != 0)
	return ok
}

// planAgain reads why a tentative attempt did not reach OpGo. If the kernel refuses a user
// namespace, it makes another plan, for the keeper or without one, and reports true; the first
// one and its fault are kept, for the text of a second one.
func planAgain(p plan.View) bool {
	raw.Close(launch.Acting.Sock)
	launch.Acting.Sock = launch.Nowhere
	if !monitor.ReceiveFault() || !isUsernsRefusal(p) {
		return false
	}
	if monitor.State.First != 0 {
		monitor.KillFirst()
		monitor.State.First = 0
	}
	args.KeepRefused(&monitor.Outcome.Message)
	monitor.CloseInbox()
	launch.ReopenFeed()
	if !compile(true) || !possibleInSetuidMode(args.Plan()) {
		return false
	}
	if monitor.State.ViaKeeper {
		args.ForgetRefused() // what the keeper says speaks for itself
	}
	return monitor.OpenInbox(args.Plan())
}

// possibleInSetuidMode looks whether setuid mode can do what a plan for it says.
func possibleInSetuidMode(p plan.View) bool {
	if !monitor.State.ViaKeeper {
		return true
	}
	row, step := suid.CheckPlan(p.Base())
	if row == suid.Permitted {
		return true
	}
	m := &monitor.Outcome.Message
	m[0], m[1], m[2], m[3], m[4] = plan.MsgFault, step, uint32(plan.SubRefused), 0, uint32(row)
	monitor.Outcome.Result = monitor.SetUpFailed
	return false
}

// isUsernsRefusal reports whether a fault is the kernel's refusal of a user namespace: of the clone,
// or of the first things that one is good for.
func isUsernsRefusal(p plan.View) bool {
	m := &monitor.Outcome.Message
	step, sub, e, extra := m[1], plan.Sub(m[2]), unix.Errno(m[3]), m[4]
	if step == plan.NoStep {
		switch e {
		case unix.ENOSPC, unix.EUSERS:
			// Used up is not refused: a sandboxed command could use them up on purpose, to
			// have the next sandbox made in another way.
			return sub == plan.SubClone && extra != 0 && args.IsZero(raw.Text("/proc/sys/user/max_user_namespaces\x00"))
		case unix.EAGAIN, unix.ENOMEM:
			return false
		}
		return sub == plan.SubClone && extra != 0
	}
	if step >= p.Steps || e != unix.EPERM && e != unix.EACCES {
		return false
	}
	// Behind OpGo the attempt is no longer tentative.
	for i := uint32(0); i < step; i++ {
		if p.Step(i).Op == plan.OpGo {
			return false
		}
	}
	switch p.Step(step).Op {
	case plan.OpIDMap, plan.OpLoopback, plan.OpSlave, plan.OpRoot:
		return true
	}
	return false
}

// endFailedLaunch ends a launch that has failed. It returns true in a process that becomes
// Go to say why.
func endFailedLaunch(p plan.View) bool {
	monitor.CloseInbox()
	monitor.CloseSenders()
	first := uint32(0)
	if monitor.State.First != 0 {
		first = monitor.KillFirst()
	}
	monitor.DismissKeeper()
	monitor.ReapKeeper()
	first = monitor.ReadLastStatus(first)
	if m := &monitor.Outcome.Message; monitor.Outcome.Result == monitor.SetUpFailed {
		switch {
		case plan.Sub(m[2]) == plan.SubKeeper && monitor.State.KeeperStatus&0x7f != 0:
			monitor.Outcome.Result, first = monitor.Killed, monitor.State.KeeperStatus
		// The keeper lives, but its child was killed. Under a filter, a message says that this may have been
		// it.
		case plan.Sub(m[2]) == plan.SubClone && unix.Errno(m[3]) == keeper.ChildKilled && launch.Facts.Filtered != 0:
			monitor.Outcome.Result = monitor.Killed
		}
	}
	monitor.RemovePlaceholders()
	if monitor.Outcome.Result != monitor.Killed || p.JSONFd >= 0 || launch.Facts.Filtered != 0 {
		if forkToReport() {
			return true
		}
	}
	if monitor.Outcome.Result == monitor.Killed && launch.Facts.Filtered == 0 {
		monitor.TellKilled(first)
	}
	raw.Exit(p.Failed)
	return false
}

// forkToReport forks a process that becomes a Go program and prints what monitor.Outcome is about. It
// returns true there, and false in this process when that one has ended. If that one printed
// nothing, this process prints a possible reason.
func forkToReport() bool {
	launcher := raw.Getpid()
	// On it that process says that it has spoken (Spoken). Without it a message may come twice, but
	// none gets lost.
	mine, its, e := launch.Acting.SocketPair()
	if e != 0 {
		mine, its = launch.Nowhere, launch.Nowhere
	}
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		step.Complain(raw.Text("Can't start the front end\x00"), e, raw.Text("\x00"))
		return false
	}
	if pid == 0 {
		monitor.CloseInbox()
		raw.Close(mine)
		launch.Acting.Sock = its
		prepareRuntime(launcher)
		return true
	}
	raw.Close(its)
	r, status := raw.Wait(pid)
	var spoken byte
	said := raw.Call(unix.SYS_RECVFROM, mine, raw.Addr(unsafe.Pointer(&spoken)), 1, unix.MSG_DONTWAIT, 0, 0) == 1
	raw.Close(mine)
	if raw.Errno(r) == 0 && !said && launch.ExitCode(status) > 1 {
		monitor.ExplainFrontEnd(status)
	}
	return false
}
