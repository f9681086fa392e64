package broker

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the broker, with CAP_SYS_ADMIN and root's ids.
//
// Each request comes from a process that the user controls. The rules that keep it harmless:
//
//   - The broker reads one message of fixed size into a fixed buffer. Another size, a third
//     descriptor or an unknown operation ends it.
//   - It uses no path from the user. Sources and destinations are descriptors; the kernel refuses
//     those whose mount is in another mount namespace (check_mnt, fs/namespace.c).
//   - Where a system call takes only a path (mount(2), pivot_root(2)), the path is "self/fd/N", looked
//     up in the detached proc that is the working directory. No process can mount anything there, so
//     the path leads to the file that descriptor N is open on, and to no other.
//   - Flags are only added. open_tree(2), since Linux 5.2, clones a tree with all mounts below it
//     and their flags. mount_setattr(2), since 5.12, adds flags before the clone is attached.
//   - Without mount_setattr, mount(2) replaces all flags of a mount: restrict reads the present
//     ones with fstatfs(2) from the same descriptor, and names them again.
//   - Binds are recursive, so a bind shows nothing that another mount hides.
//   - The options of new file systems are constants, except for mode and size.
//   - An errno is the only answer. The broker reads no file and lists no directory.
//   - Requests and file systems are counted, and a silent peer is left after a time, so that no
//     sandbox holds the broker or kernel memory without limit.
//
// Before ROOT only HOSTNAME is accepted besides ROOT itself: until then "/" is the host's root, and
// there is nothing of the sandbox's to mount on. After PIVOT the broker ends; the payload never runs
// beside a broker.
//
// The classic way (STAGE, PLACE) is for kernels without open_tree, or a caller's filter that
// refuses it. There a bind cannot be changed before it is attached. It is attached to a staging place on
// root's tmpfs instead, restricted there one mount at a time (RESTRICT), and then moved.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Job is what the keeper hands to the broker.
type Job struct {
	Sock     uintptr // receives requests; a read returns after CheckSeconds (SO_RCVTIMEO)
	Launcher uintptr // the pid of the parent; if it is gone, the broker ends
	Cwd      uintptr // the working directory: a detached proc, in which the user cannot mount anything
	NewProc  bool    // there is a new proc on FreshProc, which ROOT moves to the path NewProc
	UID, GID uint32  // the owner of new file systems
	Clone    uint32  // the CLONE_NEW* flags of the sandbox's namespaces
	Deny     uint32  // what setuid.conf refuses

	frameDone bool   // ROOT was carried out
	fsCount   uint32 // how many file systems were mounted
	baseDev   uint64 // the device of Base
	procDev   uint64 // the device of NewProc
}

// Serve carries out requests one at a time until PIVOT, the end of the socket or an invalid request. It
// does not return.
func Serve(j *Job) {
	if !installFilter() {
		raw.Exit(1)
	}
	for range MaxRequests {
		var q Request
		fd, fd2, n := receive(j.Sock, j.Launcher, &q)
		if q.Op == 0 || q.Op >= numOps || n != int(fdsOf[q.Op]) || !j.inOrder(q.Op) {
			break
		}
		answer := uint32(j.do(&q, fd, fd2))
		raw.Close(fd) // if it is None, close(2) fails with EBADF
		raw.Close(fd2)
		if raw.Call(unix.SYS_SENDTO, j.Sock, raw.Addr(unsafe.Pointer(&answer)), 4, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0) != 4 || q.Op == Pivot || q.Op == Root && answer != 0 {
			break // without a frame "/" is the host's
		}
	}
	raw.Exit(0)
}

// inOrder reports whether op may come now: Hostname at any time, Root once, all others after Root.
func (j *Job) inOrder(op Op) bool { return op == Hostname || j.frameDone != (op == Root) }

// fdsOf is how many descriptors each operation takes.
//
//nolint:gochecknoglobals // read-only table
var fdsOf = [numOps]uint8{Bind: 2, FS: 1, Restrict: 1, Pivot: 1, Stage: 1, Place: 1}

// receive reads one request and returns its descriptors and their number n. n is -1 at the end of the
// socket, without the launcher, after MaxIdleChecks timeouts, and for anything but one whole request
// with at most two descriptors.
func receive(sock, launcher uintptr, q *Request) (fd, fd2 uintptr, n int) {
	var rights rights
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(q)), RequestSize}
	m := raw.Msghdr{Iov: raw.Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: raw.Addr(unsafe.Pointer(&rights)), Controllen: unsafe.Sizeof(rights)}
	r := raw.Failed(unix.EAGAIN)
	for tries := MaxIdleChecks; tries > 0 && (raw.Errno(r) == unix.EINTR || raw.Errno(r) == unix.EAGAIN) && raw.Getppid() == launcher; tries-- {
		r = raw.Call(unix.SYS_RECVMSG, sock, raw.Addr(unsafe.Pointer(&m)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
	}
	switch {
	case r != RequestSize || m.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		return None, None, -1
	case m.Controllen == 0:
		return None, None, 0
	case rights.level != unix.SOL_SOCKET || rights.kind != unix.SCM_RIGHTS:
		return None, None, -1
	case rights.length == oneFd:
		return uintptr(rights.fds[0]), None, 1
	case rights.length == twoFds:
		return uintptr(rights.fds[0]), uintptr(rights.fds[1]), 2
	}
	return None, None, -1
}

// do carries out one request.
func (j *Job) do(q *Request, fd, fd2 uintptr) unix.Errno {
	var c raw.Chain
	switch q.Op {
	case Bind:
		return j.bind(fd, fd2, q.A)
	case FS:
		return j.mountFS(fd, q)
	case Restrict:
		c.Require(q.A&^Flags == 0, unix.EINVAL)
		restrict(&c, fd, uintptr(q.A), 0)
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
	case Stage:
		return j.stage(fd, q)
	case Place:
		var from, to raw.Line
		at := openStage(&c, q)
		c.Mount(from.Below(at), to.Below(fd), nil, unix.MS_MOVE, nil)
		raw.Close(at)
	}
	return c.Errno
}

// checkBind checks the flags of BIND and STAGE. setuid.conf may refuse writable binds, except of files
// that set-up itself has made (on the tmpfs at Base) and of the new proc.
func (j *Job) checkBind(src uintptr, flags uint64) (c raw.Chain) {
	c.Require(flags&^Flags == 0, unix.EINVAL)
	if j.Deny&DenyWritable != 0 && flags&unix.MS_RDONLY == 0 {
		dev := deviceOf(&c, src, raw.Text("\x00"), unix.AT_EMPTY_PATH)
		c.Require(dev == j.baseDev || dev == j.procDev, unix.EPERM)
	}
	return c
}

// deviceOf returns the device of the file system that a path leads to.
func deviceOf(c *raw.Chain, dir uintptr, path unsafe.Pointer, how uintptr) uint64 {
	var st unix.Stat_t
	c.Call(unix.SYS_NEWFSTATAT, dir, raw.Addr(path), raw.Addr(unsafe.Pointer(&st)), how, 0)
	return uint64(st.Dev)
}

// bind is BIND. The clone is not attached, and so not visible, before it has its flags. A read-only one
// becomes private: a mount that propagated into it later would have the host's flags.
func (j *Job) bind(src, dst uintptr, flags uint64) unix.Errno {
	c := j.checkBind(src, flags)
	empty := raw.Addr(raw.Text("\x00"))
	tree := c.Call(unix.SYS_OPEN_TREE, src, empty, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0)
	if c.Errno != 0 {
		return c.Errno
	}
	propagation := uint64(0)
	if flags&unix.MS_RDONLY != 0 {
		propagation = unix.MS_PRIVATE
	}
	if e := addFlags(tree, uintptr(flags)|unix.MS_NOSUID, propagation, unix.AT_RECURSIVE); e != 0 {
		c.Errno = FailedFlags | e
	}
	c.Call(unix.SYS_MOVE_MOUNT, tree, empty, dst, empty, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	raw.Close(tree)
	return c.Errno
}

// addFlags adds flags to the mount whose root is fd, and with AT_RECURSIVE to those below it, with
// mount_setattr(2). MS_* and MOUNT_ATTR_* are equal for those in Flags.
func addFlags(fd, flags uintptr, propagation uint64, how uintptr) unix.Errno {
	attr := unix.MountAttr{Attr_set: uint64(flags), Propagation: propagation}
	return raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, fd, raw.Addr(raw.Text("\x00")), unix.AT_EMPTY_PATH|how, raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0))
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

// restrict adds flags to the mount whose root is fd, and with AT_RECURSIVE to those below it. Where
// mount_setattr(2) is missing, or refused by a seccomp filter of the caller's, it adds them to the one mount
// with mount(2). That replaces all flags, so the present ones are named again.
func restrict(c *raw.Chain, fd, flags, how uintptr) {
	if c.Errno != 0 {
		return
	}
	if c.Errno = addFlags(fd, flags, 0, how); c.Errno != unix.ENOSYS && c.Errno != unix.EPERM {
		return
	}
	c.Errno = 0
	var st unix.Statfs_t
	c.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0)
	for i := range len(statfsFlags) {
		if uint64(st.Flags)&uint64(statfsFlags[i][0]) != 0 {
			flags |= uintptr(statfsFlags[i][1])
		}
	}
	var at raw.Line
	c.Mount(nil, at.Below(fd), nil, unix.MS_REMOUNT|unix.MS_BIND|flags, nil)
}

// mountFS is FS: a tmpfs, devpts or mqueue with fixed options.
func (j *Job) mountFS(dst uintptr, q *Request) unix.Errno {
	var c raw.Chain
	var info unix.Sysinfo_t
	c.Require(q.A < numKinds && q.B&^0o7777 == 0 && (q.A == Tmpfs || q.B|q.C == 0), unix.EINVAL)
	c.Require(j.Deny&(DenyTmpfs<<q.A) == 0 && (q.A != Mqueue || j.Clone&unix.CLONE_NEWIPC != 0), unix.EPERM)
	c.Require(j.fsCount < MaxFileSystems, unix.ENOSPC)
	if q.C != 0 {
		c.Call(unix.SYS_SYSINFO, raw.Addr(unsafe.Pointer(&info)), 0, 0, 0, 0)
		c.Require(q.C <= HalfMemory(&info), unix.EPERM)
	}
	if c.Errno == 0 {
		j.fsCount++
	}
	var to raw.Line
	switch q.A {
	case Devpts:
		fs := raw.Text("devpts\x00")
		c.Mount(fs, to.Below(dst), fs, unix.MS_NOSUID|unix.MS_NOEXEC, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	case Mqueue:
		fs := raw.Text("mqueue\x00")
		c.Mount(fs, to.Below(dst), fs, 0, nil)
	default:
		j.tmpfs(&c, to.Below(dst), uint32(q.B), q.C)
	}
	return c.Errno
}

// HalfMemory is the kernel's default size of a tmpfs, in bytes (tmpfs(5)).
func HalfMemory(info *unix.Sysinfo_t) uint64 { return uint64(info.Totalram) * uint64(info.Unit) / 2 }

// tmpfs mounts a tmpfs that belongs to the user.
func (j *Job) tmpfs(c *raw.Chain, dst unsafe.Pointer, mode uint32, size uint64) {
	var options raw.Line
	options.Put("mode=").Octal(mode).Put(",uid=").Number(uintptr(j.UID)).Put(",gid=").Number(uintptr(j.GID))
	if size != 0 {
		options.Put(",size=").Number(uintptr(size))
	}
	fs := raw.Text("tmpfs\x00")
	c.Mount(fs, dst, fs, unix.MS_NOSUID|unix.MS_NODEV, options.At())
}

// makeFrame is ROOT. A tmpfs of root's becomes "/"; the old root moves to OldRoot on it. Next to it are
// two tmpfs of the user's, Base and NewRoot, the new proc, if there is one, and the staging places. Package
// suid has a picture of it ("The frame").
func (j *Job) makeFrame() unix.Errno {
	here, up, tmpfs := raw.Text(".\x00"), raw.Text("/..\x00"), raw.Text("tmpfs\x00")
	var c raw.Chain
	c.Mount(tmpfs, raw.Text("/\x00"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, raw.Text("mode=0755\x00"))
	// "/.." is the topmost mount on "/": the tmpfs here, the old root after pivot_root.
	c.Call(unix.SYS_CHDIR, raw.Addr(up), 0, 0, 0, 0)
	if c.Errno != 0 {
		return c.Errno
	}
	if c.Call(unix.SYS_PIVOT_ROOT, raw.Addr(here), raw.Addr(here), 0, 0, 0); c.Errno != 0 {
		return FailedFlags | c.Errno
	}
	c.Mount(up, makeDir(&c, OldRoot+"\x00"), nil, unix.MS_MOVE, nil)
	j.tmpfs(&c, makeDir(&c, Base+"\x00"), 0o755, 0)
	j.tmpfs(&c, makeDir(&c, NewRoot+"\x00"), 0o755, 0)
	j.baseDev = deviceOf(&c, raw.AtCwd, raw.Text(Base+"\x00"), 0)
	makeDir(&c, StageDir+"\x00")
	c.Call(unix.SYS_MKNODAT, raw.AtCwd, raw.Addr(raw.Text(StageFile+"\x00")), unix.S_IFREG|0o600, 0, 0)
	c.Call(unix.SYS_FCHDIR, j.Cwd, 0, 0, 0, 0)
	if j.NewProc { // from the host's tree, where binds would include it
		c.Mount(raw.Text(OldRoot+FreshProc+"\x00"), makeDir(&c, NewProc+"\x00"), nil, unix.MS_MOVE, nil)
		j.procDev = deviceOf(&c, raw.AtCwd, raw.Text(NewProc+"\x00"), 0)
	}
	j.frameDone = c.Errno == 0
	return c.Errno
}

// makeDir makes a directory and returns its path.
func makeDir(c *raw.Chain, path string) unsafe.Pointer {
	c.Call(unix.SYS_MKDIRAT, raw.AtCwd, raw.Addr(raw.Text(path)), 0o755, 0, 0)
	return raw.Text(path)
}

// openStage opens the staging place for a directory or a file, or what is staged there. The user may have
// bound a symbolic link there: it is not followed. A descriptor has come with the request, so 2 is taken, and
// AboveStdio makes no call.
func openStage(c *raw.Chain, q *Request) uintptr {
	path := raw.Text(StageFile + "\x00")
	if q.B != 0 {
		path = raw.Text(StageDir + "\x00")
	}
	return c.Open(raw.AtCwd, path, unix.O_PATH|unix.O_NOFOLLOW)
}

// stage is STAGE. What is staged becomes private first if MS_RDONLY is asked for (see bind), so that no mount
// propagates in between.
func (j *Job) stage(src uintptr, q *Request) unix.Errno {
	c := j.checkBind(src, q.A)
	var from, to raw.Line
	at := openStage(&c, q)
	c.Mount(from.Below(src), to.Below(at), nil, unix.MS_BIND|unix.MS_REC, nil)
	raw.Close(at)
	at = openStage(&c, q)
	if q.A&unix.MS_RDONLY != 0 {
		c.Mount(nil, to.Below(at), nil, unix.MS_PRIVATE|unix.MS_REC, nil)
	}
	if c.Errno == 0 {
		if restrict(&c, at, uintptr(q.A)|unix.MS_NOSUID, unix.AT_RECURSIVE); c.Errno != 0 {
			c.Errno |= FailedFlags
		}
	}
	raw.Close(at)
	return c.Errno
}
