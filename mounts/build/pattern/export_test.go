package pattern

import "unsafe"

// Match reports whether a name matches a component of a pattern. Behind both lie bytes that must
// not be looked at.
func Match(pattern, name string) bool {
	p, s := []byte(pattern+"/*"), []byte(name+"\x00")
	return matches(unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(pattern)), unsafe.Pointer(unsafe.SliceData(s)))
}
