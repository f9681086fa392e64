package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file resolves destinations: paths below the new root, which never leave it
// while it is built (CVE-2026-87766), whatever an attacker renames meanwhile.
//
// The quick way asks openat2 (since 5.6) with RESOLVE_IN_ROOT. The careful way goes
// down one component at a time with O_NOFOLLOW, keeps the directories it came
// through open, and takes ".." to mean the one before: no rename can make it climb
// above the root. It serves kernels and filters without openat2, and makes what is
// missing on either.

// What stands at the end of a path, and what to do if it is not there.
const (
	findOnly  = iota // must exist
	makeDir          // made as a directory
	makeFile         // made as an empty file
	openFile         // opened for writing; made, or truncated
	stayAbove        // not looked at: the parent is wanted, the name goes to room.small
)

// What dest has made at the end of the path (room.made).
const (
	madeDir  = iota + 1
	madeFile // and the descriptor is open for writing
)

// newRoot opens the root of the sandbox as it is now: the topmost mount on it.
func newRoot() uintptr {
	return openat(room.base, text("newroot\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
}

// dest opens dst below the new root with O_PATH, making it as want says, with the
// given mode, and its parents. It returns a negated errno and sets room.sub.
func dest(dst unsafe.Pointer, want int, mode, parents uint32) uintptr {
	room.sub, room.made, room.absent = plan.SubMain, 0, 0
	root := newRoot()
	if errno(root) != 0 {
		return root
	}
	fd := uintptr(0)
	if room.engine == engineNew && want < openFile {
		if onlySlashes(dst) {
			return root
		}
		fd = inRoot(root, dst)
		// The careful way makes what is missing, knows which part is at fault, and does not
		// mind who renames or mounts meanwhile (EAGAIN).
		if errno(fd) == 0 {
			closeSoon(root)
			return fd
		}
		if errno(fd) == unix.ENOENT && want != findOnly {
			room.absent = 1
		}
	}
	fd = walk(root, dst, want, mode, parents)
	closeSoon(root)
	if errno(fd) == 0 || want == findOnly && room.sub == plan.SubParents {
		room.sub = plan.SubMain
	}
	return fd
}

// closeDest closes what dest has opened last.
func closeDest(dst uintptr) {
	if room.made == madeFile {
		closeFd(dst)
	} else {
		closeSoon(dst)
	}
}

func onlySlashes(path unsafe.Pointer) bool {
	for *(*byte)(path) == '/' {
		path = unsafe.Add(path, 1)
	}
	return *(*byte)(path) == 0
}

func inRoot(root uintptr, dst unsafe.Pointer) uintptr {
	room.how.Flags = unix.O_PATH | unix.O_CLOEXEC
	room.how.Mode = 0
	room.how.Resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	for range 128 { // EAGAIN: somebody renames; the kernel could not be sure
		fd := raw(unix.SYS_OPENAT2, root, addr(dst), addr(unsafe.Pointer(&room.how)), unsafe.Sizeof(room.how), 0, 0)
		if errno(fd) != unix.EAGAIN {
			return fd
		}
	}
	return failed(unix.EAGAIN)
}

// walk is the careful way. The directories that it has come through are in room.stack,
// the last maxDepth of them open.
func walk(root uintptr, dst unsafe.Pointer, want int, mode, parents uint32) uintptr {
	fd := walkOpen(root, dst, want, mode, parents)
	unwind()
	return fd
}

func walkOpen(root uintptr, dst unsafe.Pointer, want int, mode, parents uint32) uintptr {
	p := unsafe.Pointer(&room.path)
	if strlen(dst) >= pathBuf/2 {
		room.sub = plan.SubParents
		return failed(unix.ENAMETOOLONG)
	}
	put(p, dst)
	room.small[0] = 0
	pos, links := uintptr(0), 0
	for steps := 0; steps < pathBuf; steps++ {
		for *(*byte)(unsafe.Add(p, pos)) == '/' {
			pos++
		}
		end := pos
		for c := *(*byte)(unsafe.Add(p, end)); c != '/' && c != 0; c = *(*byte)(unsafe.Add(p, end)) {
			end++
		}
		if end == pos {
			if want == openFile {
				room.sub = plan.SubMakeFile
				return failed(unix.EISDIR)
			}
			return finish(root)
		}
		next := end
		for *(*byte)(unsafe.Add(p, next)) == '/' {
			next++
		}
		last := *(*byte)(unsafe.Add(p, next)) == 0
		*(*byte)(unsafe.Add(p, end)) = 0
		name := unsafe.Add(p, pos)
		if isDot(name) {
			pos = next
			continue
		}
		if isDotDot(name) {
			if !goUp() {
				room.sub = plan.SubParents
				return failed(unix.ENAMETOOLONG)
			}
			pos = next
			continue
		}
		if end-pos > 255 {
			room.sub = plan.SubParents
			return failed(unix.ENAMETOOLONG)
		}
		if last && want == stayAbove {
			put(unsafe.Pointer(&room.small), name)
			return finish(root)
		}
		fd := component(whereNow(root), name, last, want, mode, parents)
		for errno(fd) == unix.EMFILE && forgetOldest() {
			fd = component(whereNow(root), name, last, want, mode, parents)
		}
		if e := errno(fd); e == unix.ELOOP && room.sub == subLink {
			room.sub = plan.SubParents
			links++
			if links > 40 {
				return fd
			}
			absolute, e := follow(whereNow(root), name, next)
			if e != 0 {
				return failed(e)
			}
			if absolute {
				unwind()
			}
			pos = 0
			continue
		} else if e != 0 || last {
			if e != 0 && links == 0 {
				room.part = uint32(end)
			}
			return fd
		}
		goDown(fd)
		pos = next
	}
	room.sub = plan.SubParents
	return failed(unix.ELOOP)
}

// whereNow is the directory that a walk stands in.
func whereNow(root uintptr) uintptr {
	if room.depth == 0 {
		return root
	}
	return uintptr(room.stack[(room.depth-1)&(maxDepth-1)])
}

// goDown enters the directory fd, which the walk then owns.
func goDown(fd uintptr) {
	if room.open == maxDepth {
		forgetOldest()
	}
	room.stack[room.depth&(maxDepth-1)] = int32(fd)
	room.depth++
	room.open++
}

// goUp leaves a directory for the one that it was entered from; above the root there is
// nothing. It reports false where that one is no longer open: so far up, with so much in
// between, no path leads that anybody uses.
func goUp() bool {
	if room.depth == 0 {
		return true
	}
	room.depth--
	room.open--
	closeSoon(uintptr(room.stack[room.depth&(maxDepth-1)]))
	return room.depth == 0 || room.open > 0
}

// forgetOldest closes the directory that was entered first, of those that are open, but
// not the one that the walk stands in.
func forgetOldest() bool {
	if room.open < 2 {
		return false
	}
	closeFd(uintptr(room.stack[(room.depth-room.open)&(maxDepth-1)]))
	room.open--
	return true
}

// unwind goes back to the root.
func unwind() {
	for room.open > 0 {
		room.depth--
		room.open--
		closeSoon(uintptr(room.stack[room.depth&(maxDepth-1)]))
	}
	room.depth = 0
}

// subLink marks that component met a link, which walk then follows.
const subLink = plan.Sub(1 << 16)

// component opens one name in the directory here, without following a link.
func component(here uintptr, name unsafe.Pointer, last bool, want int, mode, parents uint32) uintptr {
	for range 16 { // somebody may make and remove the name while we look
		room.sub = plan.SubParents
		fd := uintptr(0)
		if last && want == openFile {
			fd = openat(here, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, uintptr(mode))
			room.sub = plan.SubMakeFile
			if errno(fd) == unix.ELOOP {
				room.sub = subLink
			}
			return fd
		}
		if last && room.absent != 0 {
			room.absent = 0 // nothing at the end of the path, the kernel said: make it at once
			fd, e := missing(here, name, last, want, mode, parents)
			if e != unix.EEXIST {
				return fd
			}
			room.sub = plan.SubParents
		}
		// What stands at the end may be an automount, which is covered, not mounted: only
		// O_DIRECTORY would ask for that.
		e := unix.ENOTDIR
		if !last {
			fd = openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
			e = errno(fd)
		}
		if e == unix.ENOTDIR {
			fd = openat(here, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
			if e = errno(fd); e == 0 {
				return mayEnd(fd, last)
			}
		}
		if e == unix.EACCES && last && want != findOnly {
			room.sub = plan.SubMakeFile
			if want == makeDir {
				room.sub = plan.SubMakeDir
			}
		}
		if e != unix.ENOENT {
			return fd
		}
		fd, e = missing(here, name, last, want, mode, parents)
		if e != unix.EEXIST {
			return fd
		}
	}
	return failed(unix.EAGAIN)
}

// mayEnd decides about fd, which is the last component or not a directory: a link is
// followed, other files end a walk and are in the way of one that goes on.
func mayEnd(fd uintptr, last bool) uintptr {
	link, e := isLink(fd)
	if e == 0 && !link && last {
		return fd
	}
	closeFd(fd)
	if e != 0 {
		return failed(e)
	}
	if link {
		room.sub = subLink
		return failed(unix.ELOOP)
	}
	return failed(unix.ENOTDIR)
}

// isLink reports whether fd, opened with O_PATH|O_NOFOLLOW, is a symbolic link. A file
// that cannot be looked at (fstat: EACCES of somebody else's FUSE mount, ENOTCONN of a dead
// one, ESTALE) can still be covered: that it is not a link is known without its file system.
func isLink(fd uintptr) (bool, unix.Errno) {
	kind, e := fstat(fd)
	if e == 0 {
		return kind == unix.S_IFLNK, 0
	}
	n := raw(unix.SYS_READLINKAT, fd, addr(text("\x00")), addr(unsafe.Pointer(&room.link)), 1, 0, 0)
	switch errno(n) {
	case 0:
		return true, 0
	case unix.ENOENT, unix.EINVAL: // readlink(2): for an empty path, and for what is not a link
		return false, 0
	}
	return false, e
}

// missing makes a name that is not there, as want says, and opens it. Its errno is EEXIST if
// the name is there by now, or something else is by the time it is opened.
func missing(here uintptr, name unsafe.Pointer, last bool, want int, mode, parents uint32) (uintptr, unix.Errno) {
	switch {
	case want == findOnly:
		return failed(unix.ENOENT), unix.ENOENT
	case !last:
		return makeAndOpen(here, name, parents)
	case want == makeDir:
		room.sub = plan.SubMakeDir
		fd, e := makeAndOpen(here, name, mode)
		if e == 0 {
			room.made = madeDir
		}
		return fd, e
	default:
		room.sub = plan.SubMakeFile
		fd := openat(here, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, uintptr(mode))
		if errno(fd) == 0 {
			room.made = madeFile
		}
		return fd, errno(fd)
	}
}

// makeAndOpen makes a directory.
func makeAndOpen(here uintptr, name unsafe.Pointer, mode uint32) (uintptr, unix.Errno) {
	if e := errno(mkdirat(here, name, mode)); e != 0 {
		return failed(e), e
	}
	fd := openat(here, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if e := errno(fd); e == unix.ENOTDIR || e == unix.ENOENT {
		return fd, unix.EEXIST
	}
	return fd, errno(fd)
}

// follow puts the target of the link name in front of the rest of the path.
func follow(here uintptr, name unsafe.Pointer, next uintptr) (absolute bool, e unix.Errno) {
	buf := unsafe.Pointer(&room.link)
	n := raw(unix.SYS_READLINKAT, here, addr(name), addr(buf), pathBuf/2-2, 0, 0)
	if e := errno(n); e != 0 {
		return false, e
	}
	rest := unsafe.Add(unsafe.Pointer(&room.path), next)
	if n == 0 || n+strlen(rest) >= pathBuf/2-2 {
		return false, unix.ENAMETOOLONG
	}
	first := *(*byte)(buf)
	if magicLink(here, first) {
		room.sub = plan.SubMagicLink
		return false, unix.ELOOP
	}
	if *(*byte)(rest) != 0 {
		*(*byte)(unsafe.Add(buf, n)) = '/'
		n++
	}
	put(unsafe.Add(buf, n), rest)
	put(unsafe.Pointer(&room.path), buf)
	return first == '/', 0
}

// procMagic is PROC_SUPER_MAGIC.
const procMagic = 0x9fa0

// magicLink reports whether a link in the directory here is one of those of /proc that
// lead anywhere (fd/N, root, cwd, exe, ns/*, map_files/*). The plain ones of /proc
// begin with a digit or with "self".
func magicLink(here uintptr, first byte) bool {
	e := errno(raw(unix.SYS_FSTATFS, here, addr(unsafe.Pointer(&room.statfs)), 0, 0, 0, 0))
	if e != 0 {
		return true
	}
	return room.statfs.Type == procMagic && first != 's' && (first < '0' || first > '9')
}

// finish ends a walk at the directory it stands in.
func finish(root uintptr) uintptr {
	if room.depth > 0 {
		room.depth--
		room.open--
		return uintptr(room.stack[room.depth&(maxDepth-1)])
	}
	return fcntl(root, unix.F_DUPFD_CLOEXEC, 3)
}

func isDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == 0
}

func isDotDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == '.' && *(*byte)(unsafe.Add(p, 2)) == 0
}
