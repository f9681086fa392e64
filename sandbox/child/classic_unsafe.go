package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file does with mount(2) what the new calls do where a kernel or a filter
// lacks them. A tree is bound to a stage on the frame's tmpfs, where the payload
// cannot look, tightened there mount by mount, and then moved to its destination:
// so here too nothing is ever visible with too many rights.

// fdPath writes "/proc/self/fd/N" and returns its length.
func fdPath(p unsafe.Pointer, fd uintptr) uintptr {
	n := put(p, text("/proc/self/fd/\x00"))
	return n + putNumber(unsafe.Add(p, n), fd)
}

func attachClassic(p program, src, dst, flags uintptr) unix.Errno {
	kind, e := fstat(src)
	if e != 0 {
		return e
	}
	if e := makeStage(kind == unix.S_IFDIR); e != 0 {
		return e
	}
	from, stage := unsafe.Pointer(&room.names[0]), unsafe.Pointer(&room.names[1])
	stageName := text("/stagefile\x00")
	if kind == unix.S_IFDIR {
		stageName = text("/stagedir\x00")
	}
	fdPath(from, src)
	put(unsafe.Add(stage, fdPath(stage, room.base)), stageName)
	if e := mount(from, stage, nil, unix.MS_BIND|unix.MS_REC|unix.MS_SILENT, nil); e != 0 {
		return e
	}
	if flags&unix.MS_RDONLY != 0 { // as in setFlags; first, so that nothing comes between
		if e := mount(nil, stage, nil, unix.MS_PRIVATE|unix.MS_REC|unix.MS_SILENT, nil); e != 0 {
			return e
		}
	}
	if e := tightenStage(p, stageName, flags); e != 0 {
		return e
	}
	room.sub = plan.SubMain
	fdPath(from, src)
	put(unsafe.Add(stage, fdPath(stage, room.base)), stageName)
	to := unsafe.Pointer(&room.names[0])
	fdPath(to, dst)
	return mount(stage, to, nil, unix.MS_MOVE|unix.MS_SILENT, nil)
}

func makeStage(directory bool) unix.Errno {
	if directory {
		if e := errno(mkdirat(room.base, text("stagedir\x00"), 0o700)); e != unix.EEXIST {
			return e
		}
		return 0
	}
	fd := openat(room.base, text("stagefile\x00"), unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if e := errno(fd); e != 0 {
		return e
	}
	closeFd(fd)
	return 0
}

// Bounds of tightenStage: how often it looks, and how many mounts may be covered.
const (
	maxLooks   = 400
	maxCovered = 256
)

// tightenStage adds flags to every mount at and below the stage that can be seen. What
// another mount covers for good stays as it is; but somebody who renames directories
// can make a mount look covered, so that is believed only when mountinfo explains it,
// time after time.
func tightenStage(p program, stage unsafe.Pointer, flags uintptr) unix.Errno {
	if flags == 0 {
		return 0
	}
	room.ncovered = 0
	for range maxLooks {
		astray, e := lookAtStage(p, stage, flags)
		if e != 0 || astray == 0 {
			return e
		}
		sure := true
		for range 3 {
			sure = sure && covered(astray, stage)
		}
		if !sure {
			continue
		}
		if room.ncovered >= maxCovered {
			break
		}
		room.covered[room.ncovered&(maxCovered-1)] = uint32(astray)
		room.ncovered++
	}
	room.sub = plan.SubSubmount
	return unix.EBUSY
}

// lookAtStage goes through mountinfo once. It returns the id of a mount that its path
// did not lead to, or 0.
func lookAtStage(p program, stage unsafe.Pointer, flags uintptr) (astray uintptr, e unix.Errno) {
	m, e := openMountinfo()
	if e != 0 {
		return 0, e
	}
	var line mountLine
	for {
		more, e := m.read(&line)
		if e != 0 || !more {
			closeFd(m.fd)
			return astray, e
		}
		point := unsafe.Add(unsafe.Pointer(&room.data), line.point)
		top, below := under(point, stage)
		if (!top && !below) || line.flags&flags == flags || knownCovered(line.id) {
			continue
		}
		found, e := tightenOne(&line, point, flags)
		room.sub = plan.SubRemount
		if below {
			room.sub = plan.SubSubmount
		}
		switch {
		case e == 0 && found:
		case e == 0:
			astray = line.id
		case below && p.has(plan.FlagForgive):
			warn(e, plan.SubSubmount)
			room.covered[room.ncovered&(maxCovered-1)] = uint32(line.id) // once is enough
			room.ncovered = min(room.ncovered+1, maxCovered)
		default:
			closeFd(m.fd)
			return 0, e
		}
	}
}

func knownCovered(id uintptr) bool {
	for i := uint32(0); i < room.ncovered; i++ {
		if room.covered[i&(maxCovered-1)] == uint32(id) {
			return true
		}
	}
	return false
}

// under compares a mount point with the stage's path.
func under(point, stage unsafe.Pointer) (same, below bool) {
	n := strlen(stage)
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(unsafe.Add(point, i)) != *(*byte)(unsafe.Add(stage, i)) {
			return false, false
		}
	}
	next := *(*byte)(unsafe.Add(point, n))
	return next == 0, next == '/'
}

// tightenOne remounts the mount that a line names, if its path leads there. One that the
// user cannot reach stays as it is: mount(2) has no other way to it than a path, and the
// payload does not get there either.
func tightenOne(line *mountLine, point unsafe.Pointer, flags uintptr) (found bool, e unix.Errno) {
	fd := walk(room.base, point, findOnly, 0, 0)
	for i := 0; i < 2 && errno(fd) != 0 && outOfReach(errno(fd)); i++ {
		fd = walk(room.base, point, findOnly, 0, 0) // once is not always
	}
	if e := errno(fd); e == unix.ENOENT || e == unix.ENOTDIR {
		return false, 0
	} else if e != 0 && outOfReach(e) {
		return true, 0
	} else if e != 0 {
		return false, e
	}
	id, e := mountID(fd)
	if e == 0 && id == line.id {
		name := unsafe.Pointer(&room.names[0])
		fdPath(name, fd)
		e = mount(nil, name, nil, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_SILENT|flags|line.flags, nil)
		found = true
	}
	closeFd(fd)
	return found, e
}

// outOfReach reports whether a path that failed with e is closed to the user: a directory
// that they may not search, or a file system that does not answer (ENOTCONN, ESTALE, EIO
// and what else such have). What set-up itself ran out of is not.
func outOfReach(e unix.Errno) bool {
	switch e {
	case unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENAMETOOLONG, unix.ELOOP, unix.EAGAIN, unix.EINVAL:
		return false
	}
	return true
}

// maxChain bounds how deep mounts lie in each other.
const maxChain = 64

// covered reports whether mountinfo explains why the path of a mount leads elsewhere: the
// mount that it leads to, or one that that lies on, is mounted on this one's root, or
// above its mount point on the same parent; or the like holds for one that this lies on.
func covered(id uintptr, stage unsafe.Pointer) bool {
	there := whereLeads(id)
	for range maxChain {
		var line mountLine
		if there == 0 || !findMount(id, &line) {
			return false
		}
		mine := unsafe.Pointer(&room.cover)
		if strlen(unsafe.Add(unsafe.Pointer(&room.data), line.point)) >= pathBuf {
			return false
		}
		put(mine, unsafe.Add(unsafe.Pointer(&room.data), line.point))
		if same(mine, stage) {
			return false
		}
		if covers(there, id, line.parent, mine) {
			return true
		}
		id = line.parent
	}
	return false
}

// whereLeads is the id of the mount in which the path of a mount ends, or stops.
func whereLeads(id uintptr) uintptr {
	var line mountLine
	if !findMount(id, &line) {
		return 0
	}
	point := unsafe.Add(unsafe.Pointer(&room.data), line.point)
	for {
		fd := walk(room.base, point, findOnly, 0, 0)
		e := errno(fd)
		if e == 0 {
			there, e := mountID(fd)
			closeFd(fd)
			if e != 0 || there == id {
				return 0
			}
			return there
		}
		if (e != unix.ENOENT && e != unix.ENOTDIR) || !cutLast(point) {
			return 0
		}
	}
}

// covers reports whether the mount there, or one that it lies on, hides the mount id,
// which is mounted on point of its parent.
func covers(there, id, parent uintptr, point unsafe.Pointer) bool {
	for range maxChain {
		var line mountLine
		if there == id || there == parent || !findMount(there, &line) {
			return false
		}
		over := unsafe.Add(unsafe.Pointer(&room.data), line.point)
		if line.parent == id && same(over, point) {
			return true
		}
		if _, below := under(point, over); line.parent == parent && below {
			return true
		}
		there = line.parent
	}
	return false
}

// cutLast takes the last component off a path.
func cutLast(path unsafe.Pointer) bool {
	n := strlen(path)
	for n > 1 {
		n--
		if *(*byte)(unsafe.Add(path, n)) == '/' {
			*(*byte)(unsafe.Add(path, n)) = 0
			return true
		}
	}
	return false
}

// remountClassic adds flags to the mount that fd is the root of.
func remountClassic(fd, flags uintptr) unix.Errno {
	id, e := mountID(fd)
	if e != 0 {
		return e
	}
	m, e := openMountinfo()
	if e != 0 {
		return e
	}
	var line mountLine
	for {
		more, e := m.read(&line)
		if e != 0 || !more {
			closeFd(m.fd)
			if e == 0 {
				e = unix.EINVAL
			}
			return e
		}
		if line.id != id {
			continue
		}
		name := unsafe.Pointer(&room.names[0])
		fdPath(name, fd)
		e = mount(nil, name, nil, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_SILENT|flags|line.flags, nil)
		closeFd(m.fd)
		return e
	}
}
