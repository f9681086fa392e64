package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; part of makeUserNS in a short-lived child.
//
// All namespaces are made here, except for the PID namespace, which the clone of the first process makes.
//
// The owner of a user namespace is the effective uid of the process that creates it. A process outside with
// that uid may enter the namespace and has all capabilities in it (user_namespaces(7)), which is what this
// kernel refuses to ordinary users. So the namespace must not belong to the user, nor to root, whose limits the
// user could then exhaust. It is created under an id that no account has (suid.Owner).
//
// One user namespace serves two purposes. The mount namespace is made in it, as a copy of the host's mounts in
// which all mounts are locked together (mount_namespaces(7)): a mount cannot be removed to show what it hides,
// not even through a descriptor that outlives the namespace. And it is the sandbox's, if the Header asks for
// one: then the keeper writes its maps, and the first process enters it. The keeper itself never does.
//
// A short-lived child makes both and opens them for the keeper. The maps are written when it has ended, but has
// not been waited for: until then its directory in proc shows its namespace. No pid is looked up, so it is that
// of no other process. The child sends no signal at its end (clone(2)): if the caller ignores SIGCHLD, the
// status of a child that sends one is lost (wait(2)).

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// chooseOwner sets the effective uid under which all namespaces of the launch are made, so that the kernel
// counts them as that id's (namespaces(7), "user.max_*"), not as root's. It returns 0, for root, if the
// caller has a reserved id or the owner id does not exist here. Then the sandbox gets no user namespace.
func chooseOwner(h *Header, uid, gid uintptr) (owner uintptr) {
	owner = uintptr(suid.Owner(uint32(uid)))
	reason := suid.Permitted
	if suid.Reserved(uint32(uid)) || suid.Reserved(uint32(gid)) {
		reason, owner = suid.ReasonReserved, 0
	} else if setEUID(owner) != 0 {
		reason, owner = suid.ReasonNoOwner, 0
	}
	if h.Clone&unix.CLONE_NEWUSER != 0 && reason != suid.Permitted {
		goWithoutUserNS(h, plan.SubRefused, 0, uint32(reason))
	}
	return owner
}

// goWithoutUserNS ends the launch if the user namespace was required, and otherwise does without it.
func goWithoutUserNS(h *Header, sub plan.Sub, e unix.Errno, extra uint32) {
	if h.Flags&TryUser == 0 {
		failLaunch(sub, e, extra)
	}
	h.Clone &^= unix.CLONE_NEWUSER
}

// enterNamespaces makes all namespaces and enters them, except for the PID namespace, which the clone of the
// first process makes, and the user namespace, which only that process enters. It returns a descriptor of the
// latter, or broker.None, and whether the mounts are locked.
func enterNamespaces(h *Header, first *First, owner, uid, gid uintptr) (userNS uintptr, locked bool) {
	fds, locked := makeUserNS(h, owner, uid, gid)
	spaces := uintptr(h.Clone &^ (unix.CLONE_NEWUSER | unix.CLONE_NEWPID))
	var c raw.Chain
	if locked { // setns(2) changes to "/", and root may not be permitted to change back
		c.Call(unix.SYS_SETNS, fds[mountNS], unix.CLONE_NEWNS, 0, 0, 0)
		first.Cwd, spaces = fds[workDir], spaces&^unix.CLONE_NEWNS
	} else {
		raw.Close(fds[workDir])
	}
	raw.Close(fds[mountNS])
	raw.Close(fds[procDir])
	raw.Call(unix.SYS_SETFSUID, uid, 0, 0, 0, 0, 0) // to whom a new mqueue belongs; setEUID changes it back
	setUndumpable()
	c.Call(unix.SYS_UNSHARE, spaces, 0, 0, 0, 0)
	failIf(max(c.Errno, setEUID(owner)), plan.SubClone, h.Clone)
	if h.Clone&unix.CLONE_NEWUSER == 0 {
		raw.Close(fds[ownNS])
		return broker.None, locked
	}
	return fds[ownNS], locked
}

// What the child of makeUserNS opens for the keeper.
const (
	mountNS = iota // its mount namespace
	ownNS          // its user namespace
	workDir        // the launcher's working directory, in the copy of the mounts
	procDir        // its directory in proc, with the maps
	numOpened
)

// The paths of these below proc, each of openedSize bytes, and the flags to open them with.
const (
	openedPaths = "self/ns/mnt\x00\x00" + // mountNS
		"self/ns/user\x00" + // ownNS
		"self/cwd\x00\x00\x00\x00\x00" + // workDir
		"self\x00\x00\x00\x00\x00\x00\x00\x00\x00" // procDir
	openedSize = uintptr(len(openedPaths) / numOpened)
)

//nolint:gochecknoglobals // read-only table
var openedFlags = [numOpened]uintptr{workDir: unix.O_PATH | unix.O_DIRECTORY, procDir: unix.O_PATH | unix.O_DIRECTORY}

// ChildKilled is the errno of a Fault if a signal has killed the child of makeUserNS, as a seccomp filter does.
const ChildKilled = unix.ECANCELED

// makeUserNS makes a user namespace and a mount namespace in it, and the maps. It reports false if root cannot
// make user namespaces here, or has no capability in them. An exceeded limit (ENOSPC) ends the launch instead,
// since the user could cause it.
func makeUserNS(h *Header, owner, uid, gid uintptr) (fds [numOpened]uintptr, locked bool) {
	proc, _ := openProc()
	var c raw.Chain
	for i := range fds { // not a directory: if the child fails, nothing can be written
		fds[i] = c.Open(proc, raw.Text("self/stat\x00"), unix.O_PATH)
	}
	failIf(c.Errno, plan.SubProc, 0)
	pid := c.Call(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_NEWNS|unix.CLONE_FILES|unix.CLONE_VFORK, 0, 0, 0, 0)
	if c.Errno == 0 && pid == 0 {
		c.Errno = makeSlaves()
		for i := range fds { // in a descriptor table that it shares with the keeper
			fd := c.Open(proc, unsafe.Add(raw.Text(openedPaths), openedSize*uintptr(i)), openedFlags[i])
			c.Call(unix.SYS_DUP3, fd, fds[i], unix.O_CLOEXEC, 0, 0)
			raw.Close(fd)
		}
		raw.Exit(uint32(c.Errno))
	}
	sub, failed, extra := plan.SubClone, c.Errno, h.Clone
	if c.Errno == 0 {
		status := uint32(0)
		sub, failed = writeMaps(h, fds[procDir], owner, uid, gid)
		c.Call(unix.SYS_WAIT4, pid, raw.Addr(unsafe.Pointer(&status)), unix.WALL, 0, 0)
		c.Require(status&0x7f == 0, ChildKilled)
		if c.Errno, extra = max(c.Errno, unix.Errno(status>>8)), 0; c.Errno != 0 {
			sub, failed, extra = plan.SubRefused, c.Errno, uint32(suid.ReasonPowerless)
		}
	}
	switch e := c.Errno; {
	case e == 0 || e == unix.EPERM || e == unix.EACCES || e == unix.EUSERS || e == unix.EINVAL || e == unix.ENOSYS:
	case e != unix.ENOSPC || !userNSDisabled(proc):
		failLaunch(plan.SubClone, e, h.Clone)
	}
	raw.Close(proc)
	if h.Clone&unix.CLONE_NEWUSER != 0 && failed != 0 {
		goWithoutUserNS(h, sub, failed, extra)
	}
	return fds, c.Errno == 0
}

// writeMaps writes the maps of the user namespace, if the Header asks for one. The files below dir are root's.
// In a /proc with hidepid= they are visible by CAP_SYS_PTRACE.
func writeMaps(h *Header, dir, owner, uid, gid uintptr) (sub plan.Sub, e unix.Errno) {
	if h.Clone&unix.CLONE_NEWUSER == 0 {
		return 0, 0
	}
	var gids, uids raw.Line
	failIf(setEUID(0), plan.SubSetgroups, 0)
	sub, e = plan.SubSetgroups, step.WriteBelow(dir, raw.Text("setgroups\x00"), raw.Text("deny\x00"))
	if e == 0 || e == unix.ENOENT { // before Linux 3.19
		sub, e = plan.SubGIDMap, step.WriteBelow(dir, raw.Text("gid_map\x00"), mapOf(&gids, h.GID, gid))
	}
	if e == 0 {
		sub, e = plan.SubUIDMap, step.WriteBelow(dir, raw.Text("uid_map\x00"), mapOf(&uids, h.UID, uid))
	}
	failIf(setEUID(owner), sub, 0)
	return sub, e
}

// userNSDisabled reports whether user.max_user_namespaces is 0.
func userNSDisabled(proc uintptr) bool {
	var c raw.Chain
	first := byte(0)
	fd := c.Open(proc, raw.Text("sys/user/max_user_namespaces\x00"), unix.O_RDONLY)
	c.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&first)), 1, 0, 0)
	raw.Close(fd)
	return first == '0'
}

// mapOf formats a map of one id.
func mapOf(l *raw.Line, inside uint32, outside uintptr) unsafe.Pointer {
	return l.Number(uintptr(inside)).Put(" ").Number(outside).Put(" 1\n").At()
}
