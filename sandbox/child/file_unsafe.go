package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

func doFile(p program, s *plan.Step) unix.Errno {
	switch s.Op {
	case plan.OpDir:
		return makeDirectory(p, s)
	case plan.OpFile:
		return writeFile(p, s)
	case plan.OpData:
		return bindData(p, s)
	case plan.OpSymlink:
		return symlink(p, s)
	case plan.OpChmod:
		return chmod(p.str(s.B), s.D)
	}
	return unix.ENOSYS
}

func makeDirectory(p program, s *plan.Step) unix.Errno {
	dst := dest(p.str(s.B), makeDir, s.D, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e := unix.Errno(0)
	if room.made == 0 {
		e = matches(dst, makeDir)
	}
	closeDest(dst)
	return e
}

// writeFile copies a caller's fd into a file of the new root.
func writeFile(p program, s *plan.Step) unix.Errno {
	dst := dest(p.str(s.B), openFile, s.D, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	e := copyFd(uintptr(s.A), dst)
	closeFd(dst)
	closeFd(uintptr(s.A))
	return e
}

// copyFd copies from where src stands to its end. A limit on the size of files
// (RLIMIT_FSIZE) is an error, not the signal that it is by default.
func copyFd(src, dst uintptr) unix.Errno {
	var ignore, was sigaction
	ignore.handler = 1 // SIG_IGN
	raw(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXFSZ), addr(unsafe.Pointer(&ignore)), addr(unsafe.Pointer(&was)), 8, 0, 0)
	e := copyAll(src, dst)
	raw(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXFSZ), addr(unsafe.Pointer(&was)), 0, 8, 0, 0)
	return e
}

func copyAll(src, dst uintptr) unix.Errno {
	p := unsafe.Pointer(&room.data)
	for {
		room.sub = plan.SubRead
		n := raw(unix.SYS_READ, src, addr(p), dataBuf, 0, 0, 0)
		if e := errno(n); e == unix.EINTR {
			continue
		} else if e != 0 {
			return e
		}
		if n == 0 {
			return 0
		}
		room.sub = plan.SubWrite
		if e := writeFull(dst, p, n); e != 0 {
			return e
		}
	}
}

// bindData copies a caller's fd into a file that has no name but its mount point.
func bindData(p program, s *plan.Step) unix.Errno {
	room.serial++
	name := unsafe.Pointer(&room.small)
	putNumber(name, uintptr(room.serial))
	room.sub = plan.SubWrite
	file := openat(room.base, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, uintptr(s.D))
	if e := errno(file); e != 0 {
		return e
	}
	// The name must be there while the file is bound: the classic engine needs one
	// link, and the new one is given the same.
	e := copyFd(uintptr(s.A), file)
	closeFd(uintptr(s.A))
	closeFd(file)
	if e != 0 {
		return e
	}
	dst := dest(p.str(s.B), makeFile, 0o444, s.E)
	if e := errno(dst); e != 0 {
		return e
	}
	putNumber(name, uintptr(room.serial)) // dest uses the buffer too
	file = openat(room.base, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if e := errno(file); e != 0 {
		return e
	}
	if e = hideBase(unix.MS_PRIVATE); e == 0 {
		e = blame(dst, makeFile, attach(p, file, dst, uintptr(s.C)))
	}
	if hidden := hideBase(unix.MS_UNBINDABLE); e == 0 {
		e = hidden
	}
	putNumber(name, uintptr(room.serial))
	raw(unix.SYS_UNLINKAT, room.base, addr(name), 0, 0, 0, 0)
	closeSoon(file)
	closeDest(dst)
	return e
}

// symlink makes a link. One that is there and says the same will do.
func symlink(p program, s *plan.Step) unix.Errno {
	above := dest(p.str(s.B), stayAbove, 0, s.E)
	if e := errno(above); e != 0 {
		return e
	}
	name := unsafe.Pointer(&room.small)
	e := unix.EEXIST
	if room.small[0] != 0 {
		room.sub = plan.SubMain
		e = errno(raw(unix.SYS_SYMLINKAT, addr(p.str(s.A)), above, addr(name), 0, 0, 0))
	}
	if e == unix.EEXIST {
		room.sub = plan.SubExists
		room.link[0] = 0
		if room.small[0] != 0 && sameLink(above, name, p.str(s.A)) {
			e = 0
		}
	}
	closeSoon(above)
	return e
}

func sameLink(dir uintptr, name, target unsafe.Pointer) bool {
	buf := unsafe.Pointer(&room.link)
	n := raw(unix.SYS_READLINKAT, dir, addr(name), addr(buf), pathBuf-1, 0, 0)
	if errno(n) != 0 {
		return false
	}
	*(*byte)(unsafe.Add(buf, n)) = 0
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(unsafe.Add(buf, i)) != *(*byte)(unsafe.Add(target, i)) {
			return false // the target's NUL differs from every byte of a link
		}
	}
	return *(*byte)(unsafe.Add(target, n)) == 0
}

// chmod changes a mode by the file's own descriptor. O_PATH ones are not for fchmod,
// so it goes through the host's /proc; fchmodat2 (6.6) would save that.
func chmod(path unsafe.Pointer, mode uint32) unix.Errno {
	dst := dest(path, findOnly, 0, 0)
	if e := errno(dst); e != 0 {
		return e
	}
	room.sub = plan.SubMain
	name := unsafe.Pointer(&room.small)
	n := put(name, text("self/fd/\x00"))
	putNumber(unsafe.Add(name, n), dst)
	e := errno(raw(unix.SYS_FCHMODAT, room.proc, addr(name), uintptr(mode), 0, 0, 0))
	closeSoon(dst)
	return e
}
