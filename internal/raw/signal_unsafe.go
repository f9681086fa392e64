package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sigaction is the kernel's struct sigaction.
type Sigaction struct {
	Handler, Flags, Restorer uintptr
	Mask                     uint64
}

// Ignore is SIG_IGN, a Handler.
const Ignore = 1

// SetAction sets what a signal does. was may be nil.
func SetAction(sig unix.Signal, act, was *Sigaction) {
	Call(unix.SYS_RT_SIGACTION, uintptr(sig), Addr(unsafe.Pointer(act)), Addr(unsafe.Pointer(was)), 8, 0, 0)
}

// DefaultAction gives a signal its default action.
func DefaultAction(sig unix.Signal) {
	var act Sigaction
	SetAction(sig, &act, nil)
}

// MaskOf returns the mask of one signal.
func MaskOf(sig unix.Signal) uint64 { return 1 << (uint(sig) - 1) }

// SetMask changes the signal mask as how says (SIG_BLOCK, …). was may be nil.
func SetMask(how uintptr, mask uint64, was *uint64) {
	Call(unix.SYS_RT_SIGPROCMASK, how, Addr(unsafe.Pointer(&mask)), Addr(unsafe.Pointer(was)), 8, 0, 0)
}
