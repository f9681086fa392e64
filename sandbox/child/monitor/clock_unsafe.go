package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// clock is the monitor's state about the payload's time. Times are nanoseconds of
// CLOCK_MONOTONIC.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var clock struct {
	began   uint64  // when set-up was over; 0: it is not
	next    uint64  // when there is something to do; 0: never
	grace   uint64  // between asking and killing
	stage   uint32  // what has been done
	payload uintptr // the payload's pid, where it is not the first process; 0: not known
	pidfd   uintptr // a pidfd of it; 0: none
	timer   uintptr // see armWakeup: the timer's number plus one

	kills uint64      // how often the cgroup had been out of memory before
	used  unix.Rusage // what the payload has used, and the children that it has waited for
}

// What has been done to a payload whose time is over (clock.stage).
const (
	withinTime    = iota
	terminated    // SIGTERM to the payload
	killedPayload // SIGKILL to the payload, so that init says what it has used
	killedAll     // SIGKILL to all
)

// killAllDelay is how long a payload that has been killed may take to end, before all others are killed:
// nanoseconds. When it ends they are killed at once.
const killAllDelay = 1e8

// timeoutStep returns the step that bounds the payload's time, nil if there is none.
func timeoutStep(p plan.View) *plan.Step {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpTimeout {
			return s
		}
	}
	return nil
}

// needsWatch reports whether the monitor does more than wait for the end.
func needsWatch(p plan.View) bool { return timeoutStep(p) != nil || readsSignals(p) }

// requestPayloadPid makes the word that set-up is over bring along the pid of the process that sends
// it, the payload.
func requestPayloadPid(p plan.View) {
	if !p.Has(plan.FlagInit) || !needsWatch(p) {
		return
	}
	// The keeper's socket becomes the feed (startThroughKeeper), and the option must be set before the
	// word is sent: the kernel attaches credentials when a message is sent, not when it is received.
	end := launch.Feed.Monitor
	if State.ViaKeeper {
		end = State.KeeperSock
	}
	passSender(end)
}

// startClock starts the clock: set-up is over, as the process sender says.
func startClock(p plan.View, sender uintptr) {
	if clock.began != 0 || !p.Has(plan.FlagUsage) && !needsWatch(p) {
		return
	}
	clock.began, clock.payload = now(), sender
	s := timeoutStep(p)
	if s == nil {
		return
	}
	clock.next, clock.grace = clock.began+uint64(s.A)*1e6, uint64(s.B)*1e6
	armWakeup(p)
}

// armWakeup makes the kernel send this process a SIGCONT when the payload's time is over, counted
// from now, and again at every grace: a job that is stopped, or that the payload has stopped
// somehow, ends in time, too. While it is not stopped the signal does nothing.
func armWakeup(p plan.View) {
	s := timeoutStep(p)
	if s == nil {
		return
	}
	if clock.timer == 0 {
		var event struct { // struct sigevent
			value    uint64
			sig, how int32 // SIGEV_SIGNAL is 0
			_        [48]byte
		}
		event.sig = int32(unix.SIGCONT)
		// timer_t is an int to the kernel (timer_create(2), "C library/kernel differences").
		id := int32(0)
		r := raw.Call(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, raw.Addr(unsafe.Pointer(&event)), raw.Addr(unsafe.Pointer(&id)), 0, 0, 0)
		if raw.Errno(r) != 0 {
			return // a filter, or CONFIG_POSIX_TIMERS is missing
		}
		clock.timer = uintptr(id) + 1
	}
	grace, after := uint64(s.B)*1e6, uint64(s.A)*1e6
	when := [2]unix.Timespec{{Sec: int64(grace / 1e9), Nsec: int64(grace % 1e9)}, {Sec: int64(after / 1e9), Nsec: int64(after % 1e9)}}
	raw.Call(unix.SYS_TIMER_SETTIME, clock.timer-1, 0, raw.Addr(unsafe.Pointer(&when)), 0, 0, 0)
}

// openPayload opens the payload's pidfd, so that no other process gets its signals.
func openPayload() {
	if clock.payload == 0 || clock.pidfd != 0 {
		return
	}
	if fd := raw.Call(unix.SYS_PIDFD_OPEN, clock.payload, 0, 0, 0, 0, 0); raw.Errno(fd) == 0 {
		clock.pidfd = launch.Acting.Above(fd)
	}
}

// now returns the time by CLOCK_MONOTONIC, in nanoseconds. It stands still while the machine is
// suspended: a payload is not killed for a lid that was closed.
func now() uint64 {
	var t unix.Timespec
	raw.Call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, raw.Addr(unsafe.Pointer(&t)), 0, 0, 0, 0)
	return uint64(t.Sec)*1e9 + uint64(t.Nsec)
}

// pollTimeout returns how long there is nothing to do, but at most what t says, in t; 0 stands
// until the process ends.
func pollTimeout(t *unix.Timespec) uintptr {
	if clock.next != 0 {
		left, at := uint64(0), now()
		if at < clock.next {
			left = clock.next - at
		}
		if most := uint64(t.Nsec); most == 0 || left < most {
			t.Sec, t.Nsec = int64(left/1e9), int64(left%1e9)
			return raw.Addr(unsafe.Pointer(t))
		}
	}
	if t.Nsec == 0 {
		return 0
	}
	return raw.Addr(unsafe.Pointer(t))
}

// enforceTimeout does what the time has come for: the payload is asked to end, and later everything is
// killed.
func enforceTimeout(p plan.View) {
	for clock.next != 0 && now() >= clock.next {
		switch clock.stage++; clock.stage {
		case terminated:
			signalPayload(p, unix.SIGTERM)
			clock.next += clock.grace
		case killedPayload:
			signalPayload(p, unix.SIGKILL)
			clock.next = now() + killAllDelay
		default:
			clock.next = 0
			killAll(p)
		}
	}
}

// signalPayload sends the payload a signal.
func signalPayload(p plan.View, sig unix.Signal) {
	switch {
	case !p.Has(plan.FlagInit):
		raw.Kill(State.First, uintptr(sig))
	case clock.pidfd != 0:
		raw.Call(unix.SYS_PIDFD_SEND_SIGNAL, clock.pidfd, uintptr(sig), 0, 0, 0, 0)
	case clock.payload != 0:
		raw.Kill(clock.payload, uintptr(sig))
	}
}

// killAll ends everything in the sandbox: the PID namespace by its first process; without one
// the cgroup, if there is one; else the session, if it is the sandbox's own; else the payload.
// It reports whether the first process ends by it.
func killAll(p plan.View) bool {
	alone := p.Clone&unix.CLONE_NEWPID == 0
	if alone && killCgroup() {
		return true
	}
	if alone && !hasSession(p) {
		signalPayload(p, unix.SIGKILL)
		return false
	}
	raw.Kill(State.First, uintptr(unix.SIGKILL))
	if alone {
		killSession(State.First)
	}
	return true
}

func hasSession(p plan.View) bool {
	for i := p.Join; i < p.Setup; i++ {
		if p.Step(i).Op == plan.OpSetsid {
			return true
		}
	}
	return false
}

// killSession kills what /proc shows of a session, again and again as long as it finds
// something; what is forked faster than that is left.
func killSession(session uintptr) {
	if launch.Acting.TryProc() != 0 {
		raw.Kill(-session, uintptr(unix.SIGKILL)) // its first process group
		return
	}
	for i := 0; i < 100 && killMembers(session); i++ {
		raw.Nap(1e6) // a killed process is listed until its parent has waited
	}
	launch.Acting.CloseProc()
}

// killMembers kills the processes of a session but its leader, and reports whether there was one.
func killMembers(session uintptr) (found bool) {
	dir := raw.Openat(launch.Acting.Proc, raw.Text(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if raw.Errno(dir) != 0 {
		return false
	}
	// getsid(2) asks the kernel about each: a stat file would have to be opened and parsed.
	list := raw.Numbers{Dir: dir}
	for pid, more := list.Next(); more; pid, more = list.Next() {
		if pid != session && raw.Call(unix.SYS_GETSID, pid, 0, 0, 0, 0, 0) == session {
			found = raw.Errno(raw.Call(unix.SYS_KILL, pid, uintptr(unix.SIGKILL), 0, 0, 0, 0)) == 0 || found
		}
	}
	raw.Close(dir)
	return found
}
