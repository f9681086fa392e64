package broker

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the broker, with CAP_SYS_ADMIN and root's ids.
//
// Each request comes from a process that the user controls. The rules that keep it harmless:
//
//   - The broker reads one message of fixed size into a fixed buffer. Another size, another number of
//     descriptors than two, or an unknown operation ends it.
//   - It uses no path from the user. Sources and destinations are descriptors; the kernel refuses
//     those whose mount is in another mount namespace (check_mnt, fs/namespace.c).
//   - Where a system call takes only a path (mount(2), pivot_root(2)), the path is "self/fd/N", looked
//     up in the detached proc that is the working directory. No process can mount anything there, so
//     the path leads to the file that descriptor N is open on, and to no other.
//   - Flags are only added: to a bind before it is at its destination. mount_setattr(2) does it (Linux 5.12).
//   - Without mount_setattr, mount(2) replaces all flags of a mount: restrict reads the present
//     ones with fstatfs(2) from the same descriptor, and names them again.
//   - Binds are recursive, so a bind shows nothing that another mount hides.
//   - The options of new file systems are constants, except for the size and the mode of a tmpfs, which are
//     numbers of the user's. Its owner is the user.
//   - An errno is the only answer. The broker reads no file and lists no directory.
//   - Requests and file systems are counted, and a silent peer is left after a time, so that no
//     sandbox holds the broker or kernel memory without limit.
//
// Before ROOT only HOSTNAME is accepted besides ROOT itself: until then "/" is the host's root, and
// there is nothing of the sandbox's to mount on. After PIVOT the broker ends; the payload never runs
// beside a broker.
//
// A bind waits below Stage until it has its flags. Only root has access there, and the broker keeps a
// descriptor of the directory, so a mount on top of it does not matter. A BIND may leave mounts there, some
// without flags.
//
// The two descriptors of a request are the lowest free ones, and 0 is taken, so what the broker opens is above
// 2 (raw.AboveStdio makes no call, which the filter would not permit).

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Job is what the keeper hands to the broker. It has also made the working directory a detached proc, in
// which the user cannot mount anything.
type Job struct {
	Sock     uintptr // receives requests; a read returns after CheckSeconds (SO_RCVTIMEO)
	Launcher uintptr // the pid of the parent; if it is gone, the broker ends
	NewProc  bool    // there may be a new proc on FreshProc, which ROOT moves to the path NewProc
	UID, GID uint32  // the owner of new file systems
	Clone    uint32  // the CLONE_NEW* flags of the sandbox's namespaces
	Deny     uint32  // what setuid.conf refuses

	stage     uintptr // the directory Stage
	frameDone bool    // ROOT was carried out
	fsCount   uint32  // how many FS requests there were, also those that failed
	baseDev   uint64  // the device of Base
	procDev   uint64  // the device of NewProc, or 0
}

// Serve carries out requests one at a time until PIVOT, the end of the socket or an invalid request. It
// does not return.
func Serve(j *Job) {
	if !installFilter() {
		raw.Exit(1)
	}
	for range MaxRequests {
		var q Request
		fd, fd2, ok := receive(j.Sock, j.Launcher, &q)
		// Hostname may come at any time, Root once, all others after Root.
		if !ok || q.Op == 0 || q.Op >= numOps || q.Op != Hostname && j.frameDone == (q.Op == Root) {
			break
		}
		answer := uint32(j.do(&q, fd, fd2))
		raw.Close(fd)
		raw.Close(fd2)
		if raw.Call(unix.SYS_SENDTO, j.Sock, raw.Addr(unsafe.Pointer(&answer)), 4, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0) != 4 || q.Op == Pivot || q.Op == Root && answer != 0 {
			break // without a frame "/" is the host's
		}
	}
	raw.Exit(0)
}

// receive reads one request with its two descriptors. It reports false at the end of the socket, without the
// launcher, after MaxIdleChecks timeouts, and for anything else.
func receive(sock, launcher uintptr, q *Request) (fd, fd2 uintptr, ok bool) {
	var with rights
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(q)), RequestSize}
	m := raw.Msghdr{Iov: raw.Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: raw.Addr(unsafe.Pointer(&with)), Controllen: unsafe.Sizeof(with)}
	r := raw.Failed(unix.EAGAIN)
	for tries := MaxIdleChecks; tries > 0 && (raw.Errno(r) == unix.EINTR || raw.Errno(r) == unix.EAGAIN) && raw.Getppid() == launcher; tries-- {
		r = raw.Call(unix.SYS_RECVMSG, sock, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
	}
	ok = r == RequestSize && m.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) == 0 &&
		with.level == unix.SOL_SOCKET && with.kind == unix.SCM_RIGHTS && with.length == twoFds
	return uintptr(with.fds[0]), uintptr(with.fds[1]), ok
}

// do carries out one request.
func (j *Job) do(q *Request, fd, fd2 uintptr) unix.Errno {
	var c raw.Chain
	switch q.Op {
	case Bind:
		return j.bind(fd, fd2, q)
	case FS:
		return j.mountFS(fd, q)
	case Restrict:
		if c.Require(q.A&^Flags == 0, unix.EINVAL); c.Errno == 0 {
			return restrict(fd, uintptr(q.A), 0, true)
		}
	case Root:
		return j.makeFrame()
	case Pivot: // "pivot_root(".", ".")": the old root is then on "/", and is detached
		var at raw.Line
		path := raw.Addr(at.Below(fd))
		c.Call(unix.SYS_PIVOT_ROOT, path, path, 0, 0, 0)
		c.Call(unix.SYS_UMOUNT2, raw.Addr(raw.Text("/\x00")), unix.MNT_DETACH, 0, 0, 0)
	case Hostname:
		c.Require(j.Clone&unix.CLONE_NEWUTS != 0 && j.Deny&DenyHostname == 0, unix.EPERM)
		c.Require(q.A <= MaxName, unix.EINVAL)
		c.Call(unix.SYS_SETHOSTNAME, raw.Addr(unsafe.Pointer(&q.Name)), uintptr(q.A), 0, 0, 0)
	}
	return c.Errno
}

// deviceOf returns the device of the file system that a path leads to.
func deviceOf(c *raw.Chain, dir uintptr, path unsafe.Pointer, how uintptr) uint64 {
	var st unix.Stat_t
	c.Call(unix.SYS_NEWFSTATAT, dir, raw.Addr(path), raw.Addr(unsafe.Pointer(&st)), how, 0)
	return uint64(st.Dev)
}

// bind is BIND. What it moves is what lies on top now: if a mount covers the source, that is the copy of the
// cover. So the flags, and what setuid.conf refuses, concern what is about to move: if it refuses writable
// binds, only files that set-up itself has made (on the tmpfs at Base) and the new proc may be bound writable.
func (j *Job) bind(src, dst uintptr, q *Request) unix.Errno {
	var c raw.Chain
	var from, to raw.Line
	name := raw.Text("file\x00")
	if q.B&Directory != 0 {
		name = raw.Text("dir\x00")
	}
	c.Require(q.A&^Flags == 0 && q.B <= Directory|TopOnly, unix.EINVAL)
	at := c.Open(j.stage, name, unix.O_PATH|unix.O_NOFOLLOW)
	c.Mount(from.Below(src), to.Below(at), nil, unix.MS_BIND|unix.MS_REC, nil)
	raw.Close(at)
	at = c.Open(j.stage, name, unix.O_PATH|unix.O_NOFOLLOW) // what lies there now, a symbolic link too
	if j.Deny&DenyWritable != 0 && q.A&unix.MS_RDONLY == 0 {
		dev := deviceOf(&c, at, raw.Text("\x00"), unix.AT_EMPTY_PATH)
		c.Require(dev == j.baseDev || dev == j.procDev, unix.EPERM)
	}
	if c.Errno == 0 {
		if e := restrict(at, uintptr(q.A)|unix.MS_NOSUID, unix.AT_RECURSIVE, q.B&TopOnly != 0); e != 0 {
			c.Errno = FailedFlags | e
		}
		if c.Mount(from.Below(at), to.Below(dst), nil, unix.MS_MOVE, nil); c.Errno == unix.EINVAL { // for example the copy of a locked cover
			c.Errno = 0
			c.Mount(from.Below(at), to.Below(dst), nil, unix.MS_BIND|unix.MS_REC, nil)
		}
	}
	raw.Close(at)
	return c.Errno
}

// statfsFlags pairs the flags of statfs(2) with those of mount(2).
//
//nolint:gochecknoglobals // read-only table
var statfsFlags = [...][2]uint32{
	{unix.ST_RDONLY, unix.MS_RDONLY},
	{unix.ST_NOSUID, unix.MS_NOSUID},
	{unix.ST_NODEV, unix.MS_NODEV},
	{unix.ST_NOEXEC, unix.MS_NOEXEC},
	{unix.ST_NOATIME, unix.MS_NOATIME},
	{unix.ST_NODIRATIME, unix.MS_NODIRATIME},
	{unix.ST_RELATIME, unix.MS_RELATIME},
	{0x2000, unix.MS_NOSYMFOLLOW}, // ST_NOSYMFOLLOW, since Linux 5.10
}

// restrict adds flags to the mount whose root is fd, and with AT_RECURSIVE to all below it. MS_* and
// MOUNT_ATTR_* are equal for those in Flags. A tree that becomes read-only becomes private: a mount that
// propagated into it later would have the host's flags. If mount_setattr(2) is missing or refused, and topOnly
// permits it, mount(2) changes the one mount. It replaces all flags, so the present ones are named again.
func restrict(fd, flags, how uintptr, topOnly bool) unix.Errno {
	var c raw.Chain
	var st unix.Statfs_t
	var at raw.Line
	attr := unix.MountAttr{Attr_set: uint64(flags)}
	if how == unix.AT_RECURSIVE && flags&unix.MS_RDONLY != 0 {
		attr.Propagation = unix.MS_PRIVATE
	}
	c.Call(unix.SYS_MOUNT_SETATTR, fd, raw.Addr(raw.Text("\x00")), unix.AT_EMPTY_PATH|how, raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if !topOnly || c.Errno != unix.ENOSYS && c.Errno != unix.EPERM {
		return c.Errno
	}
	c.Errno = 0
	c.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0)
	for i := range len(statfsFlags) {
		if uint64(st.Flags)&uint64(statfsFlags[i][0]) != 0 {
			flags |= uintptr(statfsFlags[i][1])
		}
	}
	c.Mount(nil, at.Below(fd), nil, unix.MS_REMOUNT|unix.MS_BIND|flags, nil)
	if attr.Propagation != 0 {
		c.Mount(nil, at.Below(fd), nil, unix.MS_PRIVATE|unix.MS_REC, nil)
	}
	return c.Errno
}

// mountFS is FS: a tmpfs, devpts or mqueue with fixed options. What has failed counts too.
func (j *Job) mountFS(dst uintptr, q *Request) unix.Errno {
	var c raw.Chain
	var to raw.Line
	c.Require(q.A < numKinds && (q.A == Tmpfs || q.B|q.C == 0), unix.EINVAL)
	c.Require(j.Deny&(DenyTmpfs<<q.A) == 0 && (q.A != Mqueue || j.Clone&unix.CLONE_NEWIPC != 0), unix.EPERM)
	c.Require(j.fsCount < MaxFileSystems, unix.ENOSPC)
	j.fsCount++
	devpts, mqueue := raw.Text("devpts\x00"), raw.Text("mqueue\x00")
	switch q.A {
	case Tmpfs:
		j.tmpfs(&c, to.Below(dst), q.B, q.C)
	case Devpts:
		c.Mount(devpts, to.Below(dst), devpts, unix.MS_NOSUID|unix.MS_NOEXEC, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	case Mqueue:
		c.Mount(mqueue, to.Below(dst), mqueue, 0, nil)
	}
	return c.Errno
}

// tmpfs mounts a tmpfs that belongs to the user.
func (j *Job) tmpfs(c *raw.Chain, dst unsafe.Pointer, size, mode uint64) {
	var options raw.Line
	options.Put("mode=").Number(uintptr(mode)).Put(",uid=").Number(uintptr(j.UID)).Put(",gid=").Number(uintptr(j.GID))
	if size != 0 {
		options.Put(",size=").Number(uintptr(size))
	}
	fs := raw.Text("tmpfs\x00")
	c.Mount(fs, dst, fs, unix.MS_NOSUID|unix.MS_NODEV, options.At())
}

// makeFrame is ROOT. A tmpfs of root's becomes "/"; the old root moves to OldRoot on it. Next to it are
// two tmpfs of the user's, Base and NewRoot, and the new proc, if there is one (picture: package suid, "The
// frame"). "/.." is the topmost mount on "/": first the new tmpfs, after pivot_root the old root.
func (j *Job) makeFrame() unix.Errno {
	up, tmpfs := raw.Text("/..\x00"), raw.Text("tmpfs\x00")
	var c, proc raw.Chain
	c.Mount(tmpfs, raw.Text("/\x00"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, raw.Text("mode=0755\x00"))
	if c.Errno != 0 {
		return c.Errno
	}
	if c.Call(unix.SYS_PIVOT_ROOT, raw.Addr(up), raw.Addr(up), 0, 0, 0); c.Errno != 0 {
		return FailedFlags | c.Errno
	}
	c.Mount(up, makeDir(&c, OldRoot+"\x00"), nil, unix.MS_MOVE, nil)
	j.tmpfs(&c, makeDir(&c, Base+"\x00"), 0, 755)
	j.tmpfs(&c, makeDir(&c, NewRoot+"\x00"), 0, 755)
	j.stage = c.Open(raw.AtCwd, makeDir(&c, Stage+"\x00"), unix.O_PATH)
	j.baseDev = deviceOf(&c, raw.AtCwd, raw.Text(Base+"\x00"), 0)
	makeDir(&c, Stage+"/dir\x00")
	c.Call(unix.SYS_MKNODAT, raw.AtCwd, raw.Addr(raw.Text(Stage+"/file\x00")), unix.S_IFREG|0o600, 0, 0)
	if j.NewProc { // from the host's tree, where binds would include it; there is none if the kernel has refused it
		proc.Mount(raw.Text(OldRoot+FreshProc+"\x00"), makeDir(&c, NewProc+"\x00"), nil, unix.MS_MOVE, nil)
		j.procDev = deviceOf(&proc, raw.AtCwd, raw.Text(NewProc+"\x00"), 0)
	}
	j.frameDone = c.Errno == 0
	return c.Errno
}

// makeDir makes a directory, to which only root has access, and returns its path.
func makeDir(c *raw.Chain, path string) unsafe.Pointer {
	c.Call(unix.SYS_MKDIRAT, raw.AtCwd, raw.Addr(raw.Text(path)), 0o700, 0, 0)
	return raw.Text(path)
}
