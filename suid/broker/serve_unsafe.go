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
//   - Without mount_setattr, mount(2) replaces all flags of a mount: remountAdding reads the present
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
	NewProc  uintptr // the root of the new proc, which ROOT moves to the path NewProc, or 0
	UID, GID uint32  // the owner of new file systems
	Deny     uint32  // what setuid.conf refuses
	IPC, UTS bool    // whether the sandbox has a namespace of this type

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
		if q.Op == 0 || q.Op >= numOps || wantedFds(q.Op) != n || !j.inOrder(q.Op) {
			break
		}
		answer := j.do(&q, fd, fd2)
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

// wantedFds returns how many descriptors an operation takes.
func wantedFds(op Op) int {
	switch op {
	case Root, Hostname:
		return 0
	case Bind:
		return 2
	}
	return 1
}

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
func (j *Job) do(q *Request, fd, fd2 uintptr) uint32 {
	switch q.Op {
	case Bind:
		return j.bind(fd, fd2, q.A)
	case FS:
		return uint32(j.mountFS(fd, q))
	case Restrict:
		if q.A&^Flags != 0 {
			return uint32(unix.EINVAL)
		}
		return uint32(restrict(fd, uintptr(q.A)))
	case Root:
		return j.makeFrame()
	case Pivot:
		return uint32(pivot(fd))
	case Hostname:
		if !j.UTS || j.Deny&DenyHostname != 0 {
			return uint32(unix.EPERM)
		}
		if q.A > MaxName {
			return uint32(unix.EINVAL)
		}
		return uint32(raw.Errno(raw.Call(unix.SYS_SETHOSTNAME, raw.Addr(unsafe.Pointer(&q.Name)), uintptr(q.A), 0, 0, 0, 0)))
	case Stage:
		return j.stage(fd, q)
	case Place:
		return uint32(place(fd, q.B))
	}
	return uint32(unix.EINVAL)
}

// mount is mount(2).
func mount(src, dst, fs unsafe.Pointer, flags uintptr, data unsafe.Pointer) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_MOUNT, raw.Addr(src), raw.Addr(dst), raw.Addr(fs), flags, raw.Addr(data), 0))
}

// checkBind checks the flags of BIND and STAGE. setuid.conf may refuse writable binds, except of files
// that set-up itself has made (on the tmpfs at Base).
func (j *Job) checkBind(src uintptr, flags uint64) unix.Errno {
	if flags&^Flags != 0 {
		return unix.EINVAL
	}
	if j.Deny&DenyWritable == 0 || flags&unix.MS_RDONLY != 0 {
		return 0
	}
	var st unix.Stat_t
	e := raw.Errno(raw.Call(unix.SYS_NEWFSTATAT, src, raw.Addr(raw.Text("\x00")), raw.Addr(unsafe.Pointer(&st)), unix.AT_EMPTY_PATH, 0, 0))
	if e == 0 && uint64(st.Dev) != j.baseDev && uint64(st.Dev) != j.procDev {
		e = unix.EPERM
	}
	return e
}

// bind is BIND. The clone is not attached, and so not visible, before it has its flags. A read-only one
// becomes private: a mount that propagated into it later would have the host's flags.
func (j *Job) bind(src, dst uintptr, flags uint64) uint32 {
	if e := j.checkBind(src, flags); e != 0 {
		return uint32(e)
	}
	empty := raw.Addr(raw.Text("\x00"))
	tree := raw.Call(unix.SYS_OPEN_TREE, src, empty, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(tree); e != 0 {
		return uint32(e)
	}
	answer, propagation := uint32(0), uint64(0)
	if flags&unix.MS_RDONLY != 0 {
		propagation = unix.MS_PRIVATE
	}
	if e := addFlags(tree, raw.Text("\x00"), uintptr(flags)|unix.MS_NOSUID, propagation, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE); e != 0 {
		answer = FailedFlags | uint32(e)
	} else {
		answer = uint32(raw.Errno(raw.Call(unix.SYS_MOVE_MOUNT, tree, empty, dst, empty, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, 0)))
	}
	raw.Close(tree)
	return answer
}

// addFlags adds mount flags with mount_setattr(2). MS_* and MOUNT_ATTR_* are equal for those in Flags.
func addFlags(dir uintptr, path unsafe.Pointer, flags uintptr, propagation uint64, how uintptr) unix.Errno {
	attr := unix.MountAttr{Attr_set: uint64(flags), Propagation: propagation}
	return raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, dir, raw.Addr(path), how, raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0))
}

// isUnavailable reports whether a newer call is missing, or refused by a seccomp filter of the caller's.
func isUnavailable(e unix.Errno) bool { return e == unix.ENOSYS || e == unix.EPERM }

// restrict is RESTRICT: it adds flags to the mount whose root is fd.
func restrict(fd, flags uintptr) unix.Errno {
	if e := addFlags(fd, raw.Text("\x00"), flags, 0, unix.AT_EMPTY_PATH); !isUnavailable(e) {
		return e
	}
	var at raw.Link
	return remountAdding(fd, at.Below(fd), flags)
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

// remountAdding adds flags to the mount at path, whose flags it reads through fd. mount(2) replaces all
// flags, so the present ones are named again.
func remountAdding(fd uintptr, path unsafe.Pointer, flags uintptr) unix.Errno {
	var st unix.Statfs_t
	if e := raw.Errno(raw.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0, 0)); e != 0 {
		return e
	}
	for i := range len(statfsFlags) {
		if uint64(st.Flags)&uint64(statfsFlags[i][0]) != 0 {
			flags |= uintptr(statfsFlags[i][1])
		}
	}
	return mount(nil, path, nil, unix.MS_REMOUNT|unix.MS_BIND|flags, nil)
}

// mountFS is FS: a tmpfs, devpts or mqueue with fixed options.
func (j *Job) mountFS(dst uintptr, q *Request) unix.Errno {
	var info unix.Sysinfo_t
	switch {
	case q.A >= numKinds || q.B&^0o7777 != 0 || q.A != Tmpfs && q.B|q.C != 0:
		return unix.EINVAL
	case j.Deny&(DenyTmpfs<<q.A) != 0:
		return unix.EPERM
	case q.A == Mqueue && !j.IPC:
		return unix.EPERM
	case j.fsCount >= MaxFileSystems:
		return unix.ENOSPC
	case q.C != 0 && (raw.Errno(raw.Call(unix.SYS_SYSINFO, raw.Addr(unsafe.Pointer(&info)), 0, 0, 0, 0, 0)) != 0 || q.C > HalfMemory(&info)):
		return unix.EPERM
	}
	j.fsCount++
	var to raw.Link
	switch q.A {
	case Devpts:
		return mount(raw.Text("devpts\x00"), to.Below(dst), raw.Text("devpts\x00"), unix.MS_NOSUID|unix.MS_NOEXEC, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	case Mqueue:
		return mount(raw.Text("mqueue\x00"), to.Below(dst), raw.Text("mqueue\x00"), 0, nil)
	}
	return j.tmpfs(to.Below(dst), uint32(q.B), q.C)
}

// HalfMemory is the kernel's default size of a tmpfs, in bytes (tmpfs(5)).
func HalfMemory(info *unix.Sysinfo_t) uint64 { return uint64(info.Totalram) * uint64(info.Unit) / 2 }

// tmpfs mounts a tmpfs that belongs to the user.
func (j *Job) tmpfs(dst unsafe.Pointer, mode uint32, size uint64) unix.Errno {
	var options [96]byte
	out := unsafe.Pointer(&options)
	n := raw.Put(out, raw.Text("mode=0\x00"))
	n += raw.PutOctal(unsafe.Add(out, n), mode)
	n += raw.Put(unsafe.Add(out, n), raw.Text(",uid=\x00"))
	n += raw.PutNumber(unsafe.Add(out, n), uintptr(j.UID))
	n += raw.Put(unsafe.Add(out, n), raw.Text(",gid=\x00"))
	n += raw.PutNumber(unsafe.Add(out, n), uintptr(j.GID))
	if size != 0 {
		n += raw.Put(unsafe.Add(out, n), raw.Text(",size=\x00"))
		raw.PutNumber(unsafe.Add(out, n), uintptr(size))
	}
	return mount(raw.Text("tmpfs\x00"), dst, raw.Text("tmpfs\x00"), unix.MS_NOSUID|unix.MS_NODEV, out)
}

// makeFrame is ROOT. A tmpfs of root's becomes "/"; the old root moves to OldRoot on it. Next to it are
// two tmpfs of the user's, Base and NewRoot. Package suid has a picture of it ("The frame").
func (j *Job) makeFrame() uint32 {
	here, tmpfs := raw.Text(".\x00"), raw.Text("tmpfs\x00")
	e := mount(tmpfs, raw.Text("/\x00"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, raw.Text("mode=0755\x00"))
	// "/.." is the topmost mount on "/": the tmpfs here, the old root after pivot_root.
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_CHDIR, raw.Addr(raw.Text("/..\x00")), 0, 0, 0, 0, 0))
	}
	if e != 0 {
		return uint32(e)
	}
	if e = raw.Errno(raw.Call(unix.SYS_PIVOT_ROOT, raw.Addr(here), raw.Addr(here), 0, 0, 0, 0)); e == 0 {
		e = raw.Mkdirat(raw.AtCwd, raw.Text(OldRoot+"\x00"), 0o755)
	} else {
		return FailedFlags | uint32(e)
	}
	if e == 0 {
		e = mount(raw.Text("/..\x00"), raw.Text(OldRoot+"\x00"), nil, unix.MS_MOVE, nil)
	}
	if e == 0 {
		e = j.makeUserDir(raw.Text(Base + "\x00"))
	}
	if e == 0 {
		e = j.makeUserDir(raw.Text(NewRoot + "\x00"))
	}
	if e == 0 && j.Deny&DenyWritable != 0 {
		var st unix.Stat_t
		e = raw.Fstatat(raw.AtCwd, raw.Text(Base+"\x00"), &st)
		j.baseDev = uint64(st.Dev)
	}
	if e == 0 {
		e = raw.Fchdir(j.Cwd)
	}
	if e == 0 && j.NewProc != 0 {
		e = j.moveProc(raw.Text(NewProc + "\x00"))
	}
	j.frameDone = e == 0
	return uint32(e)
}

// moveProc moves the new proc from the host's tree, where binds would include it, to NewProc for BIND.
func (j *Job) moveProc(path unsafe.Pointer) unix.Errno {
	var from raw.Link
	var st unix.Stat_t
	e := raw.Mkdirat(raw.AtCwd, path, 0o555)
	if e == 0 {
		e = mount(from.Below(j.NewProc), path, nil, unix.MS_MOVE, nil)
	}
	if e == 0 {
		e = raw.Fstatat(raw.AtCwd, path, &st)
		j.procDev = uint64(st.Dev)
	}
	return e
}

// makeUserDir makes a directory and mounts a tmpfs of the user's on it.
func (j *Job) makeUserDir(path unsafe.Pointer) unix.Errno {
	if e := raw.Mkdirat(raw.AtCwd, path, 0o755); e != 0 {
		return e
	}
	return j.tmpfs(path, 0o755, 0)
}

// pivot is PIVOT: pivot_root(2), "pivot_root(".", ".")", with the mount whose root is fd; then it detaches
// the old root, which lies on "/".
func pivot(fd uintptr) unix.Errno {
	var at raw.Link
	path := raw.Addr(at.Below(fd))
	e := raw.Errno(raw.Call(unix.SYS_PIVOT_ROOT, path, path, 0, 0, 0, 0))
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_UMOUNT2, raw.Addr(raw.Text("/\x00")), unix.MNT_DETACH, 0, 0, 0, 0))
	}
	return e
}

// stagePath returns the path of the staging place for a directory or a file.
func stagePath(directory uint64) unsafe.Pointer {
	if directory != 0 {
		return raw.Text(StageDir + "\x00")
	}
	return raw.Text(StageFile + "\x00")
}

// openStage opens what is staged. The user may have bound a symbolic link there: it is not followed.
func openStage(directory uint64) uintptr {
	return raw.Openat(raw.AtCwd, stagePath(directory), unix.O_PATH|unix.O_NOFOLLOW, 0)
}

// place is PLACE.
func place(dst uintptr, directory uint64) unix.Errno {
	at := openStage(directory)
	if e := raw.Errno(at); e != 0 {
		return e
	}
	var from, to raw.Link
	e := mount(from.Below(at), to.Below(dst), nil, unix.MS_MOVE, nil)
	raw.Close(at)
	return e
}

// stage is STAGE.
func (j *Job) stage(src uintptr, q *Request) uint32 {
	if e := j.checkBind(src, q.A); e != 0 {
		return uint32(e)
	}
	if e := raw.Mkdirat(raw.AtCwd, raw.Text(StageDir+"\x00"), 0o700); e != 0 && e != unix.EEXIST {
		return uint32(e)
	}
	if e := raw.Errno(raw.Call(unix.SYS_MKNODAT, raw.AtCwd, raw.Addr(raw.Text(StageFile+"\x00")), unix.S_IFREG|0o600, 0, 0, 0)); e != 0 && e != unix.EEXIST {
		return uint32(e)
	}
	at := openStage(q.B)
	if e := raw.Errno(at); e != 0 {
		return uint32(e)
	}
	var from, to raw.Link
	e := mount(from.Below(src), to.Below(at), nil, unix.MS_BIND|unix.MS_REC, nil)
	raw.Close(at)
	if e != 0 {
		return uint32(e)
	}
	if at = openStage(q.B); raw.Errno(at) != 0 {
		return uint32(raw.Errno(at))
	}
	answer := tightenStaged(at, to.Below(at), q.A)
	raw.Close(at)
	return answer
}

// tightenStaged adds nosuid to the tree at path, whose root at is, and makes it private if MS_RDONLY is
// asked for (see bind): first, so that no mount propagates in between.
func tightenStaged(at uintptr, path unsafe.Pointer, flags uint64) uint32 {
	if flags&unix.MS_RDONLY != 0 {
		if e := mount(nil, path, nil, unix.MS_PRIVATE|unix.MS_REC, nil); e != 0 {
			return uint32(e)
		}
	}
	e := addFlags(at, raw.Text("\x00"), uintptr(flags)|unix.MS_NOSUID, 0, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if isUnavailable(e) {
		e = remountAdding(at, path, uintptr(flags)|unix.MS_NOSUID)
	}
	if e != 0 {
		return FailedFlags | uint32(e)
	}
	return 0
}
