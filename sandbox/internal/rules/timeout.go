package rules

import (
	"time"

	"github.com/gobwrap/gobwrap/internal/flat"
)

// Timeout returns a time-out as the compiler takes it: a grace of 0 stands for
// the default, and a negative one for none. ok is false where it cannot be.
func Timeout(after, grace time.Duration) (t flat.Timeout, ok bool) {
	const most = 1<<32 - 1
	a, g := rounded(after), rounded(max(grace, 0))
	if grace == 0 {
		g = flat.Grace
	}
	return flat.Timeout{After: uint32(a), Grace: uint32(g)}, after >= 0 && a <= most && g <= most
}

// rounded is d in milliseconds, rounded up. d is not added to first: the longest duration would overflow.
func rounded(d time.Duration) int64 {
	n := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		n++
	}
	return n
}

// Durations returns what Timeout was given.
func Durations(t flat.Timeout) (after, grace time.Duration) {
	if t.Grace == 0 {
		return milliseconds(t.After), -1
	}
	return milliseconds(t.After), milliseconds(t.Grace)
}

func milliseconds(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }
