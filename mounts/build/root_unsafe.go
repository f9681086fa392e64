package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// Mount engines.
const (
	ClassicCalls = iota // mount(2), mountinfo, a walk per path
	NewCalls            // open_tree, mount_setattr, move_mount (5.12), openat2 (5.6)
)

// Sizes of buffers, in bytes.
const (
	pathBuf = 2 * unix.PathMax // the longest path that is followed, with its NUL
	infoBuf = 1 << 16          // the longest line of mountinfo
	copyBuf = 1 << 16
)

// Root is a root file system in the making. It holds no pointer. Descriptors lie above 2, so
// 0 stands for one that is not open.
type Root struct {
	step.State

	Engine uint32  // ClassicCalls or NewCalls
	Umask  uint32  // the caller's
	Feed   uintptr // where the monitor is told of placeholders

	// In setuid mode:
	Cwd    uintptr    // the caller's working directory; 0: this process's
	Mapped uint32     // the process is in a user namespace
	Slave  unix.Errno // why mounts still propagate to the host; the keeper has stopped that
	NoProc unix.Errno // why there is no new proc
	top    uintptr    // what base is mounted on, which is this process's root

	base   uintptr // the frame's tmpfs
	old    uintptr // the old root
	apart  uint32  // where the old root is, if it is not this process's: onTop or rootfs
	serial uint32  // of the files on the frame's tmpfs
	held   uint32  // how many placeholders there are

	idle   idle
	nofile unix.Rlimit // the limit on descriptors as it was
	raised uint32      // it has been raised
	spare  uint32      // so many sources can be opened before free descriptors are counted anew

	covered uint32 // how many mounts others hide: see buffers
	walk    struct {
		depth  uintptr // how many directories the walk has come through
		open   uintptr // how many of them, the last, are open
		absent bool    // the kernel says that nothing is at the end of the path
	}
}

// buffers is the large memory of a Root, of which a process has one. It is not part of the Root:
// of that, which a process that is forked writes to at once, a single page is copied, and of this
// what is used.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var buffers struct {
	last    [256]byte         // the last component of a path, where it is not looked at
	dirs    [maxDepth]int32   // the directories that a walk has come through: a ring
	plain   [64]byte          // options of mount(2) without a label
	rest    [2 * pathBuf]byte // of the path that is followed
	link    [2 * pathBuf]byte // a link on the way, with the rest behind it
	options [2 * pathBuf]byte // of mount(2)
	source  [2 * pathBuf]byte // a path of the host's; see fromClosedCwd and localize
	target  [pathBuf]byte     // a symbolic link that is there already
	covered [maxCovered]uint32
	info    struct {
		text  [infoBuf]byte // of mountinfo
		fd    [1 << 10]byte // of an fdinfo
		point [infoBuf]byte // a mount point; see isCovered
	}
	copied [copyBuf]byte // contents of a file

	// What few sandboxes use stands at the end, so that others touch no page of it.
	masks struct {
		dir, file uintptr // what covers a directory, and another file; 0: not made
		dev       uint64  // the device that they lie on
	}
	found   [pathBuf]byte     // the literal beginning of a pattern
	whole   [2 * pathBuf]byte // what matches it
	missing struct {
		more  bool      // components follow the one that is missing
		above [256]byte // the name of the directory that lacks it; empty: not known
		name  [256]byte // of the placeholder at work
		aside [256]byte // see aside
	}
	holders struct {
		fds      [MaxHolders]int32 // placeholders, with a lock on each
		dev, ino uint64            // the directory that the monitor was told last
	}
}

// Do does a step that concerns files or mounts; mine is false for any other.
func (r *Root) Do(p plan.View, s *plan.Step) (f step.Fault, mine bool) {
	switch {
	case s.Op == plan.OpSource:
		return r.openSource(p, s), true
	case s.Op == plan.OpSlave:
		return r.makeSlave(), true
	case s.Op == plan.OpRoot:
		return r.makeFrame(p), true
	case s.Op == plan.OpPivot:
		return r.leaveOldRoot(), true
	case s.Op == plan.OpBind:
		return r.bind(p, s), true
	case s.Op == plan.OpMount:
		return r.mountFS(p, s), true
	case s.Op == plan.OpOverlay:
		return r.overlay(p, s), true
	case s.Op == plan.OpRemountRO:
		return r.remountRO(p.Str(s.B)), true
	case s.Op == plan.OpProc:
		return r.mountProc(p, s), true
	case s.Op == plan.OpDir:
		return r.makeDirectory(p, s), true
	case s.Op == plan.OpFile:
		return r.writeFile(p, s), true
	case s.Op == plan.OpData:
		return r.bindData(p, s), true
	case s.Op == plan.OpSymlink:
		return r.symlink(p, s), true
	case s.Op == plan.OpMask:
		return r.mask(p, s), true
	case s.Op == plan.OpProtect:
		return r.protect(p, s), true
	case s.Op == plan.OpChmod:
		return r.chmod(p.Str(s.B), s.D), true
	}
	return step.Fault{}, false
}

// ChooseEngine finds out what the calls of the new engine answer. Flags that no kernel
// knows get EINVAL from a kernel that has the call; ENOSYS means an old kernel or a filter,
// and EPERM can only be a filter, since the kernel looks at the flags first.
func (r *Root) ChooseEngine() {
	const none = ^uintptr(0)
	r.Engine = NewCalls
	a := raw.Errno(raw.Call(unix.SYS_MOUNT_SETATTR, none, 0, 0xffff0000, 0, 0, 0))
	if a == unix.EINVAL && r.Clear != 0 {
		return // the youngest of them is there, and no filter refuses another
	}
	b := raw.Errno(raw.Call(unix.SYS_OPEN_TREE, none, 0, 0xffff0000, 0, 0, 0))
	c := raw.Errno(raw.Call(unix.SYS_OPENAT2, none, 0, 0, 0, 0, 0))
	d := unix.EINVAL
	if r.Guarded == 0 { // who may not mount is told that first; see askForFrame
		d = raw.Errno(raw.Call(unix.SYS_MOVE_MOUNT, none, 0, none, 0, 0xffff0000, 0))
	}
	if a != unix.EINVAL || b != unix.EINVAL || c != unix.EINVAL || d != unix.EINVAL {
		r.Engine = ClassicCalls
	}
}

// makeSlave stops mounts from propagating to the host.
func (r *Root) makeSlave() step.Fault {
	if r.Guarded != 0 {
		return step.Main(r.Slave)
	}
	return step.Main(r.Mount(nil, raw.Text("/\x00"), nil, unix.MS_SLAVE|unix.MS_REC|unix.MS_SILENT, nil))
}

// Close closes every descriptor of ours but the one that carries faults and the host's
// /proc, which init needs to see what it inherited, and restores the limit on descriptors.
func (r *Root) Close(p plan.View) {
	for i := p.Join; i < p.Setup; i++ {
		if s := p.Step(i); s.Op == plan.OpSource && s.G != 0 && s.G != late {
			r.CloseSoon(uintptr(s.G))
		}
	}
	if r.old != 0 {
		r.CloseSoon(r.old)
	}
	if r.base != 0 {
		r.CloseSoon(r.base)
	}
	if r.top != 0 {
		r.CloseSoon(r.top)
	}
	if r.Cwd != 0 {
		r.CloseSoon(r.Cwd)
	}
	r.old, r.base, r.top, r.Cwd = 0, 0, 0, 0
	r.CloseIdle()
	r.restoreLimit()
}
