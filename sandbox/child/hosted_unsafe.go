package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"golang.org/x/sys/unix"
)

// This file is plan mode: the front end is an embedding program (called the host here), which
// started this process as the monitor:
//
//	argv: PlanWord, the socket's number, the line's, a mask of ignored signals
//
// The socket is as in any launch. The line is a socket whose other end only the host holds,
// and no process of the payload. Until the first process exists, any event on the line kills
// the monitor (armLine), and with it what it has started (FlagDieWithParent is in every such
// plan). From then on the monitor watches the line itself (watch): at its end, or for a byte
// LineKill, it ends the sandbox, and then itself. The host sends LineRuns when set-up is over;
// without FlagLifeline, the sandbox may then outlive the host. So the sandbox does not depend
// on a thread of the host, as it would with PR_SET_PDEATHSIG.

// PlanWord is the name, argv[0], of a program that is to be a monitor. A caller with
// bubblewrap's command line has no use for it. It is not an argument, since there are programs
// that let users choose the arguments of a privileged program, but not its name.
const PlanWord = "gobwrap: monitor"

// Bytes that the host writes to the line.
const (
	LineRuns = iota + 1 // set-up is over, and others have been told
	LineKill            // the sandbox is to end; or set-up has failed
)

const planWord = PlanWord + "\x00"

// inPlanMode reports whether this start is for plan mode.
func inPlanMode(sp unsafe.Pointer) bool {
	return *(*uintptr)(sp) == 4 && raw.Equal(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 8))), raw.Text(planWord))
}

// enterHosted is the first function of a host that was linked with childs's entry for
// hosts, hostEntry: it returns where this is a start like any other.
//
//lint:ignore U1000 called by hostEntry, in assembly
func enterHosted(sp uintptr) {
	started.as = asHost
	if !inPlanMode(raw.Mapped(sp)) {
		return
	}
	if raw.Auxv(raw.Mapped(sp), raw.AtSecure) != 0 {
		raw.Exit(1) // a set-id host must not act for its caller
	}
	hosted(raw.Mapped(sp))
}

// hosted is the launcher in plan mode, from its start to its end.
func hosted(sp unsafe.Pointer) {
	sock, okSock := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 16))))
	line, okLine := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 24))))
	if !okSock || !okLine || !areOurs(sock, line) {
		step.GiveUp(raw.Text("this name is for the package sandbox of gobwrap\x00"), 0)
	}
	// What the host has open without close-on-exec.
	leaks := line + 1
	if end := monitor.keeperEnd; end > line {
		acting.CloseRange(leaks, end-1)
		leaks = end + 1
	}
	acting.CloseRange(leaks, nowhere)
	for fd := uintptr(0); fd < 3; fd++ {
		if raw.Errno(raw.Fcntl(fd, unix.F_GETFD, 0)) == 0 {
			started.stdio |= 1 << fd
		}
	}
	raw.DefaultAction(unix.SIGCHLD)
	takeUp(sock, line)
	monitorHosted()
}

// monitorHosted is the part that a host which starts itself has too (takenOver).
func monitorHosted() {
	acting.Parent = raw.Getpid()
	if refusedStart() {
		acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubStanding}, plan.NoStep, uint32(started.standing))
		raw.Exit(1)
	}
	if !armLine() {
		raw.Exit(1)
	}
	openFeed()
	p := attempt(0)
	for p.Has(plan.FlagTentative) && !reachedGo() {
		again()
		p = attempt(0)
	}
	releaseFirst(p)
	// From here on this process watches the line itself. The host says nothing on the line
	// before it has seen the end of the socket, of which closeOthers closes our copy, so
	// nothing that it writes kills us.
	raw.Fcntl(host.line, unix.F_SETFL, 0)
	closeOthers(p, nowhere)
	reapDismissed()
	status := lastStatus(p, watch(p))
	reapKeeper()
	reapStray()
	removePlaceholders()
	reclaimTerminal(p)
	if p.JSONFd >= 0 && ran() {
		reportEnd(p, status)
	}
	sayUsage(p, status)
	endLike(status)
}

// areOurs reports whether these can be the socket and the line: open, and in the order in
// which hosts have them. The kernel looks at the lower half of a number only.
func areOurs(sock, line uintptr) bool {
	return sock < line && line < nowhere && isSocket(sock) && raw.Errno(raw.Fcntl(line, unix.F_GETFD, 0)) == 0
}

// takeUp moves them out of the way. From here on this is plan mode, for the keeper's
// processes too: none of them asks the host to end.
func takeUp(sock, line uintptr) {
	host.there = true
	raw.Fcntl(sock, unix.F_SETFD, unix.FD_CLOEXEC)
	raw.Fcntl(line, unix.F_SETFD, unix.FD_CLOEXEC)
	acting.Sock, host.line = acting.Above(sock), acting.Above(line)
}

// isSocket reports whether fd is a stream socket of this machine.
func isSocket(fd uintptr) bool {
	return socketOption(fd, unix.SO_DOMAIN) == unix.AF_UNIX && socketOption(fd, unix.SO_TYPE) == unix.SOCK_STREAM
}

// socketOption returns a number of getsockopt(2), 0 where there is none.
func socketOption(fd, option uintptr) uint32 {
	value, size := uint32(0), uint32(4)
	e := raw.Errno(raw.Call(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, option, raw.Addr(unsafe.Pointer(&value)), raw.Addr(unsafe.Pointer(&size)), 0))
	if e != 0 {
		return 0
	}
	return value
}

// armLine makes any event on the line kill this process (F_SETSIG, fcntl(2)). Earlier events
// raise no signal.
func armLine() bool {
	if raw.Errno(raw.Fcntl(host.line, unix.F_SETOWN, raw.Getpid())) != 0 || raw.Errno(raw.Fcntl(host.line, fSetSig, uintptr(unix.SIGKILL))) != 0 ||
		raw.Errno(raw.Fcntl(host.line, unix.F_SETFL, unix.O_ASYNC)) != 0 {
		return false
	}
	var fds raw.PollFd
	var now unix.Timespec
	fds.Fd, fds.Events = int32(host.line), unix.POLLIN
	r := raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 1, raw.Addr(unsafe.Pointer(&now)), 0, 8, 0)
	return raw.Errno(r) == 0 && fds.Revents == 0
}

const fSetSig = 10 // F_SETSIG

// watch waits for the payload, and meanwhile handles the line and the clock. It returns init's
// message, 0 if there is none.
func watch(p plan.View) (word uint32) {
	var fds [4]raw.PollFd
	fds[0].Fd, fds[0].Events = -1, unix.POLLIN
	if host.there {
		fds[0].Fd = int32(host.line)
	}
	fds[1].Fd, fds[1].Events = int32(feed.monitor), unix.POLLIN
	fds[2].Fd, fds[2].Events = -1, unix.POLLIN
	fds[3].Fd, fds[3].Events = takesSignals(), unix.POLLIN
	handOver(p)
	blind := false
	if !p.Has(plan.FlagInit) {
		fd := raw.Call(unix.SYS_PIDFD_OPEN, monitor.first, 0, 0, 0, 0, 0)
		if blind = raw.Errno(fd) != 0; !blind { // before 5.3, or refused by a filter
			fds[2].Fd = int32(fd)
		}
		if clock.began != 0 {
			fds[1].Fd = -1 // there is nothing more to expect of it
		}
	}
	for {
		openCommand()
		looks := monitor.follows && !p.Has(plan.FlagInit) && clock.stage == inTime // for stops, of which a pidfd does not say
		var nap unix.Timespec
		if blind || looks {
			nap.Nsec = 1e7
		}
		fds[0].Revents, fds[1].Revents, fds[2].Revents, fds[3].Revents = 0, 0, 0, 0
		raw.Call(unix.SYS_PPOLL, raw.Addr(unsafe.Pointer(&fds)), 4, patience(&nap), 0, 8, 0)
		tick(p)
		if looks && childStopped(p) != 0 {
			stopToo()
		}
		if fds[1].Revents != 0 {
			said, sender, _ := readWordFrom()
			if said&placeholder.Word != 0 || obeyStop(p, said) {
				continue
			}
			if said == begun {
				begin(p, sender)
				handOver(p)
			} else if p.Has(plan.FlagInit) {
				return said
			}
			if !p.Has(plan.FlagInit) {
				fds[1].Fd = -1
			}
		}
		if fds[2].Revents != 0 || blind && hasEnded(monitor.first) {
			return 0
		}
		if fds[3].Revents != 0 {
			passSignals(p)
		}
		if fds[0].Revents != 0 {
			fds[0].Fd = heed(p)
		}
	}
}

// heed reads a byte from the line, acts on it and returns it, or -1 if nothing more will come.
func heed(p plan.View) int32 {
	word, ok := raw.ReadByte(host.line)
	if !ok {
		if host.said != LineRuns || p.Has(plan.FlagLifeline) {
			raw.Kill(monitor.first, uintptr(unix.SIGKILL))
		}
		return -1
	}
	if word != LineRuns {
		raw.Kill(monitor.first, uintptr(unix.SIGKILL))
	}
	if host.said == 0 {
		host.said = word
	}
	return int32(host.line)
}

// ran waits for the host's message that the command runs, and reports whether it has come: the
// host writes its reports about that before the exit status.
func ran() bool {
	for host.said == 0 {
		host.said = LineKill
		if word, ok := raw.ReadByte(host.line); ok {
			host.said = word
		}
	}
	return host.said == LineRuns
}

// hasEnded reports whether a child has, without taking its status.
func hasEnded(pid uintptr) bool {
	const exited = 4                                                                                                          // WEXITED
	var info [32]uint32                                                                                                       // siginfo_t: the signal comes first
	r := raw.Call(unix.SYS_WAITID, 1, pid, raw.Addr(unsafe.Pointer(&info)), exited|unix.WNOHANG|unix.WNOWAIT|unix.WALL, 0, 0) // P_PID
	return raw.Errno(r) != 0 || info[0] == uint32(unix.SIGCHLD)
}

// lastStatus returns the payload's status, by init's word where there is one. What is left
// with init then goes too, and init with it: nothing is left for the host to inherit.
func lastStatus(p plan.View, word uint32) uint32 {
	readUsage(p, word)
	if clock.stage != inTime {
		killAll(p)
	}
	if word&ended == 0 {
		return firstStatus()
	}
	killFirst()
	return word & 0xffff
}

// endLike ends this process as another one has ended, by the same signal if it was one:
// the host sees what it would see of the payload itself.
func endLike(status uint32) {
	if sig := uintptr(status & 0x7f); sig != 0 {
		raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // one core is enough
		raw.DefaultAction(unix.Signal(sig))
		raw.SetMask(unix.SIG_UNBLOCK, raw.MaskOf(unix.Signal(sig)), nil)
		raw.Kill(raw.Getpid(), sig)
	}
	raw.Exit(exitCode(status))
}

// hangUp closes, in a process that is not the monitor, what only that needs: the line, the
// ear, and the ways to the keeper.
func hangUp() {
	for _, fd := range [...]*uintptr{&monitor.ear, &monitor.cgroup, &host.line, &monitor.keeperEnd} {
		if *fd != 0 {
			raw.Close(*fd)
			*fd = 0
		}
	}
}
