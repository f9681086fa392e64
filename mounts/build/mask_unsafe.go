package build

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// This file masks paths: what is there stays a file or a directory, and nobody opens it. It is
// covered by a bind of a file, or a directory, with the mode 0000. Both lie on a tmpfs that has no
// other name, and whose mount is read-only, so that their owner cannot change the mode.
//
// CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH open files of that mode, too, if their owner is mapped
// in the user namespace in which they count (capable_wrt_inode_uidgid, kernel/capability.c), and
// these belong to the payload's own user. Where the payload is to have one of them, the two are
// shown through an overlay: it asks for the rights of the process that mounted it as well as
// for those of the one that opens (overlayfs(5), "Permission model"), and that process has
// neither capability at that moment.

// mask does an OpMask step.
func (r *Root) mask(p plan.View, s *plan.Step) step.Fault {
	if f := r.makeMasks(p); f.Is() {
		return f
	}
	if s.Flags&plan.FlagGlob != 0 {
		return r.glob(p, s)
	}
	path := p.Str(s.B)
	dst, f := r.dest(path, findOnly, 0, 0)
	switch {
	case f.Is() && r.underMask(path):
		return step.Fault{}
	case f.Errno == unix.ENOENT && s.Flags&plan.FlagTry != 0:
		return step.Fault{}
	case f.Is():
		return f
	}
	f = r.maskAt(dst.fd)
	r.leave(dst)
	return f
}

// maskAt covers the file dst.
func (r *Root) maskAt(dst uintptr) step.Fault {
	var st unix.Stat_t
	kind, e := raw.Fstat(dst, &st)
	if e != 0 {
		kind = r.kindUnseen(dst)
	}
	from := buffers.masks.file
	if kind == unix.S_IFDIR {
		from = buffers.masks.dir
		if r.isWhole(dst, &st) {
			return step.Failed(unix.EINVAL, plan.SubWhole)
		}
	}
	return step.Main(r.bindAs(from, dst, 0))
}

// bindAs binds src onto dst with the flags that its mount has. how is AT_RECURSIVE, for what is
// mounted below it, too, or 0.
func (r *Root) bindAs(src, dst, how uintptr) unix.Errno {
	if r.Guarded != 0 {
		return r.askBind(plan.View{}, src, dst, 0).Errno // no flags: there is nothing to look for in mountinfo
	}
	if r.Engine == ClassicCalls {
		flags := uintptr(unix.MS_BIND | unix.MS_SILENT)
		if how != 0 {
			flags |= unix.MS_REC
		}
		var from, to raw.Link
		return r.Mount(from.Absolute(src), to.Absolute(dst), nil, flags, nil)
	}
	clone := raw.Call(unix.SYS_OPEN_TREE, src, raw.Addr(raw.Empty()),
		unix.AT_EMPTY_PATH|how|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC, 0, 0, 0)
	if e := raw.Errno(clone); e != 0 {
		return e
	}
	e := r.moveMount(clone, dst)
	r.CloseSoon(clone)
	return e
}

// makeMasks makes the file and the directory that cover others, once.
func (r *Root) makeMasks(p plan.View) step.Fault {
	if buffers.masks.dir != 0 {
		return step.Fault{}
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	fs, e := r.mountPrivate(raw.Text("tmpfs\x00"), flags, raw.Text("mode=0755,size=1m,nr_inodes=16\x00"))
	if e != 0 {
		return step.Main(e)
	}
	if e := r.makeMaskFiles(fs); e != 0 {
		return step.Main(e)
	}
	if opensAny(p) {
		top, e := r.shield(fs)
		switch {
		case e == 0:
			raw.Close(fs)
			fs = top
		case inUserns(p): // root without one can take a mask away, and need not be kept from opening it
			return step.Failed(e, plan.SubShield)
		}
	}
	switch {
	case r.Guarded != 0:
		e = r.restrict(fs, flags|unix.MS_RDONLY)
	case r.Engine == ClassicCalls:
		e = r.remount(fs, flags|unix.MS_RDONLY)
	default:
		e = r.addFlags(fs, unix.MS_RDONLY, 0, unix.AT_EMPTY_PATH)
	}
	if e != 0 {
		return step.Main(e)
	}
	var st unix.Stat_t
	if _, e := raw.Fstat(fs, &st); e != 0 {
		return step.Main(e)
	}
	buffers.masks.dev = st.Dev
	dir := raw.Openat(fs, raw.Text("dir\x00"), unix.O_PATH|unix.O_NOFOLLOW, 0)
	file := raw.Openat(fs, raw.Text("file\x00"), unix.O_PATH|unix.O_NOFOLLOW, 0)
	raw.Close(fs)
	if e := raw.Errno(dir) | raw.Errno(file); e != 0 {
		return step.Main(e)
	}
	buffers.masks.dir, buffers.masks.file = dir, file
	return step.Fault{}
}

// makeMaskFiles makes the two in the directory fs.
func (r *Root) makeMaskFiles(fs uintptr) unix.Errno {
	if e := raw.Mkdirat(fs, raw.Text("dir\x00"), 0); e != 0 {
		return e
	}
	file := raw.Openat(fs, raw.Text("file\x00"), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0)
	e := raw.Errno(file)
	if e == 0 {
		raw.Close(file)
	}
	return e
}

// mountPrivate mounts a file system where the payload never looks, and opens it.
func (r *Root) mountPrivate(fs unsafe.Pointer, flags uintptr, options unsafe.Pointer) (uintptr, unix.Errno) {
	at, e := r.privateDir()
	if e != 0 {
		return 0, e
	}
	if r.Guarded != 0 { // the one that there is without capabilities, of a megabyte
		e = r.Ask(&broker.Request{Op: broker.FS, A: broker.Tmpfs, B: 0o755, C: 1 << 20}, at, broker.None).Errno
	} else {
		e = r.mountOn(at, fs, flags, options)
	}
	r.CloseSoon(at)
	if e != 0 {
		return 0, e
	}
	top := r.openPrivate(unix.O_DIRECTORY)
	return top, raw.Errno(top)
}

// opensFiles are the capabilities that open files whatever their mode is.
const opensFiles = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH

// writesForeign are the capabilities by which a process can write a directory of another user:
// these, and those that change whose it is, its mode, or the process's own ids.
const writesForeign = opensFiles | 1<<unix.CAP_CHOWN | 1<<unix.CAP_FOWNER | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID

// opensAny reports whether the payload is to have a capability that opens files.
func opensAny(p plan.View) bool { return hasAny(p, opensFiles) }

// hasAny reports whether the payload is to have one of these capabilities.
func hasAny(p plan.View, caps uint32) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpCaps && s.C&caps != 0 {
			return true
		}
	}
	return false
}

// shield shows what lies in lower through an overlay that is mounted without a capability that
// opens files.
func (r *Root) shield(lower uintptr) (uintptr, unix.Errno) {
	none, e := r.privateDir() // a read-only overlay has two layers
	if e != 0 {
		return 0, e
	}
	// lower is the last one: of a directory in another one overlayfs would read attributes, as
	// the process that mounts.
	out := unsafe.Pointer(&buffers.options)
	n := raw.Put(out, raw.Text("lowerdir=\x00"))
	n += raw.PutLink(unsafe.Add(out, n), none)
	n += raw.Put(unsafe.Add(out, n), raw.Text(":\x00"))
	n += raw.PutLink(unsafe.Add(out, n), lower)
	raw.Put(unsafe.Add(out, n), raw.Text(",userxattr\x00"))
	permitted, inheritable, _ := raw.Caps() // all of which are effective
	if e := raw.SetCaps(permitted, permitted&^opensFiles, inheritable); e != 0 {
		return 0, e
	}
	if e = r.hideBase(unix.MS_PRIVATE); e != 0 {
		return 0, e
	}
	top, e := r.mountPrivate(raw.Text("overlay\x00"), unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, out)
	if later := r.hideBase(unix.MS_UNBINDABLE); e == 0 {
		e = later
	}
	if later := raw.SetCaps(permitted, permitted, inheritable); e == 0 {
		e = later
	}
	raw.Close(none)
	return top, e
}

// isWhole reports whether fd, which st is about, is the root of the sandbox.
func (r *Root) isWhole(fd uintptr, st *unix.Stat_t) bool {
	dir, name := r.base, raw.Text("newroot\x00")
	if r.Guarded != 0 {
		dir, name = raw.AtCwd, raw.Text(broker.NewRoot+"\x00")
	}
	var its unix.Stat_t
	if raw.Fstatat(dir, name, &its) != 0 || st.Dev != its.Dev || st.Ino != its.Ino {
		return false
	}
	root := r.newRoot()
	if raw.Errno(root) != 0 {
		return false
	}
	same := r.sameMount(root, fd)
	r.CloseSoon(root)
	return same
}

// sameMount reports whether two descriptors lie on the same mount. Where the kernel does not
// say, they do.
func (r *Root) sameMount(a, b uintptr) bool {
	one, e := r.mountID(a)
	if e != 0 {
		return true
	}
	other, e := r.mountID(b)
	return e != 0 || one == other
}

// underMask reports whether a path that leads nowhere ends in a directory that is masked.
func (r *Root) underMask(path unsafe.Pointer) bool {
	above := unsafe.Pointer(&buffers.source)
	if raw.Strlen(path) >= pathBuf {
		return false
	}
	raw.Put(above, path)
	for cutLast(above) {
		at, f := r.dest(above, findOnly, 0, 0)
		if f.Is() {
			continue
		}
		var st unix.Stat_t
		_, e := raw.Fstat(at.fd, &st)
		r.leave(at)
		return e == 0 && st.Dev == buffers.masks.dev
	}
	return false
}
