package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; Split and forkKeeper in the launcher, before it drops privilege;
// becomeFirst in the clone that becomes the first process.
//
// The keeper is the only process that holds capabilities over the host before there is a sandbox.
// What protects it, in the order in which it happens:
//
//   - Its real and saved uid are root's from its first instruction on, because forkKeeper sets them
//     before the clone. The effective uid is root's too, except while it makes namespaces: see the
//     table in package suid. So its parent, the user's process, can neither signal, trace nor limit
//     it (kill(2), ptrace(2), prlimit(2)). Signals that the terminal sends are blocked at once.
//   - reduceSelf reduces it to suid.Kept, and sets no_new_privs, which every later process inherits.
//   - Its only input from the user is a Header of 16 bytes; anything else ends it. No field of it
//     is a length, an address or a path.
//   - The mount namespace is made from a copy that propagates nothing to the host, and whose mounts
//     are locked together (makeUserNS).
//   - The first process gives up all privilege (becomeFirst) before it reads the plan. It is cloned
//     with CLONE_PARENT, so the monitor, not the keeper, waits for it.
//   - Then the keeper becomes the broker and drops all capabilities except CAP_SYS_ADMIN.
//
// A failure ends the launch with a Fault on the socket, from which the message is made elsewhere. The
// exception is a user namespace that the Header calls optional (TryUser): if the keeper cannot make it,
// the sandbox has none.
//
// A socket is named after the process that it leads to: launcherSock, firstSock and, in the first
// process, brokerSock. Of several errnos or raw results max takes one that is a failure, if there is
// one (package raw).

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Header is all that the keeper reads from the launcher.
type Header struct {
	Clone    uint32 // CLONE_NEW* flags
	UID, GID uint32 // the user's ids inside, in a new user namespace
	Flags    uint32
}

// HeaderSize is the size of a Header.
const HeaderSize = 16

// Flags of a Header.
const (
	TryUser  = 1 << iota // go on without CLONE_NEWUSER if it fails
	NewProc              // mount a proc for the new PID namespace
	BindRoot             // bind "/" on itself: pivot_root(2) cannot move the kernel's first file system
	allFlags = 1<<iota - 1
)

// allowedNS are the namespaces that a Header may ask for.
const allowedNS = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// Start is the result of Split.
type Start struct {
	Installed bool       // the file is installed for setuid mode
	Failed    unix.Errno // why the keeper could not be started
	Keeper    uintptr    // its pid, or 0
	Sock      uintptr    // in the launcher the socket to the keeper, in the first process the keeper's end
	First
}

// IsFirst reports whether this process is the sandbox's first process, and not the launcher.
func (s *Start) IsFirst() bool { return s.Launcher != 0 }

// First is what the sandbox's first process inherits from the keeper.
type First struct {
	Launcher       uintptr    // the pid of its parent; 0 in all other processes
	Broker         uintptr    // the socket to the broker
	Clone          uint32     // the allowedNS that are new
	Cwd            uintptr    // the launcher's working directory, or 0 if this process is in it
	Loopback, Proc unix.Errno // 0, or why lo could not be raised, a proc not be mounted
}

// Fault is what the keeper sends when it ends a launch. Word is FaultWord; the other fields are as in
// plan.Message.
type Fault struct{ Word, Sub, Errno, Extra uint32 }

// FaultWord marks a Fault among the messages on the socket; FaultSize is its size in bytes.
const (
	FaultWord = 1 << 28
	FaultSize = 16
)

// requiredCaps are the capabilities without which setuid mode cannot work.
const requiredCaps = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETPCAP

// Split carries out a privileged start. If the binary is installed set-user-id root it forks the
// keeper and returns twice: in the launcher, and, if there is a sandbox to make, in its first process.
// No process has privilege when Split returns in it.
func Split(sp unsafe.Pointer) (s Start) {
	dropEffective(sp)
	if s.Installed = suid.Built && isInstalled(sp); !s.Installed {
		dropOther(sp)
		return s
	}
	uid, gid := raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtGID)
	launcherEnd, keeperEnd := socketPair(unix.SOCK_STREAM)
	launcher := raw.Getpid()
	if s.Keeper = max(launcherEnd, keeperEnd); raw.Errno(s.Keeper) == 0 {
		s.Keeper = forkKeeper()
	}
	if s.Failed = raw.Errno(s.Keeper); s.Keeper == 0 {
		raw.Close(launcherEnd)
		s.Sock, launcherSock = keeperEnd, keeperEnd
		s.First = runKeeper(launcher, uid, gid)
		return s
	}
	raw.Close(keeperEnd)
	s.Sock = launcherEnd
	dropAll(uid, gid)
	raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) // the user owns our files in /proc again: direct mode writes the maps there
	return s
}

// forkKeeper clones the keeper. Ids and capabilities are set before the clone, so that the child is
// never a process of the user's. The caller has the same, and drops it.
func forkKeeper() uintptr {
	permitted, _, _ := raw.Caps()
	if permitted&requiredCaps == requiredCaps {
		e := raw.Errno(raw.Call(unix.SYS_SETRESUID, 0, 0, 0, 0, 0, 0))
		setUndumpable()
		if e != 0 || raw.SetCaps(permitted&suid.Kept, permitted&suid.Kept, 0) != 0 {
			return raw.Failed(unix.EPERM)
		}
	}
	return raw.Call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
}

// setEUID sets the effective uid under which namespaces are made, and makes all capabilities effective
// again, which a change from 0 clears.
func setEUID(uid uintptr) unix.Errno {
	e := raw.Errno(raw.Call(unix.SYS_SETRESUID, ^uintptr(0), uid, ^uintptr(0), 0, 0, 0))
	setUndumpable()
	permitted, _, _ := raw.Caps()
	return max(e, raw.SetCaps(permitted, permitted, 0))
}

// setUndumpable follows every change of ids: see drop_unsafe.go.
func setUndumpable() { raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// socketPair makes a pair of connected sockets. On failure both results are the same errno.
func socketPair(kind uintptr) (a, b uintptr) {
	var fds [2]int32
	r := raw.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&fds)), 0, 0)
	if raw.Errno(r) != 0 {
		return r, r
	}
	return raw.AboveStdio(uintptr(fds[0])), raw.AboveStdio(uintptr(fds[1]))
}

// launcherSock is the keeper's socket to the launcher.
//
//nolint:gochecknoglobals // the keeper's memory
var launcherSock uintptr

// failLaunch sends a Fault and ends the keeper, and the launch with it.
func failLaunch(sub plan.Sub, e unix.Errno, extra uint32) {
	f := Fault{FaultWord, uint32(sub), uint32(e), extra}
	raw.Call(unix.SYS_SENDTO, launcherSock, raw.Addr(unsafe.Pointer(&f)), FaultSize, unix.MSG_NOSIGNAL, 0, 0)
	raw.Exit(1)
}

// failIf is failLaunch if e is an error.
func failIf(e unix.Errno, sub plan.Sub, extra uint32) {
	if e != 0 {
		failLaunch(sub, e, extra)
	}
}

// runKeeper is the keeper from its clone to its end. It returns in the first process only.
func runKeeper(launcher, uid, gid uintptr) (first First) {
	mask := uint64(0)
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), &mask)
	reduceSelf()
	var h Header
	receiveHeader(launcher, &h)
	readConf(gid)
	if h.Flags&TryUser != 0 {
		h.Clone &^= conf.Deny & unix.CLONE_NEWUSER
	}
	if refused := conf.Deny & (h.Clone | suid.DenyAll | suid.DenyOthers); refused != 0 {
		failLaunch(plan.SubRefused, 0, uint32(suid.ReasonConfOption)|refused)
	}
	owner := chooseOwner(&h, uid, gid)
	userNS, locked := enterNamespaces(&h, &first, owner, uid, gid)
	proc := prepareMounts(&h, &first, locked)
	firstSock, brokerSock := socketPair(unix.SOCK_SEQPACKET)
	failIf(raw.Errno(firstSock), plan.SubClone, h.Clone)
	if h.Clone&unix.CLONE_NEWNET != 0 {
		first.Loopback = step.RaiseLoopback(firstSock)
	}
	pid := raw.Call(unix.SYS_CLONE, uintptr(h.Clone&unix.CLONE_NEWPID)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		raw.Close(firstSock)
		raw.Close(proc)
		becomeFirst(&h, &first, userNS, uid, gid)
		raw.SetMask(unix.SIG_SETMASK, mask, nil)
		first.Broker, first.Clone, first.Launcher = brokerSock, h.Clone, launcher
		return first
	}
	failIf(max(raw.Errno(pid), setEUID(0)), plan.SubClone, h.Clone)
	raw.Close(brokerSock)
	becomeBroker(proc, &broker.Job{Sock: firstSock, Launcher: launcher, NewProc: first.Proc == 0, UID: uint32(uid), GID: uint32(gid), Clone: h.Clone, Deny: conf.Deny})
	return first
}

// noFixup are SECBIT_NO_SETUID_FIXUP and SECBIT_KEEP_CAPS, with which capabilities would survive a
// change of ids from root's (capabilities(7), "The securebits flags"). The caller may have set them.
const noFixup = 1<<2 | 1<<4

// reduceSelf reduces this process, or ends it. Afterwards no exec gains privilege, the bounding set is empty, a
// change of ids drops the capabilities, and capabilities are in suid.Kept. All uids are root's already: with
// requiredCaps forkKeeper makes no clone otherwise.
func reduceSelf() {
	permitted, _, _ := raw.Caps()
	var c raw.Chain
	c.Require(permitted&requiredCaps == requiredCaps, unix.EPERM) // root of a container may lack some
	c.Call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	c.Require(raw.Call(unix.SYS_PRCTL, unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1 && raw.CutBounding(0) == 0, unix.EPERM)
	if bits := c.Call(unix.SYS_PRCTL, unix.PR_GET_SECUREBITS, 0, 0, 0, 0); bits&noFixup != 0 {
		c.Call(unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, bits&^noFixup, 0, 0, 0)
	}
	kept := permitted & suid.Kept &^ (1 << unix.CAP_SETPCAP)
	if max(c.Errno, raw.SetCaps(kept, kept, 0)) != 0 || !raw.NoMoreThan(kept) {
		raw.Exit(1)
	}
}

// receiveHeader reads the Header. The keeper ends at the end of the socket (direct mode works), if the
// launcher is gone, and if it reads anything but a Header. recvfrom(2) takes no descriptors.
func receiveHeader(launcher uintptr, h *Header) {
	failIf(setTimeout(launcherSock, broker.CheckSeconds), plan.SubKeeper, 0)
	r := raw.Failed(unix.EINTR)
	for n := broker.MaxIdleChecks; n > 0 && (raw.Errno(r) == unix.EINTR || raw.Errno(r) == unix.EAGAIN) && raw.Getppid() == launcher; n-- {
		r = raw.Call(unix.SYS_RECVFROM, launcherSock, raw.Addr(unsafe.Pointer(h)), HeaderSize, unix.MSG_WAITALL, 0, 0)
	}
	if r != HeaderSize || h.Clone&^allowedNS != 0 || h.Clone&unix.CLONE_NEWNS == 0 || h.Flags&^allFlags != 0 {
		raw.Exit(0)
	}
}

// setTimeout limits how long a read of sock waits (SO_RCVTIMEO, socket(7)).
func setTimeout(sock uintptr, seconds int64) unix.Errno {
	limit := unix.Timeval{Sec: seconds}
	return raw.Errno(raw.Call(unix.SYS_SETSOCKOPT, sock, unix.SOL_SOCKET, unix.SO_RCVTIMEO, raw.Addr(unsafe.Pointer(&limit)), unsafe.Sizeof(limit), 0))
}

// maxFd is the highest possible descriptor.
const maxFd = 1<<31 - 1

// becomeBroker keeps CAP_SYS_ADMIN and the socket, as descriptor 0. It closes all others, the caller's among
// them, if the kernel has close_range(2).
func becomeBroker(proc uintptr, job *broker.Job) {
	const kept = 1 << unix.CAP_SYS_ADMIN
	var c raw.Chain
	c.Call(unix.SYS_UMASK, 0, 0, 0, 0, 0)
	c.Call(unix.SYS_FCHDIR, proc, 0, 0, 0, 0)
	c.Call(unix.SYS_DUP3, job.Sock, 0, unix.O_CLOEXEC, 0, 0)
	job.Sock = 0
	raw.Close(launcherSock)
	raw.Call(unix.SYS_CLOSE_RANGE, 1, maxFd, 0, 0, 0, 0) // since Linux 5.9
	if max(c.Errno, setTimeout(job.Sock, broker.CheckSeconds), raw.SetCaps(kept, kept, 0)) != 0 || !raw.NoMoreThan(kept) {
		raw.Exit(1)
	}
	broker.Serve(job)
}

// becomeFirst, in the clone that becomes the first process, mounts the proc of its PID namespace and drops all
// privilege. Until it returns, the process reads nothing. A failure to drop ends the launch: some security
// modules let root make a user namespace but refuse the use of a capability in it.
func becomeFirst(h *Header, first *First, userNS, uid, gid uintptr) {
	var c, proc raw.Chain
	sub, extra := plan.SubKeeper, uint32(0)
	if first.Proc == 0 { // ROOT moves the mount
		fs := raw.Text("proc\x00")
		proc.Mount(fs, raw.Text(broker.FreshProc+"\x00"), fs, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, nil)
		first.Proc = proc.Errno
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 {
		c.Call(unix.SYS_SETNS, userNS, unix.CLONE_NEWUSER, 0, 0, 0)
		setUndumpable()
		uid, gid = uintptr(h.UID), uintptr(h.GID)
		c.Errno = max(c.Errno, raw.CutBounding(0)) // a new user namespace starts with a full bounding set
		sub, extra = plan.SubRefused, uint32(suid.ReasonPowerless)
	}
	raw.Close(userNS)
	if c.Errno == 0 {
		c.Errno = max(setIDs(uid, gid), raw.SetCaps(0, 0, 0))
	}
	c.Require(raw.NoMoreThan(0) && hasIDs(uid, gid), unix.EPERM)
	failIf(c.Errno, sub, extra)
}
