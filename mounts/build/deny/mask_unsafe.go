package deny

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/engine"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
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

// options are those of the overlay that shields the masks.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var options [256]byte

// buffers is the memory of this package. Few sandboxes use it, so it lies apart from what every
// process writes.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var buffers struct {
	masks struct {
		dir, file uintptr // what covers a directory, and another file; 0: not made
		dev       uint64  // the device that they lie on
	}
	missing struct {
		more  bool      // components follow the one that is missing
		above [256]byte // the name of the directory that lacks it; empty: not known
		name  [256]byte // of the placeholder at work
	}
	found [resolve.MaxPath]byte     // the literal beginning of a pattern
	whole [2 * resolve.MaxPath]byte // what matches it
}

// Mask does an OpMask step.
func Mask(r *engine.Mounts, p plan.View, s *plan.Step) step.Fault {
	if f := makeMasks(r, p); f.Is() {
		return f
	}
	if s.Flags&plan.FlagGlob != 0 {
		return glob(r, p, s)
	}
	// A path below a directory that is masked already leads nowhere, and hides nothing more.
	path := p.Str(s.B)
	dst, f := r.Dest(path, resolve.FindOnly, 0, 0)
	switch {
	case f.Is() && underMask(r, path):
		return step.Fault{}
	case f.Errno == unix.ENOENT && s.Flags&plan.FlagTry != 0:
		return step.Fault{}
	case f.Is():
		return f
	}
	f = maskAt(r, dst.FD)
	r.Leave(dst)
	return f
}

// maskAt covers the file dst.
func maskAt(r *engine.Mounts, dst uintptr) step.Fault {
	var st unix.Stat_t
	// fstat asks the file system, whose server may be dead. A file there can be masked nevertheless:
	// see KindUnseen.
	kind, e := raw.Fstat(dst, &st)
	if e != 0 {
		kind = r.KindUnseen(dst)
	}
	from := buffers.masks.file
	if kind == unix.S_IFDIR {
		from = buffers.masks.dir
		// A mask over the whole new root would leave the payload nothing to execute.
		if isWhole(r, dst, &st) {
			return step.Failed(unix.EINVAL, plan.SubWhole)
		}
	}
	return step.Main(r.BindAs(from, dst, 0))
}

// makeMasks makes the file and the directory that cover others, once.
func makeMasks(r *engine.Mounts, p plan.View) step.Fault {
	if buffers.masks.dir != 0 {
		return step.Fault{}
	}
	// A tmpfs of its own, so that the number of its device tells a mask from all else (underMask); 16
	// inodes, since it is never to hold more than three.
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	fs, e := r.MountPrivate(raw.Text("tmpfs\x00"), flags, raw.Text("mode=0755,size=1m,nr_inodes=16\x00"))
	if e != 0 {
		return step.Main(e)
	}
	// While the mount is writable; it becomes read-only when all is in it.
	if e := makeMaskFiles(r, fs); e != 0 {
		return step.Main(e)
	}
	if opensAny(p) {
		// A payload without such a capability is kept out by the mode alone.
		top, e := shield(r, fs)
		switch {
		case e == 0:
			raw.Close(fs)
			fs = top
		case p.InUserns(): // root without one can take a mask away, and need not be kept from opening it
			return step.Failed(e, plan.SubShield)
		}
	}
	switch {
	case r.FromKeeper != 0:
		e = r.Restrict(fs, flags|unix.MS_RDONLY)
	case r.Engine == step.ClassicCalls:
		e = r.Remount(fs, flags|unix.MS_RDONLY)
	default:
		e = r.AddFlags(fs, unix.MS_RDONLY, 0, unix.AT_EMPTY_PATH)
	}
	if e != 0 {
		return step.Main(e)
	}
	var st unix.Stat_t
	if _, e := raw.Fstat(fs, &st); e != 0 {
		return step.Main(e)
	}
	// Behind a shield it is the overlay's number, since that is what is bound.
	buffers.masks.dev = st.Dev
	// The two stay open until set-up ends: each mask is a bind of one of them.
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
func makeMaskFiles(r *engine.Mounts, fs uintptr) unix.Errno {
	// Mode 0 from the first moment on: nothing can have been opened before.
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

// opensFiles are the capabilities that open files whatever their mode is.
const opensFiles = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH

// opensAny reports whether the payload is to have a capability that opens files.
func opensAny(p plan.View) bool { return p.HasCaps(opensFiles) }

// shield shows what lies in lower through an overlay that is mounted without a capability that
// opens files.
func shield(r *engine.Mounts, lower uintptr) (uintptr, unix.Errno) {
	// The kernel refuses an overlay of a single layer ("at least 2 lowerdir are needed").
	none, e := r.PrivateDir() // a read-only overlay has two layers
	if e != 0 {
		return 0, e
	}
	// lower is the last one: of a directory in another one overlayfs would read attributes, as
	// the process that mounts.
	out := unsafe.Pointer(&options)
	n := raw.Put(out, raw.Text("lowerdir=\x00"))
	n += raw.PutLink(unsafe.Add(out, n), none)
	n += raw.Put(unsafe.Add(out, n), raw.Text(":\x00"))
	n += raw.PutLink(unsafe.Add(out, n), lower)
	raw.Put(unsafe.Add(out, n), raw.Text(",userxattr\x00"))
	permitted, inheritable, _ := raw.Caps() // all of which are effective
	// The kernel keeps the credentials of the process that mounts (ovl_override_creds), effective
	// capabilities as they are at that moment. The permitted ones stay, so that they can be raised
	// again.
	if e := raw.SetCaps(permitted, permitted&^opensFiles, inheritable); e != 0 {
		return 0, e
	}
	// See overlay in package build: a layer on an unbindable mount is refused.
	if e = r.HideBase(unix.MS_PRIVATE); e != 0 {
		return 0, e
	}
	top, e := r.MountPrivate(raw.Text("overlay\x00"), unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, out)
	if later := r.HideBase(unix.MS_UNBINDABLE); e == 0 {
		e = later
	}
	// Also after a failure: the error that comes is reported, and set-up may go on (makeMasks).
	if later := raw.SetCaps(permitted, permitted, inheritable); e == 0 {
		e = later
	}
	raw.Close(none)
	return top, e
}

// isWhole reports whether fd, which st is about, is the root of the sandbox.
func isWhole(r *engine.Mounts, fd uintptr, st *unix.Stat_t) bool {
	dir, name := r.Base, raw.Text("newroot\x00")
	if r.FromKeeper != 0 {
		dir, name = raw.AtCwd, raw.Text(broker.NewRoot+"\x00")
	}
	// The same directory is not enough: a bind of the host's root shows it at another path, which may
	// be masked. So the mount is compared as well, which costs more calls, and comes last.
	var its unix.Stat_t
	if raw.Fstatat(dir, name, &its) != 0 || st.Dev != its.Dev || st.Ino != its.Ino {
		return false
	}
	root := r.NewRoot()
	if raw.Errno(root) != 0 {
		return false
	}
	same := sameMount(r, root, fd)
	r.CloseSoon(root)
	return same
}

// sameMount reports whether two descriptors lie on the same mount. Where the kernel does not
// say, they do.
func sameMount(r *engine.Mounts, a, b uintptr) bool {
	one, e := r.MountID(a)
	if e != 0 {
		return true
	}
	other, e := r.MountID(b)
	return e != 0 || one == other
}

// underMask reports whether a path that leads nowhere ends in a directory that is masked.
func underMask(r *engine.Mounts, path unsafe.Pointer) bool {
	above := unsafe.Pointer(&buffers.whole) // no search has begun
	if raw.Strlen(path) >= resolve.MaxPath {
		return false
	}
	raw.Put(above, path)
	for pathname.CutLast(above) {
		// Upwards to the first directory that is there. If that is a mask, it hides what the path would
		// have led to; if not, the path is missing for another reason.
		at, f := r.Dest(above, resolve.FindOnly, 0, 0)
		if f.Is() {
			continue
		}
		var st unix.Stat_t
		_, e := raw.Fstat(at.FD, &st)
		r.Leave(at)
		return e == 0 && st.Dev == buffers.masks.dev
	}
	return false
}
