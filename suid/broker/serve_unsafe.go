package broker

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the broker, with CAP_SYS_ADMIN, and with root's ids.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Job is what the keeper says of a broker's work.
type Job struct {
	Sock     uintptr // where requests come; to wait there ends after Breath (SO_RCVTIMEO)
	Launcher uintptr // the parent; without it, nothing is waited for
	Cwd      uintptr // the working directory: a proc that nobody can mount on
	Fresh    uintptr // the root of the new proc, which ROOT moves to NewProc; 0: there is none
	UID, GID uint32  // the user, to whom new file systems belong
	Deny     uint32  // what the administrator refuses
	IPC, UTS bool    // these namespaces are the sandbox's own

	framed  bool   // ROOT is done
	systems uint32 // file systems made
	device  uint64 // of Base
	proc    uint64 // of NewProc
}

// Serve carries out requests until there are no more. It does not return.
func Serve(j *Job) {
	if !confine() {
		raw.Exit(1)
	}
	for range MaxRequests {
		var q Request
		fd, fd2, n := receive(j.Sock, j.Launcher, &q)
		if q.Op == 0 || q.Op >= numOps || want(q.Op) != n || q.Op != Hostname && j.framed == (q.Op == Root) {
			break
		}
		answer := j.do(&q, fd, fd2)
		raw.Close(fd) // None is not open, which close(2) says
		raw.Close(fd2)
		if raw.Call(unix.SYS_SENDTO, j.Sock, raw.Addr(unsafe.Pointer(&answer)), 4, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0) != 4 || q.Op == Pivot || q.Op == Root && answer != 0 {
			break // without a frame "/" is the host's
		}
	}
	raw.Exit(0)
}

// want is how many descriptors come with an operation.
func want(op Op) int {
	switch op {
	case Root, Hostname:
		return 0
	case Bind:
		return 2
	}
	return 1
}

// receive reads one request, and says how many descriptors came with it, fd first; -1 at the end,
// after Patience, without the launcher, and for what is not exactly a request with at most two.
func receive(sock, launcher uintptr, q *Request) (fd, fd2 uintptr, n int) {
	var rights rights
	iov := [2]uintptr{raw.Addr(unsafe.Pointer(q)), RequestSize}
	m := raw.Msghdr{Iov: raw.Addr(unsafe.Pointer(&iov)), Iovlen: 1, Control: raw.Addr(unsafe.Pointer(&rights)), Controllen: unsafe.Sizeof(rights)}
	r := raw.Failed(unix.EAGAIN)
	for n = Patience; n > 0 && (raw.Errno(r) == unix.EINTR || raw.Errno(r) == unix.EAGAIN) && raw.Getppid() == launcher; n-- {
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
		return uint32(j.newFS(fd, q))
	case Restrict:
		if q.A&^Flags != 0 {
			return uint32(unix.EINVAL)
		}
		return uint32(restrict(fd, uintptr(q.A)))
	case Root:
		return j.frame()
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

// allowed judges the flags of a bind. A bind is nosuid; without MS_RDONLY it may be refused,
// except for what the first process has made itself.
func (j *Job) allowed(src uintptr, flags uint64) unix.Errno {
	if flags&^Flags != 0 {
		return unix.EINVAL
	}
	if j.Deny&DenyWritable == 0 || flags&unix.MS_RDONLY != 0 {
		return 0
	}
	var st unix.Stat_t
	e := raw.Errno(raw.Call(unix.SYS_NEWFSTATAT, src, raw.Addr(raw.Text("\x00")), raw.Addr(unsafe.Pointer(&st)), unix.AT_EMPTY_PATH, 0, 0))
	if e == 0 && uint64(st.Dev) != j.device && uint64(st.Dev) != j.proc {
		e = unix.EPERM
	}
	return e
}

// bind is BIND: nobody sees the clone before it is tightened. What becomes read-only receives no
// mounts of the host's from then on, which would come with the host's flags.
func (j *Job) bind(src, dst uintptr, flags uint64) uint32 {
	if e := j.allowed(src, flags); e != 0 {
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

// addFlags is mount_setattr(2), which takes the MS_* flags that a request may have.
func addFlags(dir uintptr, path unsafe.Pointer, flags uintptr, propagation uint64, how uintptr) unix.Errno {
	attr := unix.MountAttr{Attr_set: uint64(flags), Propagation: propagation}
	return raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, dir, raw.Addr(path), how, raw.Addr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0))
}

// lacks reports whether e says that a newer call is missing, or refused by a filter.
func lacks(e unix.Errno) bool { return e == unix.ENOSYS || e == unix.EPERM }

// restrict is RESTRICT: flags for the mount that fd is the root of, besides those that it has.
func restrict(fd, flags uintptr) unix.Errno {
	if e := addFlags(fd, raw.Text("\x00"), flags, 0, unix.AT_EMPTY_PATH); !lacks(e) {
		return e
	}
	var at raw.Link
	return remount(fd, at.Below(fd), flags)
}

// statfsFlags are the flags of statfs(2), in pairs with those of mount(2).
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
	{0x2000, unix.MS_NOSYMFOLLOW},
}

// remount adds flags to the mount at path, of which fd is a file. mount(2) sets all flags anew.
func remount(fd uintptr, path unsafe.Pointer, flags uintptr) unix.Errno {
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

// newFS is FS: a file system of one of three types, whose options are ours.
func (j *Job) newFS(dst uintptr, q *Request) unix.Errno {
	var info unix.Sysinfo_t
	switch {
	case q.A >= numKinds || q.B&^0o7777 != 0 || q.A != Tmpfs && q.B|q.C != 0:
		return unix.EINVAL
	case j.Deny&(DenyTmpfs<<q.A) != 0:
		return unix.EPERM
	case q.A == Mqueue && !j.IPC:
		return unix.EPERM
	case j.systems >= MaxFileSystems:
		return unix.ENOSPC
	case q.C != 0 && (raw.Errno(raw.Call(unix.SYS_SYSINFO, raw.Addr(unsafe.Pointer(&info)), 0, 0, 0, 0, 0)) != 0 || q.C > HalfMemory(&info)):
		return unix.EPERM
	}
	j.systems++
	var to raw.Link
	switch q.A {
	case Devpts:
		return mount(raw.Text("devpts\x00"), to.Below(dst), raw.Text("devpts\x00"), unix.MS_NOSUID|unix.MS_NOEXEC, raw.Text("newinstance,ptmxmode=0666,mode=620\x00"))
	case Mqueue:
		return mount(raw.Text("mqueue\x00"), to.Below(dst), raw.Text("mqueue\x00"), 0, nil)
	}
	return j.tmpfs(to.Below(dst), uint32(q.B), q.C)
}

// HalfMemory is what the kernel gives a tmpfs by itself, in bytes.
func HalfMemory(info *unix.Sysinfo_t) uint64 { return uint64(info.Totalram) * uint64(info.Unit) / 2 }

// tmpfs mounts a tmpfs of the user's.
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

// frame is ROOT: the old root lies below a tmpfs of root's, which is "/" now, and beside it two
// of the user's. See package build for what it is for.
func (j *Job) frame() uint32 {
	here, tmpfs := raw.Text(".\x00"), raw.Text("tmpfs\x00")
	e := mount(tmpfs, raw.Text("/\x00"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, raw.Text("mode=0755\x00"))
	// "/.." goes through the top of what is mounted on the root: first the tmpfs, and the old root
	// when that lies on it.
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
		e = j.dirOfUser(raw.Text(Base + "\x00"))
	}
	if e == 0 {
		e = j.dirOfUser(raw.Text(NewRoot + "\x00"))
	}
	if e == 0 && j.Deny&DenyWritable != 0 {
		var st unix.Stat_t
		e = raw.Fstatat(raw.AtCwd, raw.Text(Base+"\x00"), &st)
		j.device = uint64(st.Dev)
	}
	if e == 0 {
		e = raw.Fchdir(j.Cwd)
	}
	if e == 0 && j.Fresh != 0 {
		e = j.moveProc(raw.Text(NewProc + "\x00"))
	}
	j.framed = e == 0
	return uint32(e)
}

// moveProc moves the new proc to where BIND finds it, but does not take it along with the host's.
func (j *Job) moveProc(path unsafe.Pointer) unix.Errno {
	var from raw.Link
	var st unix.Stat_t
	e := raw.Mkdirat(raw.AtCwd, path, 0o555)
	if e == 0 {
		e = mount(from.Below(j.Fresh), path, nil, unix.MS_MOVE, nil)
	}
	if e == 0 {
		e = raw.Fstatat(raw.AtCwd, path, &st)
		j.proc = uint64(st.Dev)
	}
	return e
}

// dirOfUser makes a directory, and mounts a tmpfs of the user's on it.
func (j *Job) dirOfUser(path unsafe.Pointer) unix.Errno {
	if e := raw.Mkdirat(raw.AtCwd, path, 0o755); e != 0 {
		return e
	}
	return j.tmpfs(path, 0o755, 0)
}

// pivot is PIVOT: the mount that fd is the root of becomes the only one (pivot_root(2),
// "pivot_root(".", ".")"). Paths of these two calls lead to descriptors and to "/".
func pivot(fd uintptr) unix.Errno {
	var at raw.Link
	path := raw.Addr(at.Below(fd))
	e := raw.Errno(raw.Call(unix.SYS_PIVOT_ROOT, path, path, 0, 0, 0, 0))
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_UMOUNT2, raw.Addr(raw.Text("/\x00")), unix.MNT_DETACH, 0, 0, 0, 0))
	}
	return e
}

// stagePath is where STAGE binds a directory, or a file.
func stagePath(directory uint64) unsafe.Pointer {
	if directory != 0 {
		return raw.Text(StageDir + "\x00")
	}
	return raw.Text(StageFile + "\x00")
}

// openStage opens what is on top there. What a user mounts may be a link: it is not followed.
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
	if e := j.allowed(src, q.A); e != 0 {
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
	answer := tighten(at, to.Below(at), q.A)
	raw.Close(at)
	return answer
}

// tighten adds flags, and nosuid, to what is staged at path, of which at is the root. For MS_RDONLY
// it makes it private (see bind; first, so that nothing comes between).
func tighten(at uintptr, path unsafe.Pointer, flags uint64) uint32 {
	if flags&unix.MS_RDONLY != 0 {
		if e := mount(nil, path, nil, unix.MS_PRIVATE|unix.MS_REC, nil); e != 0 {
			return uint32(e)
		}
	}
	e := addFlags(at, raw.Text("\x00"), uintptr(flags)|unix.MS_NOSUID, 0, unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if lacks(e) {
		e = remount(at, path, uintptr(flags)|unix.MS_NOSUID)
	}
	if e != 0 {
		return FailedFlags | uint32(e)
	}
	return 0
}
