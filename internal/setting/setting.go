package setting

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "github.com/gobwrap/gobwrap/internal/flat"

// Kind is what is set.
type Kind uint8

// The kinds.
const (
	Rlimit Kind = iota // NAME=SOFT[:HARD]: resource, soft limit (low, high), hard limit (low, high)
	Nice               // a number from -20 to 19: the same, plus lowest
	Score              // a number from -1000 to 1000: oom_score_adj. The first process sets it, by a step of its own
	NumKinds
)

// Values are the numbers of a setting.
type Values [5]uint32

// Parse reads the operand of an option, and reports whether it is valid.
func Parse(k Kind, word []byte) (v Values, ok bool) {
	switch k {
	case Rlimit:
		l, ok := parseLimit(word)
		return l.values(), ok
	case Nice:
		n, ok := flat.Signed(word, lowest, highest)
		return Values{uint32(n - lowest)}, ok
	case Score:
		// The first process writes the text itself: there is no number to keep.
		_, ok := flat.Signed(word, -1000, 1000)
		return v, ok
	}
	return v, false
}

// Niceness, setpriority(2).
const (
	lowest  = -20
	highest = 19
)

// Same reports whether a setting takes the place of an earlier one of its kind.
func Same(k Kind, a, b Values) bool { return k != Rlimit || a[0] == b[0] }
