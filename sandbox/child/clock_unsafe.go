package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// clock is the monitor's state about the command's time. Times are nanoseconds of
// CLOCK_MONOTONIC.
//
//nolint:gochecknoglobals // see memory_unsafe.go
var clock struct {
	began   uint64  // when set-up was over; 0: it is not
	next    uint64  // when there is something to do; 0: never
	grace   uint64  // between asking and killing
	stage   uint32  // what has been done
	command uintptr // the command's pid, where it is not the first process; 0: not known
	pidfd   uintptr // a pidfd of it; 0: none
	timer   uintptr // see wakeInTime: the timer's number plus one

	kills uint64      // how often the cgroup had been out of memory before
	used  unix.Rusage // what the command has used, and the children that it has waited for
}

// What has been done to a command whose time is over (clock.stage).
const (
	inTime  = iota
	asked   // SIGTERM to the command
	killing // SIGKILL to the command, so that init says what it has used
	forced  // SIGKILL to all
)

// untilAll is how long a command that has been killed may take to end, before all others are killed:
// nanoseconds. When it ends they are killed at once.
const untilAll = 1e8

// timeout returns the step that bounds the command's time, nil if there is none.
func timeout(p plan.View) *plan.Step {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpTimeout {
			return s
		}
	}
	return nil
}

// watches reports whether the monitor does more than wait for the end.
func watches(p plan.View) bool { return timeout(p) != nil || relays(p) }

// knowCommand makes the word that set-up is over bring along who says it: the command.
func knowCommand(p plan.View) {
	if !p.Has(plan.FlagInit) || !watches(p) {
		return
	}
	end := feed.monitor
	if monitor.viaKeeper {
		end = monitor.keeperEnd
	}
	passSender(end)
}

// passSender makes the kernel say from which process each message is (SO_PASSCRED, unix(7)).
func passSender(sock uintptr) {
	on := uint32(1)
	raw.Call(unix.SYS_SETSOCKOPT, sock, unix.SOL_SOCKET, unix.SO_PASSCRED, raw.Addr(unsafe.Pointer(&on)), 4, 0)
}

// begin starts the clock: set-up is over, as the process sender says.
func begin(p plan.View, sender uintptr) {
	if clock.began != 0 || !p.Has(plan.FlagUsage) && !watches(p) {
		return
	}
	clock.began, clock.command = now(), sender
	s := timeout(p)
	if s == nil {
		return
	}
	clock.next, clock.grace = clock.began+uint64(s.A)*1e6, uint64(s.B)*1e6
	wakeInTime(p)
}

// wakeInTime makes the kernel send this process a SIGCONT when the command's time is over, counted
// from now, and again at every grace: a job that is stopped, or that the command has stopped
// somehow, ends in time, too. While it is not stopped the signal does nothing.
func wakeInTime(p plan.View) {
	s := timeout(p)
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

// openCommand opens the command's pidfd, so that no other process gets its signals.
func openCommand() {
	if clock.command == 0 || clock.pidfd != 0 {
		return
	}
	if fd := raw.Call(unix.SYS_PIDFD_OPEN, clock.command, 0, 0, 0, 0, 0); raw.Errno(fd) == 0 {
		clock.pidfd = acting.Above(fd)
	}
}

func now() uint64 {
	var t unix.Timespec
	raw.Call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, raw.Addr(unsafe.Pointer(&t)), 0, 0, 0, 0)
	return uint64(t.Sec)*1e9 + uint64(t.Nsec)
}

// patience returns how long there is nothing to do, but at most what t says, in t; 0 stands
// until the process ends.
func patience(t *unix.Timespec) uintptr {
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

// tick does what the time has come for: the command is asked to end, and later everything is
// killed.
func tick(p plan.View) {
	for clock.next != 0 && now() >= clock.next {
		switch clock.stage++; clock.stage {
		case asked:
			signalCommand(p, unix.SIGTERM)
			clock.next += clock.grace
		case killing:
			signalCommand(p, unix.SIGKILL)
			clock.next = now() + untilAll
		default:
			clock.next = 0
			killAll(p)
		}
	}
}

// signalCommand sends the command a signal.
func signalCommand(p plan.View, sig unix.Signal) {
	switch {
	case !p.Has(plan.FlagInit):
		raw.Kill(monitor.first, uintptr(sig))
	case clock.pidfd != 0:
		raw.Call(unix.SYS_PIDFD_SEND_SIGNAL, clock.pidfd, uintptr(sig), 0, 0, 0, 0)
	case clock.command != 0:
		raw.Kill(clock.command, uintptr(sig))
	}
}

// killAll ends everything in the sandbox: the PID namespace by its first process; without one
// the cgroup, if there is one; else the session, if it is the sandbox's own; else the command.
// It reports whether the first process ends by it.
func killAll(p plan.View) bool {
	alone := p.Clone&unix.CLONE_NEWPID == 0
	if alone && killCgroup() {
		return true
	}
	if alone && !hasSession(p) {
		signalCommand(p, unix.SIGKILL)
		return false
	}
	raw.Kill(monitor.first, uintptr(unix.SIGKILL))
	if alone {
		killSession(monitor.first)
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
	if acting.TryProc() != 0 {
		raw.Kill(-session, uintptr(unix.SIGKILL)) // its first process group
		return
	}
	for i := 0; i < 100 && killMembers(session); i++ {
		raw.Nap(1e6) // a killed process is listed until its parent has waited
	}
	acting.CloseProc()
}

// killMembers kills the processes of a session but its leader, and reports whether there was one.
func killMembers(session uintptr) (found bool) {
	dir := raw.Openat(acting.Proc, raw.Text(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if raw.Errno(dir) != 0 {
		return false
	}
	list := raw.Numbers{Dir: dir}
	for pid, more := list.Next(); more; pid, more = list.Next() {
		if pid != session && raw.Call(unix.SYS_GETSID, pid, 0, 0, 0, 0, 0) == session {
			found = raw.Errno(raw.Call(unix.SYS_KILL, pid, uintptr(unix.SIGKILL), 0, 0, 0, 0)) == 0 || found
		}
	}
	raw.Close(dir)
	return found
}
