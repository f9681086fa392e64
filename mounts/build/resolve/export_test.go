package resolve

import (
	"runtime"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// Hooks for the tests, which lie in another package. There is one walk, as in a process, so
// only one test may use it at a time.

// MaxDepth is how many directories a walk keeps open.
const MaxDepth = maxDepth

var hookRoot Paths

// cstring is s with its NUL, where no growing stack can move it.
func cstring(s string) unsafe.Pointer {
	hookString = append([]byte(s), 0)
	return unsafe.Pointer(unsafe.SliceData(hookString))
}

var hookString []byte

func result(at Place, f step.Fault) (int, unix.Errno, plan.Sub) {
	if f.Is() {
		return -1, f.Errno, f.Sub
	}
	return int(at.FD), 0, plan.SubMain
}

// HookWalk is WalkFrom: the careful way.
func HookWalk(root int, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hookRoot.CloseIdle()
	return result(hookRoot.WalkFrom(uintptr(root), cstring(dst), want, mode, parents))
}

// HookInRoot is inRoot: the kernel's way.
func HookInRoot(root int, dst string) (int, unix.Errno, plan.Sub) {
	fd := hookRoot.inRoot(uintptr(root), cstring(dst))
	return result(Place{FD: fd}, step.Main(raw.Errno(fd)))
}

// HookDest is Dest, with the directory base in the place of the frame: newroot in it is the
// new root.
func HookDest(base int, modern bool, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hookRoot.CloseIdle()
	hookRoot.Base, hookRoot.Engine = uintptr(base), step.ClassicCalls
	if modern {
		hookRoot.Engine = step.NewCalls
	}
	defer func() { hookRoot.Base = 0 }()
	return result(hookRoot.Dest(cstring(dst), want, mode, parents))
}

// HookLast is the name that StayAbove left.
func HookLast() string {
	p := &buffers.last
	return string(p[:raw.Strlen(unsafe.Pointer(p))])
}
