package child

// No runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// What the keeper judges a plan with.
//
//nolint:gochecknoglobals // the keeper's memory
var (
	conf   suid.Conf
	judged [1 << 16]byte // the text of setuid.conf and the caller's groups; later a bit for each descriptor that is used up
)

// restrict applies the administrator's setuid.conf, read as the user. No file, or no
// directory for it, means no restriction; any doubt ends the launch.
func restrict(p plan.View, gid uintptr) {
	dir := raw.Openat(raw.AtCwd, raw.Text(suid.ConfDir+"\x00"), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if raw.Errno(dir) == unix.ENOENT {
		return
	}
	rootsOwn(dir, unix.S_IFDIR)
	file := raw.Openat(dir, raw.Text(suid.ConfName+"\x00"), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	raw.Close(dir)
	if raw.Errno(file) == unix.ENOENT {
		return
	}
	size := rootsOwn(file, unix.S_IFREG)
	if size > suid.MaxConf {
		acting.End(step.Fault{Sub: plan.SubConf})
	}
	buf := unsafe.Pointer(&judged)
	n := raw.ReadFull(file, buf, suid.MaxConf+1)
	raw.Close(file)
	ids, many := groups(unsafe.Add(buf, suid.MaxConf+64), gid)
	if n != size {
		acting.End(step.Fault{Sub: plan.SubConf})
	}
	if line := suid.ReadConf(buf, n, ids, many, &conf); line != 0 {
		acting.End(step.Fault{Sub: plan.SubConf, Extra: line})
	}
	if extra, at := conf.Restrict(p.Base()); extra != 0 {
		acting.Step = at
		acting.End(step.Fault{Sub: plan.SubRefused, Extra: extra})
	}
}

// rootsOwn ends the launch unless fd is what it has to be, root's, and for nobody else
// to write. It returns the size.
func rootsOwn(fd uintptr, kind uint32) uintptr {
	if e := raw.Errno(fd); e != 0 {
		acting.End(step.Failed(e, plan.SubConf))
	}
	var st unix.Stat_t
	have, e := raw.Fstat(fd, &st)
	if e != 0 || have != kind || st.Uid != 0 || st.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 {
		acting.End(step.Fault{Errno: e, Sub: plan.SubConf})
	}
	return uintptr(st.Size)
}

// maxGroups bounds the caller's groups that are looked at; somebody with more is in none.
const maxGroups = (uintptr(len(judged)) - suid.MaxConf - 64) / 4

// groups writes the caller's group and supplementary groups to p.
func groups(p unsafe.Pointer, gid uintptr) (unsafe.Pointer, uintptr) {
	*(*uint32)(p) = uint32(gid)
	n := raw.Call(unix.SYS_GETGROUPS, maxGroups-1, raw.Addr(unsafe.Add(p, 4)), 0, 0, 0, 0)
	if raw.Errno(n) != 0 {
		n = 0
	}
	return p, n + 1
}

// maxNamed is above every descriptor that a plan may name in setuid mode: there is a
// bit for each in judged.
const maxNamed = uintptr(len(judged)) * 8

// checkFds refuses plans that name descriptors of ours, now or later, or use one up
// twice: what a number means must not change while the plan is walked. Ours go, now and
// later, above all that are named.
func checkFds(p plan.View) {
	for i := range uintptr(len(judged)) {
		*(*byte)(unsafe.Add(unsafe.Pointer(&judged), i)) = 0
	}
	top := max(named(p, p.Close, p.Closec), named(p, p.Sync, p.Syncc), named(p, p.Early, p.Earlyc))
	if p.JSONFd >= 0 {
		top = max(top, allowedFd(uintptr(p.JSONFd)))
	}
	for i := uint32(0); i < p.Earlyc; i++ {
		useUp(uintptr(*p.Slot(p.Early + i)))
	}
	for i := uint32(0); i < p.Steps; i++ {
		s := p.Step(i)
		acting.Step = i
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
		if e := raw.Errno(raw.Fcntl(fd, unix.F_GETFD, 0)); e != 0 && (s.Op != plan.OpSource || s.Flags&plan.FlagConsole == 0) {
			acting.End(step.Fault{Errno: e, Sub: plan.SubFd, Extra: uint32(fd)})
		}
	}
	acting.Step = plan.NoStep
	acting.RaiseFloor(top + 1)
	acting.Sock, feed.child = acting.Above(acting.Sock), acting.Above(feed.child)
}

// named is the highest of the descriptors in a range of slots.
func named(p plan.View, first, n uint32) uintptr {
	top := uintptr(2)
	for i := uint32(0); i < n; i++ {
		top = max(top, allowedFd(uintptr(*p.Slot(first + i))))
	}
	return top
}

func allowedFd(fd uintptr) uintptr {
	if fd >= maxNamed || fd == acting.Sock || fd == feed.child {
		acting.End(step.Fault{Sub: plan.SubFd, Extra: uint32(fd)})
	}
	return fd
}

// useUp marks a descriptor that a step closes; a second time is once too often.
func useUp(fd uintptr) {
	b := (*byte)(unsafe.Add(unsafe.Pointer(&judged), fd>>3))
	if *b>>(fd&7)&1 != 0 {
		acting.End(step.Fault{Sub: plan.SubFd, Extra: uint32(fd)})
	}
	*b |= 1 << (fd & 7)
}
