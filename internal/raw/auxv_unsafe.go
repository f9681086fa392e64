package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import "unsafe"

// Entries of the auxiliary vector (getauxval(3)).
const (
	AtUID    = 11
	AtEUID   = 12
	AtGID    = 13
	AtEGID   = 14
	AtSecure = 23
)

// Auxv finds an entry of the auxiliary vector behind argc, argv, 0, envp, 0.
func Auxv(sp unsafe.Pointer, key uintptr) uintptr {
	p := unsafe.Add(sp, 8+8*(*(*uintptr)(sp))+8) // behind argc, at sp, and argv with its 0
	for *(*uintptr)(p) != 0 {
		p = unsafe.Add(p, 8)
	}
	for p = unsafe.Add(p, 8); *(*uintptr)(p) != 0; p = unsafe.Add(p, 16) {
		if *(*uintptr)(p) == key {
			return *(*uintptr)(unsafe.Add(p, 8))
		}
	}
	return 0
}
