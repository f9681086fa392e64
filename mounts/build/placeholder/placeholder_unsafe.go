package placeholder

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; what looks at files, and names them, in the monitor too.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file keeps missing what is missing. A placeholder is made where the first missing component
// of a path would be, an empty file or an empty directory, and is mounted on itself,
// read-only, like everything else that is protected. It lies on the host, so three things
// tell it from a file of the user's:
//
//   - It has an extended attribute (mark) from the moment on at which it has its name: a file gets
//     its name by link(2), a directory by rename(2).
//   - Each sandbox that needs it has a shared lock on it (flock(2)), which init holds.
//   - It is empty.
//
// The sandbox must have a PID namespace, with an init: when that has ended, all its processes have,
// and the payload cannot end it. The monitor removes the placeholder when its sandbox has ended
// ([Remove]), unless another sandbox has a lock. If the monitor is killed before that, the placeholder
// stays, and the next sandbox that needs it takes it over.
//
// The kernel removes a file by its name only (unlinkat(2)), and another process may have put
// another file there since it was looked at. So what has the name is first renamed to a name that
// is not used otherwise (aside), and looked at there: if it is not the placeholder, it is renamed
// back.

// mark is the extended attribute of a placeholder.
const mark = "user.gobwrap.placeholder\x00"

// Max bounds the placeholders of a sandbox: all of them are told to the monitor before it
// listens, and the words must fit into a socket's buffer. It is a power of two.
const Max = 128

// SubAgain is a fault after which a path has to be looked up again: another process has changed what
// is there. It never leaves set-up; the numbers of plan.Sub are below it.
const SubAgain = plan.Sub(1<<16 + 1)

// holders are the placeholders of this process. Few sandboxes have any, so they lie apart from what
// every process writes.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var holders struct {
	fds      [Max]int32 // a descriptor of each one, with a lock on it
	dev, ino uint64     // the directory that the monitor was told last
}

// asideName is a name at work; see aside.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var asideName [256]byte

// Full reports whether there is no room for another placeholder.
func Full(r *step.State) bool { return r.Held >= Max }

// Keep keeps the descriptor with the lock on a placeholder, of which there are not too many ([Full]).
func Keep(r *step.State, held uintptr) {
	holders.fds[r.Held&(Max-1)] = int32(held)
	r.Held++
}

// Held returns the descriptor with the lock on placeholder i; 0: there are no more.
func Held(r *step.State, i uint32) uintptr {
	if i >= r.Held {
		return 0
	}
	return uintptr(holders.fds[i&(Max-1)])
}

// Is reports whether fd, which may be opened with O_PATH, is a placeholder: it has the
// mark and is empty.
func Is(r *step.State, fd uintptr) bool {
	var link raw.Line
	// fgetxattr(2) refuses a descriptor with O_PATH, so the file is named by its link in /proc.
	got := raw.Call(unix.SYS_GETXATTR, raw.Addr(link.Absolute(fd)), raw.Addr(raw.Text(mark)), 0, 0, 0, 0)
	if raw.Errno(got) == unix.ENOENT { // "/" is the frame, which has no proc
		if kind, e := raw.FileType(fd); e != 0 || kind != unix.S_IFREG && kind != unix.S_IFDIR {
			return false
		}
		open := raw.Openat(r.Proc, link.Below(fd), unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if raw.Errno(open) != 0 {
			return false
		}
		got = raw.Call(unix.SYS_FGETXATTR, open, raw.Addr(raw.Text(mark)), 0, 0, 0, 0)
		raw.Close(open)
	}
	return hasMark(got) && isEmpty(fd)
}

// hasMark reports whether a getxattr(2) for the mark has found it.
func hasMark(r uintptr) bool { return raw.Errno(r) == 0 && r > 0 }

// isEmpty reports whether fd is an empty file or an empty directory.
func isEmpty(fd uintptr) bool {
	var st unix.Stat_t
	kind, e := raw.Fstat(fd, &st)
	switch {
	case e != 0:
		return false
	// With an empty file no contents are lost if it is removed in error.
	case kind == unix.S_IFREG:
		return st.Size == 0
	case kind != unix.S_IFDIR:
		return false
	}
	dir := raw.Openat(fd, raw.Text(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if raw.Errno(dir) != 0 {
		return false
	}
	var entries [16]uint64
	n := raw.Call(unix.SYS_GETDENTS64, dir, raw.Addr(unsafe.Pointer(&entries)), unsafe.Sizeof(entries), 0, 0, 0)
	raw.Close(dir)
	return raw.Errno(n) == 0 && n <= 48 // "." and "..", 24 bytes each (getdents64(2))
}

// isAt reports whether name in dir is the file that st is about.
func isAt(dir uintptr, name unsafe.Pointer, st *unix.Stat_t) bool {
	var now unix.Stat_t
	return lookAt(dir, name, &now) == 0 && now.Dev == st.Dev && now.Ino == st.Ino
}

// Lock opens the placeholder that is there, and takes a shared lock on it. It returns 0
// where nothing is there, and SubAgain where something else is.
func Lock(r *step.State, dir uintptr, name unsafe.Pointer) (uintptr, step.Fault) {
	// The name may lead to anything by now, so it is looked at before it is opened.
	fd := openPlain(dir, name)
	switch e := raw.Errno(fd); e {
	case 0:
	case unix.ENOENT:
		return 0, step.Fault{}
	default:
		return 0, step.Failed(e, SubAgain)
	}
	if !hasMark(raw.Call(unix.SYS_FGETXATTR, fd, raw.Addr(raw.Text(mark)), 0, 0, 0, 0)) || !isEmpty(fd) {
		raw.Close(fd)
		return 0, step.Failed(unix.EAGAIN, SubAgain)
	}
	// Only now, with the lock, is it certain that the file stays: a monitor takes the lock alone before
	// it removes it, and looks again.
	e := share(fd)
	var st unix.Stat_t
	if e == 0 {
		_, e = raw.Fstat(fd, &st)
	}
	switch {
	case e != 0:
		raw.Close(fd)
		r.Name(name)
		return 0, step.Failed(e, plan.SubPlaceholder)
	case !isAt(dir, name, &st):
		raw.Close(fd)
		return 0, step.Failed(unix.EAGAIN, SubAgain)
	}
	return fd, step.Fault{}
}

// openPlain opens a regular file or a directory for reading. To open anything else, a device or a
// FIFO, could have an effect.
func openPlain(dir uintptr, name unsafe.Pointer) uintptr {
	var st unix.Stat_t
	if e := lookAt(dir, name, &st); e != 0 {
		return raw.Failed(e)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return raw.Failed(unix.EEXIST)
	}
	return raw.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

// lookAt fills st with what name in dir is. A link is not followed.
func lookAt(dir uintptr, name unsafe.Pointer, st *unix.Stat_t) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_NEWFSTATAT, dir, raw.Addr(name), raw.Addr(unsafe.Pointer(st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0))
}

// share takes a shared lock. A monitor that removes the file has it locked for a moment.
func share(fd uintptr) unix.Errno {
	// Five seconds. A monitor holds its lock for some calls only, unless it is stopped meanwhile.
	for range 5000 {
		e := raw.Errno(raw.Call(unix.SYS_FLOCK, fd, unix.LOCK_SH|unix.LOCK_NB, 0, 0, 0, 0))
		if e != unix.EWOULDBLOCK {
			return e
		}
		raw.Nap(1e6)
	}
	return unix.EWOULDBLOCK
}

// renameat2 renames a file in dir to a name that nothing has.
func renameat2(dir uintptr, from, to unsafe.Pointer) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_RENAMEAT2, dir, raw.Addr(from), dir, raw.Addr(to), unix.RENAME_NOREPLACE, 0))
}

// aside returns the name under which a placeholder called name is made, if it is a directory, and
// removed. Another one has a random number in it.
func aside(name unsafe.Pointer, another bool) unsafe.Pointer {
	// The usual name is always the same, so that what a killed process has left there is found again. A
	// random one is for a directory in which somebody uses the usual name for something else.
	out := unsafe.Pointer(&asideName)
	n := raw.Put(out, raw.Text(".gobwrap-\x00"))
	if another {
		var random uint64
		raw.Call(unix.SYS_GETRANDOM, raw.Addr(unsafe.Pointer(&random)), 8, 0, 0, 0, 0)
		n += raw.PutNumber(unsafe.Add(out, n), uintptr(random))
		n += raw.Put(unsafe.Add(out, n), raw.Text("-\x00"))
	}
	for i := uintptr(0); n < unix.NAME_MAX; i++ {
		c := raw.ByteAt(name, i)
		asideName[n&255] = c
		if c == 0 {
			break
		}
		n++
	}
	asideName[n&255] = 0
	return out
}

// Words on the feed about placeholders: how long the name is, which follows.
const (
	// Word marks them. The bits above it are those of package child's words.
	Word = 1 << 26
	// NameLen is the mask of the length.
	NameLen = 1<<8 - 1
)

// Tell tells the monitor of a placeholder. Its directory goes along, as a descriptor, unless
// the one before it lies in the same. The word must not wait: the monitor listens when set-up is
// over.
func Tell(r *step.State, dir uintptr, name unsafe.Pointer) unix.Errno {
	n := raw.Strlen(name)
	word := uint32(Word | n&NameLen)
	var st unix.Stat_t
	if _, e := raw.Fstat(dir, &st); e != 0 {
		return e
	}
	var rights struct {
		length      uint64 // struct cmsghdr, then the descriptor
		level, kind int32
		fd          int32
		_           int32
	}
	rights.length, rights.level, rights.kind, rights.fd = 20, unix.SOL_SOCKET, unix.SCM_RIGHTS, int32(dir)
	iov := [4]uintptr{raw.Addr(unsafe.Pointer(&word)), 4, raw.Addr(name), n}
	var h raw.Msghdr
	h.Iov, h.Iovlen = raw.Addr(unsafe.Pointer(&iov)), 2
	// Most placeholders of a sandbox lie side by side, and each descriptor on its way counts for the
	// user.
	if st.Dev != holders.dev || st.Ino != holders.ino {
		h.Control, h.Controllen = raw.Addr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights)
	}
	for range 5000 { // a user has so many descriptors on the way at most (ETOOMANYREFS, unix(7))
		got := raw.Call(unix.SYS_SENDMSG, r.Feed, raw.Addr(unsafe.Pointer(&h)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0, 0)
		e := raw.Errno(got)
		switch {
		case e == unix.ETOOMANYREFS:
			raw.Nap(1e6)
			continue
		case e == 0 && got != 4+n:
			e = unix.EAGAIN
		case e == 0:
			holders.dev, holders.ino = st.Dev, st.Ino
		}
		return e
	}
	return unix.ETOOMANYREFS
}
