package pattern

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
)

// MaxComponents bounds the components that a Pattern knows: more than flat.MaxWild, which the
// parser admits, so that bit MaxComponents-1 of a state stands for a match.
const MaxComponents = 64

// Pattern is a pattern taken apart. It holds no pointer, and lies on the stack of the search.
type Pattern struct {
	text   uintptr              // where the pattern is: in the plan, which does not move
	n      uint32               // how many components there are behind the literal beginning
	first  [MaxComponents]int32 // the offset of each one in the text
	length [MaxComponents]int32
}

// Split takes a pattern apart. It returns how long its literal beginning is, which is a path like
// any other, and does not reach the last component: what that matches is found by name, so that
// a pattern without a special character needs no case of its own.
func (q *Pattern) Split(text unsafe.Pointer) (prefix uintptr) {
	q.text = raw.Addr(text)
	literal, last := uintptr(0), uintptr(0) // where the literal components end; where the last one begins
	for pos := uintptr(0); ; {
		begin, end, next := pathname.Cut(text, pos)
		if begin == end {
			break
		}
		last = begin
		if literal == pos && isLiteral(unsafe.Add(text, begin), end-begin) {
			literal = next
		}
		pos = next
	}
	// The directory of the last component is opened, and the name looked for in it.
	literal = min(literal, last)
	// Components that are literal may follow: /home/*/.ssh/id_*.
	for pos := literal; q.n < MaxComponents-1; {
		begin, end, next := pathname.Cut(text, pos)
		if begin == end {
			break
		}
		*q.firstOf(q.n), *q.lengthOf(q.n) = int32(begin), int32(end-begin)
		q.n++
		pos = next
	}
	return literal
}

// Start returns the states in the directory that the literal beginning leads to.
func (q *Pattern) Start() uint64 { return q.closure(1) }

// Matched reports whether states say that the name which led to them matches the whole pattern.
func (q *Pattern) Matched(states uint64) bool { return states>>q.n&1 != 0 }

// isLiteral reports whether a component has no special character, of those that flat.IsPattern
// knows. A backslash is one: the file's name does not have it.
func isLiteral(p unsafe.Pointer, n uintptr) bool {
	for i := uintptr(0); i < n; i++ {
		if c := raw.ByteAt(p, i); c == '*' || c == '?' || c == '[' || c == '\\' {
			return false
		}
	}
	return true
}

// firstOf and lengthOf return where a component begins and how long it is. An index into the arrays
// would bring a bounds check, and with it a call into the runtime.
func (q *Pattern) firstOf(i uint32) *int32 {
	return (*int32)(unsafe.Add(unsafe.Pointer(&q.first), i*4))
}

func (q *Pattern) lengthOf(i uint32) *int32 {
	return (*int32)(unsafe.Add(unsafe.Pointer(&q.length), i*4))
}

// component returns a component of the pattern.
func (q *Pattern) component(i uint32) (p unsafe.Pointer, n uintptr) {
	// The text lies in the plan, at an address that is kept as a number: no pointer is stored (see the
	// laws).
	return unsafe.Add(raw.Mapped(q.text), uintptr(*q.firstOf(i))), uintptr(*q.lengthOf(i))
}

// anyDirs reports whether component i is **.
func (q *Pattern) anyDirs(i uint32) bool {
	p, n := q.component(i)
	// "a**" is not this: flat.IsPattern has refused it, since programs do not agree on what it means.
	return n == 2 && raw.ByteAt(p, 0) == '*' && raw.ByteAt(p, 1) == '*'
}

// closure adds to some states those that ** leads to without a directory. At the end it stands
// for what is below, whatever it is.
func (q *Pattern) closure(states uint64) uint64 {
	// In ascending order, so that two ** one behind the other are both passed.
	for i := uint32(0); i+1 < q.n; i++ {
		if states>>i&1 != 0 && q.anyDirs(i) {
			states |= 1 << (i + 1)
		}
	}
	return states
}

// Advance returns the states below a name, in a directory with the given ones. 0 says that nothing
// below can match, so that the directory need not be read.
func (q *Pattern) Advance(states uint64, name unsafe.Pointer) uint64 {
	next := uint64(0)
	for i := uint32(0); i < q.n; i++ {
		if states>>i&1 == 0 {
			continue
		}
		// The name is a directory that ** takes, or, at the end of the pattern, anything.
		if q.anyDirs(i) {
			next |= 1 << i
			if i+1 == q.n {
				next |= 1 << q.n
			}
			continue
		}
		if p, n := q.component(i); matches(p, n, name) {
			next |= 1 << (i + 1)
		}
	}
	return q.closure(next)
}
