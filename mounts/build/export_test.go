package build

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
)

// Hooks for the tests, which lie in another package.

// HookMountOptions is the file system, flags and options of the step i of a plan.
func HookMountOptions(p *plan.Program, i uint32) (fs string, flags uintptr, options string) {
	v := plan.ViewAt(unsafe.Pointer(unsafe.SliceData(p.Bytes)))
	var plain [64]byte
	at, flags, o := mountOptions(v, v.Step(i), unsafe.Pointer(&plain))
	return string(unsafe.Slice((*byte)(at), raw.Strlen(at))), flags, string(unsafe.Slice((*byte)(o), raw.Strlen(o)))
}
