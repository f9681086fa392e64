package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; Settle and fork in the launcher, before it drops; born in the clone that
// becomes the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Header is all that the keeper reads.
type Header struct {
	Clone    uint32 // CLONE_NEW* flags
	UID, GID uint32 // the user's ids inside, in a new user namespace
	Flags    uint32
}

// HeaderSize is the size of a Header.
const HeaderSize = 16

// Flags of a Header.
const (
	TryUser = 1 << iota // CLONE_NEWUSER is a wish
	MapRoot             // the user namespace has a root too, to whom a devpts belongs
	NewProc             // a proc of the new PID namespace is wanted
)

// namespaces are those that there may be.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// Start is what has come of a start: see Settle.
type Start struct {
	Standing suid.Standing
	Failed   unix.Errno // why there is no keeper, though there should be one
	Keeper   uintptr    // its pid; 0: there is none
	Line     uintptr    // the socket to it. The first process has the keeper's end
	First
}

// First is what the sandbox's first process knows from the start.
type First struct {
	Launcher              uintptr    // its parent; 0: this is not the first process
	Broker                uintptr    // where it asks the broker
	Clone                 uint32     // the namespaces that are new
	Cwd                   uintptr    // the launcher's working directory; 0: this process's
	Slave, Loopback, Proc unix.Errno // why mounts still propagate, the interface is down, there is no new proc
}

// Fault is what the keeper says on the line when it ends a launch. Word is FaultWord; the rest
// is as in a plan.Message.
type Fault struct{ Word, Sub, Errno, Extra uint32 }

// FaultWord and FaultSize tell a Fault on the line.
const (
	FaultWord = 1 << 28
	FaultSize = 16
)

// needed are the capabilities without which there is no setuid mode.
const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETPCAP

// Settle settles a privileged start. It returns twice where the binary is installed set-user-id
// root: in the launcher, and in the first process of a sandbox, perhaps. No process in which it
// returns has privilege of the binary's.
func Settle(sp unsafe.Pointer) (s Start) {
	lower(sp)
	if s.Standing = settle(sp); s.Standing != suid.Installed || !suid.Built {
		return s
	}
	uid, gid := raw.Auxv(sp, raw.AtUID), raw.Auxv(sp, raw.AtGID)
	line, end := pair(unix.SOCK_STREAM)
	launcher := raw.Getpid()
	if s.Keeper = max(line, end); raw.Errno(s.Keeper) == 0 {
		s.Keeper = fork()
	}
	if s.Failed = raw.Errno(s.Keeper); s.Keeper == 0 {
		raw.Close(line)
		s.Line = end
		s.First = run(end, launcher, uid, gid)
		return s
	}
	raw.Close(end)
	s.Line = line
	drop(uid, gid)
	raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) // our files in /proc are the user's again, who needs them for maps
	return s
}

// fork clones the keeper. It is the keeper that it will be from its first instruction on: root's
// ids, and no capability but suid.Kept. The caller has the same, and drops.
func fork() uintptr {
	permitted, _, _ := raw.Caps()
	if permitted&needed == needed {
		e := raw.Errno(raw.Call(unix.SYS_SETRESUID, 0, 0, 0, 0, 0, 0))
		guard()
		if e != 0 || raw.SetCaps(permitted&suid.Kept, permitted&suid.Kept, 0) != 0 {
			return raw.Failed(unix.EPERM)
		}
	}
	return raw.Clone(0)
}

// as takes an effective uid, as which namespaces are made, and all capabilities with it.
func as(uid uintptr) unix.Errno {
	e := raw.Errno(raw.Call(unix.SYS_SETRESUID, ^uintptr(0), uid, ^uintptr(0), 0, 0, 0))
	guard()
	permitted, _, _ := raw.Caps()
	return max(e, raw.SetCaps(permitted, permitted, 0))
}

// guard is for a process that has just changed its ids: such a change may make it dumpable
// (fs.suid_dumpable).
func guard() { raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// pair makes two connected sockets, away from the standard streams. If it cannot, they are errnos.
func pair(kind uintptr) (a, b uintptr) {
	var fds [2]int32
	r := raw.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&fds)), 0, 0)
	if raw.Errno(r) != 0 {
		return r, r
	}
	return lift(uintptr(fds[0])), lift(uintptr(fds[1]))
}

// lift moves a descriptor away from the standard streams, which the caller may have closed.
func lift(fd uintptr) uintptr {
	if fd > 2 {
		return fd
	}
	r := raw.Fcntl(fd, unix.F_DUPFD_CLOEXEC, 3)
	raw.Close(fd)
	return r
}

// end ends a launch, and says why.
func end(line uintptr, sub plan.Sub, e unix.Errno, extra uint32) {
	f := Fault{FaultWord, uint32(sub), uint32(e), extra}
	raw.Call(unix.SYS_SENDTO, line, raw.Addr(unsafe.Pointer(&f)), FaultSize, unix.MSG_NOSIGNAL, 0, 0)
	raw.Exit(1)
}

// run is the keeper, from its clone to its end. It returns in the sandbox's first process alone.
func run(line, launcher, uid, gid uintptr) First {
	mask := uint64(0)
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), &mask)
	if !confine() {
		raw.Exit(1)
	}
	var h Header
	receive(line, launcher, &h)
	readConf(line, gid)
	if extra := conf.Judge(h.Clone, h.Flags&TryUser != 0); extra != 0 {
		end(line, plan.SubRefused, 0, extra)
	}
	var first First
	owner := assume(line, &h, uid, gid)
	locked, e := enterNamespaces(h.Clone&^(unix.CLONE_NEWUSER|unix.CLONE_NEWPID), uid, owner, &first)
	proc := uintptr(0)
	if e == 0 {
		proc = prepare(line, &h, &first, locked)
	}
	if first.Slave != 0 { // all that the first process is for is to say so
		h.Clone &^= unix.CLONE_NEWUSER
	}
	for {
		mine, its := pair(unix.SOCK_SEQPACKET)
		if e == 0 {
			e = raw.Errno(mine)
		}
		if e == 0 {
			e = bePatient(mine, broker.Patience*broker.Breath)
		}
		if e == 0 {
			e = as(owner)
		}
		pid := uintptr(0)
		if e == 0 {
			pid = raw.Call(unix.SYS_CLONE, uintptr(h.Clone&unix.CLONE_NEWPID)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			if pid == 0 {
				raw.Close(mine)
				raw.Close(proc)
				born(&h, &first, its, uid, gid)
				raw.SetMask(unix.SIG_SETMASK, mask, nil)
				first.Broker, first.Clone, first.Launcher = its, h.Clone, launcher
				return first
			}
			e = max(raw.Errno(pid), as(0))
		}
		if e != 0 {
			end(line, plan.SubClone, e, h.Clone&^unix.CLONE_NEWUSER)
		}
		raw.Close(its)
		job := broker.Job{Sock: mine, Launcher: launcher, Cwd: proc, UID: uint32(uid), GID: uint32(gid)}
		if first.Proc == 0 {
			job.Fresh = newProc(mine)
		}
		if h.Clone&unix.CLONE_NEWUSER == 0 || mapped(line, proc, &h, pid, mine, uid, gid) {
			serve(line, &h, &first, &job)
		}
		raw.Close(mine) // the first process ends, and there is another one
		h.Clone &^= unix.CLONE_NEWUSER
	}
}

// enterNamespaces makes them; locked: see enterLocked. The files of a new mqueue belong to the user.
func enterNamespaces(flags uint32, uid, owner uintptr, first *First) (locked bool, e unix.Errno) {
	if locked, e = enterLocked(first); e != 0 {
		return locked, e
	}
	if locked {
		flags &^= unix.CLONE_NEWNS
	}
	if flags&unix.CLONE_NEWIPC != 0 {
		raw.Call(unix.SYS_SETFSUID, uid, 0, 0, 0, 0, 0)
	}
	e = raw.Errno(raw.Call(unix.SYS_UNSHARE, uintptr(flags), 0, 0, 0, 0, 0))
	return locked, max(e, as(owner))
}

// enterLocked enters a copy of the host's mounts that a process in a user namespace has made, and
// ended. Such mounts are locked together (mount_namespaces(7)): what one hides stays hidden from
// who has a descriptor from here when the mounts are taken apart. They propagate nothing. It reports
// false where root cannot make user namespaces, or such that are of use; that the user has as many as
// there may be is another matter.
func enterLocked(first *First) (locked bool, e unix.Errno) {
	space, here := raw.Text("/proc/self/ns/mnt\x00"), raw.Text("/proc/self/cwd\x00")
	// The two numbers are those that the other process, which shares the descriptors, gets again.
	its := raw.Openat(raw.AtCwd, space, unix.O_RDONLY, 0)
	cwd := raw.Openat(raw.AtCwd, here, unix.O_PATH|unix.O_DIRECTORY, 0)
	if e = raw.Errno(max(its, cwd)); e != 0 {
		return false, e
	}
	pid := raw.Clone(unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_FILES | unix.CLONE_VFORK)
	if pid == 0 {
		e = mount(nil, raw.Text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC)
		raw.Close(its)
		raw.Close(cwd)
		if e == 0 && (raw.Openat(raw.AtCwd, space, unix.O_RDONLY, 0) != its || raw.Openat(raw.AtCwd, here, unix.O_PATH|unix.O_DIRECTORY, 0) != cwd) {
			e = unix.EIO
		}
		raw.Exit(uint32(e))
	}
	if e = raw.Errno(pid); e == 0 {
		_, status := raw.Wait(pid)
		e = unix.Errno(status >> 8)
		if sig := status & 0x7f; sig != 0 { // as if we had made the call that the caller's filter kills for
			raw.SetMask(unix.SIG_SETMASK, 0, nil)
			raw.Kill(raw.Getpid(), uintptr(sig))
			raw.Exit(1)
		}
	}
	locked = e == 0
	switch e {
	case 0:
		e = raw.Errno(raw.Call(unix.SYS_SETNS, its, unix.CLONE_NEWNS, 0, 0, 0, 0))
		first.Cwd = cwd // setns(2) goes to the root, and root may not be allowed back
	case unix.ENOSPC:
		if none() {
			e = 0
		}
	case unix.EPERM, unix.EACCES, unix.EUSERS, unix.EINVAL, unix.ENOSYS:
		e = 0
	}
	raw.Close(its)
	if !locked {
		raw.Close(cwd)
	}
	return locked, e
}

// none reports whether the administrator permits no user namespaces at all.
func none() bool {
	fd := raw.Openat(raw.AtCwd, raw.Text("/proc/sys/user/max_user_namespaces\x00"), unix.O_RDONLY, 0)
	first, _ := raw.ReadByte(fd)
	raw.Close(fd)
	return first == '0'
}

// noFixup are SECBIT_NO_SETUID_FIXUP and SECBIT_KEEP_CAPS.
const noFixup = 1<<2 | 1<<4

// confine establishes: no exec gains anything, the bounding set is empty, a change of ids takes
// the capabilities, all uids are root's, and what is effective is suid.Kept at most.
func confine() bool {
	permitted, _, ok := raw.Caps()
	if !ok || permitted&needed != needed { // a container's root, say
		return false
	}
	if raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || raw.Call(unix.SYS_PRCTL, unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) != 1 || raw.CutBounding(0) != 0 {
		return false
	}
	// What would let a change of ids from root's leave capabilities (capabilities(7), "The
	// securebits flags").
	bits := raw.Call(unix.SYS_PRCTL, unix.PR_GET_SECUREBITS, 0, 0, 0, 0, 0)
	if raw.Errno(bits) != 0 || bits&noFixup != 0 && raw.Prctl(unix.PR_SET_SECUREBITS, bits&^noFixup, 0, 0, 0) != 0 {
		return false
	}
	kept := permitted & suid.Kept &^ (1 << unix.CAP_SETPCAP)
	if raw.SetCaps(kept, kept, 0) != 0 || !raw.NoMoreThan(kept) {
		return false
	}
	var ids [3]uint32
	p := raw.Addr(unsafe.Pointer(&ids))
	return raw.Errno(raw.Call(unix.SYS_GETRESUID, p, p+4, p+8, 0, 0, 0)) == 0 && ids[0]|ids[1]|ids[2] == 0
}

// receive reads the header. It ends the keeper where there is none, since direct mode works,
// where the launcher is gone, and where it is not one. It takes no descriptor.
func receive(line, launcher uintptr, h *Header) {
	if e := bePatient(line, broker.Breath); e != 0 {
		end(line, plan.SubKeeper, e, 0)
	}
	r := raw.Failed(unix.EINTR)
	for n := broker.Patience; n > 0 && (raw.Errno(r) == unix.EINTR || raw.Errno(r) == unix.EAGAIN) && raw.Getppid() == launcher; n-- {
		r = raw.Call(unix.SYS_RECVFROM, line, raw.Addr(unsafe.Pointer(h)), HeaderSize, unix.MSG_WAITALL, 0, 0)
	}
	if r != HeaderSize || h.Clone&^namespaces != 0 || h.Clone&unix.CLONE_NEWNS == 0 || h.Flags&^(TryUser|MapRoot|NewProc) != 0 {
		raw.Exit(0)
	}
}

// bePatient bounds how long a socket is waited at.
func bePatient(sock uintptr, seconds int64) unix.Errno {
	limit := unix.Timeval{Sec: seconds}
	return raw.Errno(raw.Call(unix.SYS_SETSOCKOPT, sock, unix.SOL_SOCKET, unix.SO_RCVTIMEO, raw.Addr(unsafe.Pointer(&limit)), unsafe.Sizeof(limit), 0))
}

// nowhere is above every descriptor.
const nowhere = 1<<31 - 1

// serve becomes the broker: it keeps CAP_SYS_ADMIN, its socket, and two descriptors of proc, and
// closes the caller's, where there is a call for that.
func serve(line uintptr, h *Header, first *First, job *broker.Job) {
	if first.Slave != 0 {
		raw.Exit(0) // the first process says it
	}
	job.Deny = conf.Deny()
	job.IPC, job.UTS = h.Clone&unix.CLONE_NEWIPC != 0, h.Clone&unix.CLONE_NEWUTS != 0
	raw.Call(unix.SYS_DUP3, job.Sock, 0, unix.O_CLOEXEC, 0, 0, 0)
	raw.Call(unix.SYS_DUP3, job.Cwd, 1, unix.O_CLOEXEC, 0, 0, 0)
	if job.Fresh != 0 {
		raw.Call(unix.SYS_DUP3, job.Fresh, 2, unix.O_CLOEXEC, 0, 0, 0)
		job.Fresh = 2
	}
	raw.Close(line)
	raw.Call(unix.SYS_CLOSE_RANGE, 3, nowhere, 0, 0, 0, 0) // since 5.9
	job.Sock, job.Cwd = 0, 1
	raw.Call(unix.SYS_UMASK, 0, 0, 0, 0, 0, 0)
	if raw.Fchdir(job.Cwd) != 0 || bePatient(job.Sock, broker.Breath) != 0 || raw.SetCaps(1<<unix.CAP_SYS_ADMIN, 1<<unix.CAP_SYS_ADMIN, 0) != 0 || !raw.NoMoreThan(1<<unix.CAP_SYS_ADMIN) {
		raw.Exit(1)
	}
	broker.Serve(job)
}

// born makes the keeper's clone the user's. Nothing of the user's has been read by it.
func born(h *Header, first *First, its, uid, gid uintptr) {
	if first.Proc == 0 {
		first.Proc = makeProc()
		raw.SendByte(its, byte(first.Proc))
	}
	user := h.Clone&unix.CLONE_NEWUSER != 0
	e := unix.Errno(0)
	if user {
		enterUser(its)
		uid, gid = uintptr(h.UID), uintptr(h.GID)
		e = raw.CutBounding(0) // the namespace came with a full one
	}
	if e == 0 {
		e = become(uid, gid)
	}
	if e == 0 {
		e = raw.SetCaps(0, 0, 0)
	}
	if e == 0 && (!raw.NoMoreThan(0) || !hasIDs(uid, gid)) {
		e = unix.EPERM
	}
	if user {
		raw.SendByte(its, byte(e))
	}
	if e != 0 {
		raw.Exit(1)
	}
}
