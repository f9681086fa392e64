package setting

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limit returns the text of a limit.
func Limit(name string, soft, hard uint64) string { return name + "=" + text(soft) + ":" + text(hard) }

// LimitOf takes a text apart that Parse reads.
func LimitOf(word string) (name string, soft, hard uint64) {
	l, _ := parseLimit([]byte(word))
	return resource(l.resource), l.soft, l.hard
}

func resource(n uint32) string {
	if n < uint32(len(names)) && names[n] != "" {
		return names[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}

func text(n uint64) string {
	if n == Unlimited {
		return unlimited
	}
	return strconv.FormatUint(n, 10)
}

// Describe returns what a description of a sandbox says of a setting, which is an operand that Parse takes.
func (k Kind) Describe(operand string) string {
	return strings.TrimPrefix(kinds[k].label+" ", " ") + operand
}

// Hint returns the usual cause for which Set has failed, or "".
func (k Kind) Hint(e unix.Errno) string {
	if k < numKinds && e != 0 && e == kinds[k].errno {
		return kinds[k].hint
	}
	return ""
}

// Limits returns the names of all limits, for messages.
func Limits() string {
	var list []string
	for _, name := range names {
		if name != "" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
