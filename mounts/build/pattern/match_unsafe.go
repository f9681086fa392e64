package pattern

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
)

// This file says whether a name matches one component of a pattern: see glob(7) and
// flat.IsPattern, which has judged the pattern. A name that begins with a dot is like any other.

// matches reports whether the string at name matches the n bytes of the pattern at p.
func matches(p unsafe.Pointer, n uintptr, name unsafe.Pointer) bool {
	at, pos := uintptr(0), uintptr(0)
	// Two places to go back to are enough: a later * can take whatever an earlier one could, so only
	// the last is tried with more (no recursion, and at worst the product of both lengths).
	star, from := ^uintptr(0), uintptr(0) // behind the last *, and what it has been tried with
	for {
		if raw.ByteAt(name, pos) == 0 {
			for at < n && raw.ByteAt(p, at) == '*' {
				at++
			}
			if at == n {
				return true
			}
		} else if at < n && raw.ByteAt(p, at) == '*' {
			at++
			star, from = at, pos
			continue
		} else if next, ok := matchesOne(p, at, n, unsafe.Add(name, pos)); ok {
			at = next
			pos += charLen(unsafe.Add(name, pos))
			continue
		}
		if star == ^uintptr(0) || raw.ByteAt(name, from) == 0 {
			return false
		}
		from += charLen(unsafe.Add(name, from))
		at, pos = star, from
	}
}

// matchesOne reports whether the character at c, which is not the end, matches what the pattern
// has at offset at, and where it goes on.
func matchesOne(p unsafe.Pointer, at, n uintptr, c unsafe.Pointer) (next uintptr, ok bool) {
	if at >= n {
		return 0, false
	}
	// A ] or - outside of a set is a character like any other.
	switch raw.ByteAt(p, at) {
	case '?':
		return at + 1, true
	case '[':
		return matchesSet(p, at+1, n, c)
	case '\\':
		at++
	}
	size := charLen(c)
	for i := uintptr(0); i < size; i++ {
		if at >= n || raw.ByteAt(p, at) != raw.ByteAt(c, i) {
			return 0, false
		}
		at++
	}
	return at, true
}

// matchesSet is matchesOne for a set, whose first character is at offset at.
func matchesSet(p unsafe.Pointer, at, n uintptr, c unsafe.Pointer) (next uintptr, ok bool) {
	have := charAt(c)
	// POSIX has !, most programs take ^ as well (glob(7)).
	not := at < n && (raw.ByteAt(p, at) == '!' || raw.ByteAt(p, at) == '^')
	if not {
		at++
	}
	found := false
	// A ] in front is one of the set (glob(7)).
	for first := at; at < n && (raw.ByteAt(p, at) != ']' || at == first); {
		var low, high uint32
		low, at = setChar(p, at, n)
		high = low
		// A - at the end stands for itself.
		if at+1 < n && raw.ByteAt(p, at) == '-' && raw.ByteAt(p, at+1) != ']' {
			high, at = setChar(p, at+1, n)
		}
		found = found || have >= low && have <= high
	}
	// A set that is not closed matches nothing; flat.IsPattern has refused it.
	return at + 1, found != not && at < n
}

// setChar returns a character of a set, and where the next one begins.
func setChar(p unsafe.Pointer, at, n uintptr) (c uint32, next uintptr) {
	if raw.ByteAt(p, at) == '\\' && at+1 < n {
		at++
	}
	return charAt(unsafe.Add(p, at)), at + charLen(unsafe.Add(p, at))
}

// charLen returns how many bytes the character at p has: more than one where it is UTF-8. It reads
// no byte behind a NUL.
func charLen(p unsafe.Pointer) uintptr {
	// The lengths of UTF-8 (utf-8(7)). What does not follow it is a single byte, since names of files
	// may be of any encoding, and each byte of them can be matched by ?.
	c, size := raw.ByteAt(p, 0), uintptr(1)
	switch {
	case c >= 0xc2 && c <= 0xdf:
		size = 2
	case c >= 0xe0 && c <= 0xef:
		size = 3
	case c >= 0xf0 && c <= 0xf4:
		size = 4
	}
	for i := uintptr(1); i < size; i++ {
		if raw.ByteAt(p, i)&0xc0 != 0x80 {
			return 1
		}
	}
	return size
}

// charAt returns the character at p as a number. A byte that is not UTF-8 is above all characters.
func charAt(p unsafe.Pointer) uint32 {
	c := uint32(raw.ByteAt(p, 0))
	size := charLen(p)
	// So a range of characters never has such a byte in it, but two of them can be the ends of a range.
	if size == 1 {
		if c >= 0x80 {
			c += 1 << 24
		}
		return c
	}
	c &= 0xff >> (size + 1)
	for i := uintptr(1); i < size; i++ {
		c = c<<6 | uint32(raw.ByteAt(p, i)&0x3f)
	}
	return c
}
