package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; Fork in the launcher, before it drops.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
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

// First is what the sandbox's first process knows from the start.
type First struct {
	Broker                uintptr    // where it asks the broker
	Clone                 uint32     // the namespaces that are new
	Slave, Loopback, Proc unix.Errno // why mounts still propagate, the interface is down, there is no new proc
}

// needed are the capabilities without which there is no setuid mode.
const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETPCAP

// Fork clones the keeper, which calls Run next, and returns its pid. It is the keeper that it
// will be from its first instruction on: root's ids, and no capability but suid.Kept. The
// caller has the same, and drops.
func Fork() uintptr {
	permitted, _, _ := raw.Caps()
	if permitted&needed == needed {
		e := raw.Errno(raw.Call(unix.SYS_SETRESUID, 0, 0, 0, 0, 0, 0))
		guard()
		if e == 0 {
			e = raw.SetCaps(permitted&suid.Kept, permitted&suid.Kept, 0)
		}
		if e != 0 {
			step.GiveUp(raw.Text("Can't start the keeper of the setuid mode\x00"), e)
		}
	}
	return raw.Clone(0)
}

// guard is for a process that has just changed its ids: such a change may make it dumpable
// (fs.suid_dumpable).
func guard() { raw.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// Run is the keeper, from its clone to its end. It returns in the sandbox's first process
// alone, which is the user's then. Faults are said by s; line is the launcher's socket.
func Run(s *step.State, line, launcher, uid, gid uintptr) First {
	mask := uint64(0)
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), &mask)
	if !settle(uid) || raw.Getppid() != launcher {
		raw.Exit(1)
	}
	var h Header
	receive(line, &h)
	readConf(s, gid)
	if extra := conf.Judge(h.Clone, h.Flags&TryUser != 0); extra != 0 {
		s.EndNoStep(step.Fault{Sub: plan.SubRefused, Extra: extra})
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 && !mayOwn(s, &h, uid, gid) {
		h.Clone &^= unix.CLONE_NEWUSER
	}
	if e := raw.Errno(raw.Call(unix.SYS_UNSHARE, uintptr(h.Clone&^(unix.CLONE_NEWUSER|unix.CLONE_NEWPID)), 0, 0, 0, 0, 0)); e != 0 {
		s.EndNoStep(step.Fault{Errno: e, Sub: plan.SubClone, Extra: h.Clone &^ unix.CLONE_NEWUSER})
	}
	raw.Call(unix.SYS_SETFSUID, 0, 0, 0, 0, 0, 0)
	guard()
	var first First
	proc := prepare(s, &h, &first)
	for {
		mine, its := pair(s)
		if raw.Getppid() != launcher {
			raw.Exit(1)
		}
		pid := raw.Call(unix.SYS_CLONE, uintptr(h.Clone&unix.CLONE_NEWPID)|unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if e := raw.Errno(pid); e != 0 {
			s.EndNoStep(step.Fault{Errno: e, Sub: plan.SubClone, Extra: h.Clone &^ unix.CLONE_NEWUSER})
		}
		if pid == 0 {
			raw.Close(mine)
			born(&h, &first, its, uid, gid)
			raw.SetMask(unix.SIG_SETMASK, mask, nil)
			first.Broker, first.Clone = its, h.Clone
			return first
		}
		raw.Close(its)
		fresh := uintptr(0)
		if first.Proc == 0 {
			if e, ok := raw.ReadByte(mine); ok && e == 0 {
				fresh = raw.Openat(raw.AtCwd, raw.Text(waitingRoom), unix.O_PATH|unix.O_DIRECTORY, 0)
			}
			if raw.Errno(fresh) != 0 {
				raw.Exit(1)
			}
		}
		if h.Clone&unix.CLONE_NEWUSER == 0 || mapped(s, &h, pid, mine, uid, gid) {
			serve(s, &h, &first, broker.Job{Sock: mine, Cwd: proc, Fresh: fresh, UID: uint32(uid), GID: uint32(gid)}, line)
		}
		raw.Close(mine) // the first process ends
		h.Clone &^= unix.CLONE_NEWUSER
	}
}

// settle establishes: no exec gains anything, the bounding set is empty, all uids are root's but
// that for files, which is the user's, what is effective is suid.Kept at most, and nobody
// traces.
func settle(uid uintptr) bool {
	permitted, _, ok := raw.Caps()
	if !ok || permitted&needed != needed { // a container's root, say
		return false
	}
	if raw.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || raw.Call(unix.SYS_PRCTL, unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) != 1 || raw.CutBounding(0) != 0 {
		return false
	}
	kept := permitted & suid.Kept &^ (1 << unix.CAP_SETPCAP)
	raw.Call(unix.SYS_SETFSUID, uid, 0, 0, 0, 0, 0)
	guard()
	if raw.SetCaps(kept, kept, 0) != 0 || !raw.NoMoreThan(kept) {
		return false
	}
	var ids [3]uint32
	p := raw.Addr(unsafe.Pointer(&ids))
	return raw.Errno(raw.Call(unix.SYS_GETRESUID, p, p+4, p+8, 0, 0, 0)) == 0 && ids[0]|ids[1]|ids[2] == 0
}

// receive reads the header. It ends the keeper where there is none, since direct mode works,
// and where it is not one. There is no room for a descriptor, so that the kernel drops it and says
// MSG_CTRUNC.
func receive(line uintptr, h *Header) {
	patience(line)
	done := uintptr(0)
	for done < HeaderSize {
		var m raw.Msghdr
		iov := [2]uintptr{raw.Addr(unsafe.Pointer(h)) + done, HeaderSize - done}
		m.Iov, m.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 1
		r := raw.Call(unix.SYS_RECVMSG, line, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
		if r == 0 && done == 0 {
			raw.Exit(0)
		}
		if raw.Errno(r) != 0 || r == 0 || m.Flags&unix.MSG_CTRUNC != 0 {
			raw.Exit(1)
		}
		done += r
	}
	if h.Clone&^namespaces != 0 || h.Clone&unix.CLONE_NEWNS == 0 || h.Flags&^(TryUser|MapRoot|NewProc) != 0 {
		raw.Exit(1)
	}
}

// patience bounds how long a socket is waited at.
func patience(sock uintptr) {
	limit := unix.Timeval{Sec: broker.Patience}
	raw.Call(unix.SYS_SETSOCKOPT, sock, unix.SOL_SOCKET, unix.SO_RCVTIMEO, raw.Addr(unsafe.Pointer(&limit)), unsafe.Sizeof(limit), 0)
}

// pair makes the sockets between the broker and the first process, which keep messages apart.
func pair(s *step.State) (mine, its uintptr) {
	var fds [2]int32
	r := raw.Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0, raw.Addr(unsafe.Pointer(&fds)), 0, 0)
	if e := raw.Errno(r); e != 0 {
		s.EndNoStep(step.Failed(e, plan.SubKeeper))
	}
	return s.Above(uintptr(fds[0])), s.Above(uintptr(fds[1]))
}

// serve becomes the broker: it keeps CAP_SYS_ADMIN, its socket, and two descriptors of proc.
func serve(s *step.State, h *Header, first *First, job broker.Job, line uintptr) {
	if first.Slave != 0 {
		raw.Exit(0) // the first process says it
	}
	job.Deny = conf.Deny()
	if job.Fresh != 0 {
		job.Fresh = s.Above(job.Fresh)
	}
	job.IPC, job.UTS = h.Clone&unix.CLONE_NEWIPC != 0, h.Clone&unix.CLONE_NEWUTS != 0
	raw.Close(s.Sock)
	raw.Close(line)
	raw.Call(unix.SYS_CLOSE_RANGE, 0, min(job.Sock, job.Cwd, s.Floor())-1, 0, 0, 0, 0) // the caller's, where there is such a call
	raw.Call(unix.SYS_UMASK, 0, 0, 0, 0, 0, 0)
	patience(job.Sock)
	if raw.SetCaps(1<<unix.CAP_SYS_ADMIN, 1<<unix.CAP_SYS_ADMIN, 0) != 0 || !raw.NoMoreThan(1<<unix.CAP_SYS_ADMIN) {
		raw.Exit(1)
	}
	broker.Serve(&job)
}

// born makes the keeper's clone the user's. Nothing of the user's has been read by it.
func born(h *Header, first *First, its, uid, gid uintptr) {
	if first.Proc == 0 {
		first.Proc = makeProc()
		raw.SendByte(its, byte(first.Proc))
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 {
		enterUser(its, uid)
		uid, gid = uintptr(h.UID), uintptr(h.GID)
		if e := raw.CutBounding(0); e != 0 { // the namespace came with a full one
			raw.SendByte(its, byte(e))
			raw.Exit(1)
		}
	}
	e := become(uid, gid)
	if e == 0 && (!raw.NoMoreThan(0) || !hasIDs(uid, gid)) {
		e = unix.EPERM
	}
	guard()
	if h.Clone&unix.CLONE_NEWUSER != 0 {
		raw.SendByte(its, byte(e))
	}
	if e != 0 {
		raw.Exit(1)
	}
}
