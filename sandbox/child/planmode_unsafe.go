package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the launcher that an embedding program has started, until it is the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/monitor"
	"golang.org/x/sys/unix"
)

// This file is plan mode: the front end is an embedding program, which
// started this process as the monitor:
//
//	argv: PlanWord, the socket's number, the lifeline's, a mask of ignored signals
//
// The socket is as in any launch. The lifeline is a socket whose other end only the embedding program holds,
// and no process of the payload. Until the first process exists, any event on the lifeline kills
// the monitor (armLifeline), and with it what it has started (FlagDieWithParent is in every such
// plan). From then on the monitor watches the lifeline itself (watch): at its end, or for a byte
// LineKill, it ends the sandbox, and then itself. The embedding program sends LineRuns when set-up is over;
// without FlagLifeline, the sandbox may then outlive the embedding program. So the sandbox does not depend
// on a thread of the embedding program, as it would with PR_SET_PDEATHSIG.

// PlanWord is the name, argv[0], of a program that is to be a monitor. A caller with
// bubblewrap's command line has no use for it. It is not an argument, since there are programs
// that let users choose the arguments of a privileged program, but not its name.
const PlanWord = "gobwrap: monitor"

const planWord = PlanWord + "\x00"

// inPlanMode reports whether this start is for plan mode.
func inPlanMode(sp unsafe.Pointer) bool {
	return *(*uintptr)(sp) == 4 && raw.Equal(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 8))), raw.Text(planWord))
}

// enterEmbedding is the first function of an embedding program that was linked with the entry point for
// it, hostEntry: it returns where this is a start like any other.
//
//lint:ignore U1000 called by hostEntry, in assembly
func enterEmbedding(sp unsafe.Pointer) {
	started.as = asEmbedding
	if !inPlanMode(sp) {
		return
	}
	if raw.Auxv(sp, raw.AtSecure) != 0 {
		raw.Exit(1) // a set-id program must not act for its caller
	}
	runPlanMode(sp)
}

// runPlanMode is the launcher in plan mode, from its start to its end.
func runPlanMode(sp unsafe.Pointer) {
	sock, okSock := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 16))))
	line, okLine := raw.Number(raw.Mapped(*(*uintptr)(unsafe.Add(sp, 24))))
	if !okSock || !okLine || !areLaunchSockets(sock, line) {
		step.GiveUp(raw.Text("this name is for the package sandbox of gobwrap\x00"), 0)
	}
	// What the embedding program has open without close-on-exec.
	leaks := line + 1
	if end := monitor.State.KeeperSock; end > line {
		launch.Acting.CloseRange(leaks, end-1)
		leaks = end + 1
	}
	launch.Acting.CloseRange(leaks, launch.Nowhere)
	for fd := uintptr(0); fd < 3; fd++ {
		if raw.Errno(raw.Fcntl(fd, unix.F_GETFD, 0)) == 0 {
			started.stdio |= 1 << fd
		}
	}
	raw.DefaultAction(unix.SIGCHLD)
	takeSockets(sock, line)
	monitor.RunEmbedded()
}

// areLaunchSockets reports whether these can be the socket and the lifeline: open, and in the order in
// which embedding programs have them. The kernel looks at the lower half of a number only.
func areLaunchSockets(sock, line uintptr) bool {
	return sock < line && line < launch.Nowhere && isSocket(sock) && raw.Errno(raw.Fcntl(line, unix.F_GETFD, 0)) == 0
}

// takeSockets moves them out of the way. From here on this is plan mode, for the keeper's
// processes too: none of them asks the embedding program to end.
func takeSockets(sock, line uintptr) {
	launch.Facts.Embedded = true
	raw.Fcntl(sock, unix.F_SETFD, unix.FD_CLOEXEC)
	raw.Fcntl(line, unix.F_SETFD, unix.FD_CLOEXEC)
	launch.Acting.Sock, monitor.State.Lifeline = launch.Acting.Above(sock), launch.Acting.Above(line)
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
