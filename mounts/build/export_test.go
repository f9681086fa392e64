package build

import (
	"runtime"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// Hooks for the tests, which lie in another package. There is one Root, as in a process, so
// only one test may use it at a time.

const (
	HookFindOnly  = findOnly
	HookMakeDir   = makeDir
	HookMakeFile  = makeFile
	HookOpenFile  = openFile
	HookStayAbove = stayAbove
	HookMaxDepth  = maxDepth
	HookDataBuf   = infoBuf
	HookPathMax   = pathBuf
)

var hookRoot Root

// cstring is s with its NUL, where no growing stack can move it.
func cstring(s string) unsafe.Pointer {
	hookString = append([]byte(s), 0)
	return unsafe.Pointer(unsafe.SliceData(hookString))
}

var hookString []byte

func result(at place, f step.Fault) (int, unix.Errno, plan.Sub) {
	if f.Is() {
		return -1, f.Errno, f.Sub
	}
	return int(at.fd), 0, plan.SubMain
}

// HookWalk is walkFrom: the careful way.
func HookWalk(root int, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hookRoot.CloseIdle()
	return result(hookRoot.walkFrom(uintptr(root), cstring(dst), want, mode, parents))
}

// HookInRoot is inRoot: the kernel's way.
func HookInRoot(root int, dst string) (int, unix.Errno, plan.Sub) {
	fd := hookRoot.inRoot(uintptr(root), cstring(dst))
	return result(place{fd: fd}, step.Main(raw.Errno(fd)))
}

// HookDest is dest, with the directory base in the place of the frame: newroot in it is the
// new root.
func HookDest(base int, modern bool, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hookRoot.CloseIdle()
	hookRoot.base, hookRoot.Engine = uintptr(base), ClassicCalls
	if modern {
		hookRoot.Engine = NewCalls
	}
	defer func() { hookRoot.base = 0 }()
	return result(hookRoot.dest(cstring(dst), want, mode, parents))
}

// HookLast is the name that stayAbove left.
func HookLast() string {
	p := &buffers.last
	return string(p[:raw.Strlen(unsafe.Pointer(p))])
}

// HookLine is what a line of mountinfo says.
type HookLine struct {
	ID, Parent, Flags uintptr
	Point             string
}

// HookMountinfo reads mountinfo from fd to its end.
func HookMountinfo(fd int) (lines []HookLine, e unix.Errno) {
	m := mountinfo{fd: uintptr(fd)}
	var line mountLine
	for {
		more, e := hookRoot.readMount(&m, &line)
		if e != 0 || !more {
			return lines, e
		}
		p := hookRoot.mountPoint(&line)
		lines = append(lines, HookLine{line.id, line.parent, line.flags, unsafe.String((*byte)(p), raw.Strlen(p))})
		lines[len(lines)-1].Point = string([]byte(lines[len(lines)-1].Point))
	}
}

// HookRest is all of the Root and its buffers but the text of mountinfo: its parser must not touch
// that.
func HookRest() string {
	root := unsafe.Slice((*byte)(unsafe.Pointer(&hookRoot)), unsafe.Sizeof(hookRoot))
	whole := unsafe.Slice((*byte)(unsafe.Pointer(&buffers)), unsafe.Sizeof(buffers))
	at := unsafe.Offsetof(buffers.info) + unsafe.Offsetof(buffers.info.text)
	return string(root) + string(whole[:at]) + string(whole[at+uintptr(len(buffers.info.text)):])
}

// HookMountID is mountID, with /proc at proc.
func HookMountID(proc, fd int) (uintptr, unix.Errno) {
	hookRoot.Proc = uintptr(proc)
	defer func() { hookRoot.Proc = 0 }()
	return hookRoot.mountID(uintptr(fd))
}

// HookUnder is under.
func HookUnder(point, stage string) (same, below bool) {
	p := cstring(point)
	keep := hookString
	same, below = under(p, cstring(stage))
	runtime.KeepAlive(keep)
	return same, below
}

// HookMountOptions is the file system, flags and options of the step i of a plan.
func HookMountOptions(p *plan.Program, i uint32) (fs string, flags uintptr, options string) {
	v := plan.ViewAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)))
	at, flags, o := hookRoot.mountOptions(v, v.Step(i))
	return string(unsafe.Slice((*byte)(at), raw.Strlen(at))), flags, string(unsafe.Slice((*byte)(o), raw.Strlen(o)))
}

// MaxWild is how many components of a pattern a search knows.
const MaxWild = maxWild

// Match reports whether a name matches a component of a pattern. Behind both lie bytes that must
// not be looked at.
func Match(pattern, name string) bool {
	p, s := []byte(pattern+"/*"), []byte(name+"\x00")
	return matchesName(unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(pattern)), unsafe.Pointer(unsafe.SliceData(s)))
}
