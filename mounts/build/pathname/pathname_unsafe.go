package pathname

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
)

// Cut finds the first component of a path from pos on: where it begins and ends, and
// where the next one begins. begin == end says that there is none. Several slashes in a row count as
// one, as for the kernel (path_resolution(7)), so that the end of a path is seen without looking
// again: what next points to is then its NUL.
func Cut(p unsafe.Pointer, pos uintptr) (begin, end, next uintptr) {
	for *(*byte)(unsafe.Add(p, pos)) == '/' {
		pos++
	}
	end = pos
	for c := *(*byte)(unsafe.Add(p, end)); c != '/' && c != 0; c = *(*byte)(unsafe.Add(p, end)) {
		end++
	}
	next = end
	for *(*byte)(unsafe.Add(p, next)) == '/' {
		next++
	}
	return pos, end, next
}

// OnlySlashes reports whether a path is the root itself.
func OnlySlashes(path unsafe.Pointer) bool {
	for *(*byte)(path) == '/' {
		path = unsafe.Add(path, 1)
	}
	return *(*byte)(path) == 0
}

// IsDot reports whether a component, which ends with a NUL, is ".".
func IsDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == 0
}

// IsDotDot reports whether a component, which ends with a NUL, is "..". It is never handed to the
// kernel: that would resolve it to whatever lies above by now (path_resolution(7)).
func IsDotDot(p unsafe.Pointer) bool {
	return *(*byte)(p) == '.' && *(*byte)(unsafe.Add(p, 1)) == '.' && *(*byte)(unsafe.Add(p, 2)) == 0
}

// PastDots skips slashes and "." in front of a relative path. A name that begins with a dot, such as
// ".git" or "..", is not skipped.
func PastDots(path unsafe.Pointer) unsafe.Pointer {
	for {
		c, next := *(*byte)(path), byte(0)
		if c == '.' {
			next = *(*byte)(unsafe.Add(path, 1))
		}
		if c != '/' && (c != '.' || next != '/' && next != 0) {
			return path
		}
		path = unsafe.Add(path, 1)
	}
}

// StartsWithDotDot reports whether the first component of a path is "..".
func StartsWithDotDot(path unsafe.Pointer) bool {
	if !raw.HasPrefix(path, raw.Text("..\x00")) {
		return false
	}
	c := *(*byte)(unsafe.Add(path, 2))
	return c == '/' || c == 0
}

// CutLast takes the last component off an absolute path, in place, and reports whether there was
// one besides the first. "/" in front is never taken: the path stays absolute.
func CutLast(path unsafe.Pointer) bool {
	n := raw.Strlen(path)
	for n > 1 {
		n--
		if *(*byte)(unsafe.Add(path, n)) == '/' {
			*(*byte)(unsafe.Add(path, n)) = 0
			return true
		}
	}
	return false
}

// Count returns how many components a path has.
func Count(path unsafe.Pointer) (n uintptr) {
	for pos := uintptr(0); ; n++ {
		begin, end, next := Cut(path, pos)
		if begin == end {
			return n
		}
		pos = next
	}
}

// Under compares two absolute paths without "." and "..", as the kernel writes mount points: same
// says that point is the path stage, below that it lies in that directory. "/ab" is not below "/a".
func Under(point, stage unsafe.Pointer) (same, below bool) {
	n := raw.Strlen(stage)
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(unsafe.Add(point, i)) != *(*byte)(unsafe.Add(stage, i)) {
			return false, false
		}
	}
	next := *(*byte)(unsafe.Add(point, n))
	return next == 0, next == '/'
}
