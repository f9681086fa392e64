package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import "unsafe"

// Text returns the address of a constant, which must end with NUL.
func Text(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// Empty returns the address of an empty string. The linker sorts constants by length, and puts
// one of a single byte far from those that a launch reads as well: a page fault in each
// process.
func Empty() unsafe.Pointer {
	const text = "an empty string\x00"
	return unsafe.Add(Text(text), len(text)-1)
}

// Strlen returns the length of a string without its NUL.
func Strlen(p unsafe.Pointer) uintptr {
	n := uintptr(0)
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return n
}

// Put copies the string at src, with its NUL, to p and returns its length.
func Put(p, src unsafe.Pointer) uintptr {
	n := uintptr(0)
	for {
		c := *(*byte)(unsafe.Add(src, n))
		*(*byte)(unsafe.Add(p, n)) = c
		if c == 0 {
			return n
		}
		n++
	}
}

// PutNumber writes n in decimal and a NUL at p and returns how many digits there are.
func PutNumber(p unsafe.Pointer, n uintptr) uintptr {
	digits := uintptr(1)
	for v := n; v >= 10; v /= 10 {
		digits++
	}
	*(*byte)(unsafe.Add(p, digits)) = 0
	for i := digits; i > 0; i-- {
		*(*byte)(unsafe.Add(p, i-1)) = byte('0' + n%10)
		n /= 10
	}
	return digits
}

// PutOctal writes a mode, at most 07777, in four octal digits and a NUL.
func PutOctal(p unsafe.Pointer, mode uint32) uintptr {
	for i := uintptr(0); i < 4; i++ {
		*(*byte)(unsafe.Add(p, i)) = byte('0' + mode>>(9-3*i)&7)
	}
	*(*byte)(unsafe.Add(p, 4)) = 0
	return 4
}

// Number reads the decimal number at p, which ends with NUL.
func Number(p unsafe.Pointer) (uintptr, bool) {
	n := uintptr(0)
	for i := uintptr(0); ; i++ {
		c := *(*byte)(unsafe.Add(p, i))
		if c == 0 {
			return n, i > 0
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uintptr(c-'0')
	}
}

// Equal reports whether two strings are the same.
func Equal(a, b unsafe.Pointer) bool {
	return HasPrefix(a, b) && *(*byte)(unsafe.Add(a, Strlen(b))) == 0
}

// HasPrefix reports whether the string at p begins with prefix.
func HasPrefix(p, prefix unsafe.Pointer) bool {
	for i := uintptr(0); *(*byte)(unsafe.Add(prefix, i)) != 0; i++ {
		if *(*byte)(unsafe.Add(p, i)) != *(*byte)(unsafe.Add(prefix, i)) {
			return false
		}
	}
	return true
}

// IsWord reports whether the n bytes at p are a word.
func IsWord(p unsafe.Pointer, n uintptr, word unsafe.Pointer) bool {
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(unsafe.Add(p, i)) != *(*byte)(unsafe.Add(word, i)) {
			return false
		}
	}
	return *(*byte)(unsafe.Add(word, n)) == 0
}

// Line is a short text that is put together. It always ends with NUL.
// What does not fit overwrites its beginning: it never leaves the Line.
type Line struct {
	text [128]byte
	n    uintptr
}

// add adds a byte.
func (l *Line) add(c byte) {
	const size = uintptr(len(l.text))
	l.text[l.n%size], l.text[(l.n+1)%size] = c, 0
	l.n++
}

// Put adds a string.
func (l *Line) Put(s string) *Line {
	for i := range len(s) {
		l.add(s[i])
	}
	return l
}

// Number adds a decimal number.
func (l *Line) Number(n uintptr) *Line {
	unit := uintptr(1)
	for v := n; v >= 10; v /= 10 {
		unit *= 10
	}
	for ; unit > 0; unit /= 10 {
		l.add(byte('0' + n/unit%10))
	}
	return l
}

// At returns the address.
func (l *Line) At() unsafe.Pointer { return unsafe.Pointer(&l.text) }

// Below makes l "self/fd/N", a path below a proc, and returns its address.
func (l *Line) Below(fd uintptr) unsafe.Pointer {
	l.n = 0
	return l.Put("self/fd/").Number(fd).At()
}

// Absolute makes l "/proc/self/fd/N" and returns its address.
func (l *Line) Absolute(fd uintptr) unsafe.Pointer {
	l.n = 0
	return l.Put("/proc/self/fd/").Number(fd).At()
}

// PutLink writes "/proc/self/fd/N" and a NUL at p, and returns the length.
func PutLink(p unsafe.Pointer, fd uintptr) uintptr {
	n := Put(p, Text("/proc/self/fd/\x00"))
	return n + PutNumber(unsafe.Add(p, n), fd)
}

// ByteAt returns the byte at p+i.
func ByteAt(p unsafe.Pointer, i uintptr) byte { return *(*byte)(unsafe.Add(p, i)) }
