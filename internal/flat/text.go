package flat

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

// Text holds NUL-terminated strings, one after the other: the words of a command line, the
// entries of an environment, and what was read for them. Its last byte is NUL. Nothing that
// a Word can name begins at offset 0.
type Text []byte

// Word is the offset of a string in a Text. The zero Word is not a string, which differs from
// an empty one.
type Word uint32

// At returns the string at w, without its NUL; nil for the zero Word or one beyond the text.
func (t Text) At(w Word) []byte {
	// With a checked offset nothing that an option says can read beyond the text.
	if w == 0 || int(w) >= len(t) {
		return nil
	}
	return t[w : int(w)+t.length(w)]
}

// length returns the number of bytes before the NUL at or after w.
func (t Text) length(w Word) int {
	for i, c := range t[w:] {
		if c == 0 {
			return i
		}
	}
	// Not reached where the last byte is NUL.
	return len(t) - int(w)
}

// Next returns the place of the string behind w, which may be the end of the text.
func (t Text) Next(w Word) Word {
	if int(w) >= len(t) {
		return w
	}
	return w + Word(t.length(w)) + 1
}

// Is reports whether the string at w is s.
func (t Text) Is(w Word, s string) bool {
	// The NUL is compared first: most words differ in length.
	end := int(w) + len(s)
	return end < len(t) && t[end] == 0 && Equal(t[w:end], s)
}

// Begins reports whether the string at w begins with s.
func (t Text) Begins(w Word, s string) bool {
	end := int(w) + len(s)
	return end < len(t) && Equal(t[w:end], s)
}

// Equal reports whether the bytes are those of s.
func Equal(b []byte, s string) bool {
	// Without the conversion of b to a string, which would allocate unless the compiler sees that it
	// need not.
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c != s[i] {
			return false
		}
	}
	return true
}

// Decimal reads a plain decimal number: digits only, at most limit.
func Decimal(digits []byte, limit uint64) (n uint64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := uint64(c - '0')
		// Asked before the number grows, so that it never overflows: limit may be the largest of its
		// type.
		if d > limit || n > (limit-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, len(digits) > 0
}

// Octal reads a mode: octal digits only, at most 07777.
func Octal(digits []byte) (n uint32, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '7' {
			return 0, false
		}
		if n = 8*n + uint32(c-'0'); n > 0o7777 {
			return 0, false
		}
	}
	return n, len(digits) > 0
}

// Signed reads a plain decimal number from low to high, of which low is negative.
func Signed(digits []byte, low, high int64) (n int64, ok bool) {
	if len(digits) > 0 && digits[0] == '-' {
		// "-0" is 0. A plus sign is refused, as is a second minus.
		u, ok := Decimal(digits[1:], uint64(-low))
		return -int64(u), ok
	}
	u, ok := Decimal(digits, uint64(high))
	return int64(u), ok
}

// Milliseconds reads seconds, with a fraction or without, and rounds up.
func Milliseconds(b []byte) (n uint32, ok bool) {
	// So that the milliseconds fit into 32 bits, after rounding too.
	const most = 1<<32/1000 - 1
	whole, digits := b, []byte(nil)
	for i, c := range b {
		if c == '.' {
			whole, digits = b[:i], b[i+1:]
			if len(digits) == 0 {
				return 0, false
			}
			break
		}
	}
	seconds, ok := Decimal(whole, most)
	if !ok {
		return 0, false
	}
	n = uint32(seconds) * 1000
	unit, rest := uint32(100), false
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n += unit * uint32(c-'0')
		// Digits beyond the third: any of them makes it one millisecond more, so that no time-out
		// becomes 0.
		rest = rest || unit == 0 && c != '0'
		unit /= 10
	}
	if rest {
		n++
	}
	return n, true
}
