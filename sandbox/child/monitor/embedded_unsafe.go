package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor; most of it in plan mode alone.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Bytes that the embedding program writes to the lifeline, the socket that shows its end.
const (
	LineRuns = iota + 1 // set-up is over, and others have been told
	LineKill            // the sandbox is to end; or set-up has failed
)

// RunEmbedded is the monitor of an embedding program, from the plan to the end.
func RunEmbedded() {
	launch.Acting.Parent = raw.Getpid()
	if launch.IsRefusedStart() {
		launch.Acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubInstall}, plan.NoStep, uint32(launch.Facts.Install))
		raw.Exit(1)
	}
	if !armLifeline() {
		raw.Exit(1)
	}
	launch.OpenFeed()
	p := startReceived(0)
	for p.Has(plan.FlagTentative) && !ReachedGo() {
		reportOver()
		p = startReceived(0)
	}
	ReleaseFirst()
	// From here on this process watches the lifeline itself. The embedding program writes nothing to it
	// before it has seen the end of the socket, of which closeOthers closes our copy, so
	// nothing that it writes kills us.
	raw.Fcntl(State.Lifeline, unix.F_SETFL, 0)
	closeOthers(p, launch.Nowhere)
	ReapDismissedKeeper()
	status := finalStatus(p, watch(p))
	ReapKeeper()
	RemovePlaceholders()
	reclaimTerminal(p)
	if p.JSONFd >= 0 && payloadRan() {
		reportEnd(p, status)
	}
	sendUsage(p, status)
	endLike(status)
}

// armLifeline makes any event on the lifeline kill this process (F_SETSIG, fcntl(2)): until the first
// process exists there is nothing to clean up, and this process sleeps in calls that do not watch the
// lifeline. Earlier events raise no signal, so it looks whether there was one.
func armLifeline() bool {
	if raw.Errno(raw.Fcntl(State.Lifeline, unix.F_SETOWN, raw.Getpid())) != 0 || raw.Errno(raw.Fcntl(State.Lifeline, fSetSig, uintptr(unix.SIGKILL))) != 0 ||
		raw.Errno(raw.Fcntl(State.Lifeline, unix.F_SETFL, unix.O_ASYNC)) != 0 {
		return false
	}
	var fds raw.PollFd
	var now unix.Timespec
	fds.Fd, fds.Events = int32(State.Lifeline), unix.POLLIN
	r := raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
	return raw.Errno(r) == 0 && fds.Revents == 0
}

const fSetSig = 10 // F_SETSIG, which package unix lacks

// watch waits for the payload, and meanwhile handles the lifeline, the clock and signals. It returns
// init's word, 0 if there is none. It polls instead of handling signals, since a handler would need
// a stack and a restorer (sigaction(2)), and could interrupt code that is not made for it.
func watch(p plan.View) (word uint32) {
	var fds [4]raw.PollFd
	fds[0].Fd, fds[0].Events = -1, unix.POLLIN
	if launch.Facts.Embedded {
		fds[0].Fd = int32(State.Lifeline)
	}
	fds[1].Fd, fds[1].Events = int32(launch.Feed.Monitor), unix.POLLIN
	fds[2].Fd, fds[2].Events = -1, unix.POLLIN
	fds[3].Fd, fds[3].Events = signalDescriptor(), unix.POLLIN
	giveTerminal(p)
	blind := false
	if !p.Has(plan.FlagInit) {
		fd := raw.Call(unix.SYS_PIDFD_OPEN, State.First, 0, 0, 0, 0, 0)
		if blind = raw.Errno(fd) != 0; !blind { // before 5.3, or refused by a filter
			fds[2].Fd = int32(fd)
		}
		if clock.began != 0 {
			fds[1].Fd = -1 // nothing more comes, and its end, at the exec, would be readable for good
		}
	}
	for {
		openPayload()
		looks := State.stopsWithPayload && !p.Has(plan.FlagInit) && clock.stage == withinTime // for stops, of which a pidfd does not say
		var nap unix.Timespec
		if blind || looks {
			nap.Nsec = 1e7 // ten milliseconds are not noticed at a prompt
		}
		fds[0].Revents, fds[1].Revents, fds[2].Revents, fds[3].Revents = 0, 0, 0, 0
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 4, pollTimeout(&nap), 0, 8, 0)
		enforceTimeout(p)
		if looks && stopSignal(p) != 0 {
			stopSelf()
		}
		if fds[1].Revents != 0 {
			said, sender, _ := readWordAndSender()
			if said&placeholder.Word != 0 || handleStopWord(p, said) {
				continue
			}
			if said == launch.WordBegun {
				startClock(p, sender)
				giveTerminal(p)
			} else if p.Has(plan.FlagInit) {
				return said
			}
			if !p.Has(plan.FlagInit) {
				fds[1].Fd = -1
			}
		}
		if fds[2].Revents != 0 || blind && hasEnded(State.First) {
			return 0
		}
		if fds[3].Revents != 0 {
			handleSignals(p)
		}
		if fds[0].Revents != 0 {
			fds[0].Fd = handleLifeline(p)
		}
	}
}

// handleLifeline reads a byte from the lifeline and acts on it. It returns the descriptor to poll from
// here on: the same, or -1 if nothing more will come.
func handleLifeline(p plan.View) int32 {
	word, ok := raw.ReadByte(State.Lifeline)
	if !ok {
		if State.lifelineSaid != LineRuns || p.Has(plan.FlagLifeline) {
			raw.Kill(State.First, uintptr(unix.SIGKILL))
		}
		return -1
	}
	if word != LineRuns {
		raw.Kill(State.First, uintptr(unix.SIGKILL))
	}
	if State.lifelineSaid == 0 {
		State.lifelineSaid = word
	}
	return int32(State.Lifeline)
}

// payloadRan waits for the embedding program's message that the payload runs, and reports whether it
// has come: that program writes its reports about the start to the same descriptor, before the exit
// status.
func payloadRan() bool {
	for State.lifelineSaid == 0 {
		State.lifelineSaid = LineKill
		if word, ok := raw.ReadByte(State.Lifeline); ok {
			State.lifelineSaid = word
		}
	}
	return State.lifelineSaid == LineRuns
}

// hasEnded reports whether a child has ended, and leaves its status to be taken (WNOWAIT, waitid(2)).
func hasEnded(pid uintptr) bool {
	const exited = 4                                                                                                          // WEXITED
	var info [32]uint32                                                                                                       // siginfo_t: the signal comes first
	r := raw.Call(unix.SYS_WAITID, 1, pid, raw.Addr(unsafe.Pointer(&info)), exited|unix.WNOHANG|unix.WNOWAIT|unix.WALL, 0, 0) // P_PID
	return raw.Errno(r) != 0 || info[0] == uint32(unix.SIGCHLD)
}

// finalStatus returns the payload's status, by init's word where there is one. What is left
// with init then goes too, and init with it: nothing is left for the embedding program to inherit.
func finalStatus(p plan.View, word uint32) uint32 {
	readUsage(p, word)
	if clock.stage != withinTime {
		killAll(p)
	}
	if word&launch.WordEnded == 0 {
		return firstStatus()
	}
	KillFirst()
	return word & 0xffff
}
