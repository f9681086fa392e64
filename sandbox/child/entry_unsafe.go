package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the launcher, from its first instruction until it is the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/first"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/monitor"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// entry is in entry_linux_*.s.
//
//lint:ignore U1000 the program's ELF entry point; the linker is told by name
func entry()

// hostEntry is in entry_linux_*.s.
//
//lint:ignore U1000 an ELF entry point too; see planmode_unsafe.go
func hostEntry()

// enterLauncher is the first function of the program. It returns to entry, which starts the Go
// runtime, in a process that is to become Go; the process itself becomes the monitor.
//
//lint:ignore U1000 called by entry, in assembly
func enterLauncher(sp unsafe.Pointer) {
	if raw.Auxv(sp, raw.AtSecure) != 0 {
		continueStart(sp, keeper.Split(sp))
	}
	launchCommandLine(sp)
}

// This file is where the launcher meets the setuid mode, which packages keeper and broker are.

// continueStart takes over what has come of a privileged start, in the launcher. In the first process
// of a sandbox it does not return.
func continueStart(sp unsafe.Pointer, s keeper.Start) {
	if launch.Facts.Install = suid.Installed; !s.Installed {
		launch.Facts.Install = otherInstall(sp)
	}
	if s.Failed != 0 {
		step.GiveUp(raw.Text("Can't start the keeper of the setuid mode\x00"), s.Failed)
	}
	if s.IsFirst() {
		first.RunUnderKeeper(sp, s.Sock, s.First)
	}
	if s.Keeper != 0 {
		monitor.State.Keeper, monitor.State.KeeperSock = s.Keeper, launch.Acting.Above(s.Sock)
	}
}

// otherInstall reports what privilege a start has brought if the file is not installed for setuid mode. It has
// been given up (keeper.Split). What cannot be seen counts as privilege.
func otherInstall(sp unsafe.Pointer) suid.InstallKind {
	uid, euid, gid, egid := raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtEUID), raw.Auxv(sp, raw.AtGID), raw.Auxv(sp, raw.AtEGID)
	self := raw.Text("/proc/self/exe\x00")
	var st unix.Stat_t
	seen := raw.Fstatat(raw.AtCwd, self, &st) == 0
	caps := raw.Errno(raw.Call(unix.SYS_GETXATTR, raw.Addr(self), raw.Addr(raw.Text("security.capability\x00")), 0, 0, 0, 0))
	unchanged := uid == euid && gid == egid
	switch {
	case unchanged && (uid == 0 || caps != 0):
		return suid.Plain
	case !unchanged && !seen:
		return suid.OddIDs
	case caps == 0:
		return suid.FileCaps
	case st.Mode&(unix.S_ISUID|unix.S_ISGID) == 0:
		return suid.Plain
	case caps != unix.ENODATA && caps != unix.EOPNOTSUPP:
		return suid.OddIDs
	case st.Mode&unix.S_ISGID != 0:
		return suid.SetGID
	case st.Uid != 0 || euid != 0:
		return suid.OtherOwner
	case gid == egid && !suid.Built:
		return suid.NotBuilt
	}
	return suid.OddIDs
}

// launchCommandLine is the launcher without privilege of the binary's.
func launchCommandLine(sp unsafe.Pointer) {
	started.as = asLauncher
	if inPlanMode(sp) {
		runPlanMode(sp)
	}
	launch.Facts.Caller = raw.Getppid()
	for fd := uintptr(0); fd < 3; fd++ {
		if raw.Errno(raw.Fcntl(fd, unix.F_GETFD, 0)) == 0 {
			started.stdio |= 1 << fd
		}
	}
	// A caller that ignores SIGCHLD would leave us without statuses to wait for; the
	// payload gets the default action too.
	raw.DefaultAction(unix.SIGCHLD)
	if !launchWithoutFrontEnd(sp) {
		forkFrontEnd()
	}
}

// forkFrontEnd goes on as the monitor of a launch that has a front end, and returns in that.
func forkFrontEnd() {
	front, mine := launch.SocketPair()
	launch.OpenFeed()
	launcher := raw.Getpid()
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		step.GiveUp(raw.Text("Can't start the front end\x00"), e)
	}
	if pid == 0 {
		launch.Acting.Sock = front
		raw.Close(mine)
		raw.Close(launch.Feed.Child)
		raw.Close(launch.Feed.Monitor)
		if monitor.State.Keeper != 0 {
			raw.Close(monitor.State.KeeperSock)
		}
		prepareRuntime(launcher)
		return
	}
	raw.Close(front)
	launch.Acting.Sock = mine
	monitor.Run(pid)
}

// started is what the program was started with. It is written once.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var started struct {
	as      uint32 // asLauncher or asEmbedding; 0: like any other Go program
	stdio   uint32 // bit n: fd n was open
	mask    uint64 // the signal mask; see self_unsafe.go
	ignored uint64 // the signals that were ignored, bit n-1 for signal n; there too
}

// How a program was started (started.as).
const (
	asLauncher  = iota + 1 // through entry
	asEmbedding            // through hostEntry
)

// dummy is the g of compiled code without a runtime: all zero, the stack guard too.
//
//lint:ignore U1000 used by entry, in assembly
//nolint:gochecknoglobals // read by entry
var dummy [16]uint64

// entered is what entry stores: where amd64's compiled code finds dummy, which entry points FS
// behind the first word of, and the stack pointer that the kernel gave, for the runtime's start.
//
//nolint:gochecknoglobals // written by entry
var entered struct {
	_     [2]uintptr
	stack uintptr
}
