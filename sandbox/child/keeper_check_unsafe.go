package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// restrict applies the administrator's setuid.conf, read as the user. No file, or no
// directory for it, means no restriction; any doubt ends the launch.
func restrict(p program, gid uintptr) {
	dir := openat(atCwd, text(suid.ConfDir+"\x00"), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errno(dir) == unix.ENOENT {
		return
	}
	rootsOwn(dir, unix.S_IFDIR)
	file := openat(dir, text(suid.ConfName+"\x00"), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	closeFd(dir)
	if errno(file) == unix.ENOENT {
		return
	}
	rootsOwn(file, unix.S_IFREG)
	if room.stat.Size > suid.MaxConf {
		fault(0, plan.SubConf, 0)
	}
	buf := unsafe.Pointer(&room.data)
	n := readFull(file, buf, suid.MaxConf+1)
	closeFd(file)
	ids, many := groups(unsafe.Add(buf, suid.MaxConf+64), gid)
	if n != uintptr(room.stat.Size) {
		fault(0, plan.SubConf, 0)
	}
	if line := suid.ReadConf(buf, n, ids, many, &room.conf); line != 0 {
		fault(0, plan.SubConf, line)
	}
	if extra, step := room.conf.Restrict(p.base); extra != 0 {
		room.step = step
		fault(0, plan.SubRefused, extra)
	}
}

// rootsOwn ends the launch unless fd is what it has to be, root's, and for nobody else
// to write.
func rootsOwn(fd uintptr, kind uint32) {
	if e := errno(fd); e != 0 {
		fault(e, plan.SubConf, 0)
	}
	have, e := fstat(fd)
	if e != 0 || have != kind || room.stat.Uid != 0 || room.stat.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 {
		fault(e, plan.SubConf, 0)
	}
}

// maxGroups bounds the caller's groups that are looked at; somebody with more is in none.
const maxGroups = (dataBuf - suid.MaxConf - 64) / 4

// groups writes the caller's group and supplementary groups to p.
func groups(p unsafe.Pointer, gid uintptr) (unsafe.Pointer, uintptr) {
	*(*uint32)(p) = uint32(gid)
	n := raw(unix.SYS_GETGROUPS, maxGroups-1, addr(unsafe.Add(p, 4)), 0, 0, 0, 0)
	if errno(n) != 0 {
		n = 0
	}
	return p, n + 1
}

// maxNamed is above every descriptor that a plan may name in setuid mode: there is a
// bit for each in the room.
const maxNamed = dataBuf * 8

// checkFds refuses plans that name descriptors of ours, now or later, or use one up
// twice: what a number means must not change while the plan is walked. Ours go, now and
// later, above all that are named.
func checkFds(p program) {
	bits := unsafe.Pointer(&room.data)
	for i := uintptr(0); i < dataBuf; i++ {
		*(*byte)(unsafe.Add(bits, i)) = 0
	}
	top := max(named(p, p.h.Close, p.h.Closec), named(p, p.h.Sync, p.h.Syncc), named(p, p.h.Early, p.h.Earlyc))
	if p.h.JSONFd >= 0 {
		top = max(top, allowedFd(uintptr(p.h.JSONFd)))
	}
	for i := uint32(0); i < p.h.Earlyc; i++ {
		useUp(uintptr(*p.slot(p.h.Early + i)))
	}
	for i := uint32(0); i < p.h.Steps; i++ {
		s := plan.StepAt(p.base, i)
		room.step = i
		fd := uintptr(0)
		switch {
		case s.Op == plan.OpSource && s.A == 0:
			fd = uintptr(s.B)
		case s.Op == plan.OpFile || s.Op == plan.OpData || s.Op == plan.OpWaitFd:
			fd = uintptr(s.A)
			useUp(allowedFd(fd))
		default:
			continue
		}
		top = max(top, allowedFd(fd))
		if e := errno(fcntl(fd, unix.F_GETFD, 0)); e != 0 && (s.Op != plan.OpSource || s.Flags&plan.FlagConsole == 0) {
			fault(e, plan.SubFd, uint32(fd))
		}
	}
	room.step = plan.NoStep
	room.high = top + 1
	room.sock, room.childEnd = above(room.sock), above(room.childEnd)
}

// named is the highest of the descriptors in a range of slots.
func named(p program, first, n uint32) uintptr {
	top := uintptr(2)
	for i := uint32(0); i < n; i++ {
		top = max(top, allowedFd(uintptr(*p.slot(first + i))))
	}
	return top
}

func allowedFd(fd uintptr) uintptr {
	if fd >= maxNamed || fd == room.sock || fd == room.childEnd {
		fault(0, plan.SubFd, uint32(fd))
	}
	return fd
}

// useUp marks a descriptor that a step closes; a second time is once too often.
func useUp(fd uintptr) {
	b := (*byte)(unsafe.Add(unsafe.Pointer(&room.data), fd>>3))
	if *b>>(fd&7)&1 != 0 {
		fault(0, plan.SubFd, uint32(fd))
	}
	*b |= 1 << (fd & 7)
}
