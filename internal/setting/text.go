package setting

import (
	"slices"
	"strconv"
	"strings"
)

// Text returns a setting in the form that Parse reads. The values need not be valid.
func Text(k Kind, v Values) string {
	switch k {
	case Rlimit:
		l := v.limit()
		return resource(l.resource) + "=" + text(l.soft) + ":" + text(l.hard)
	case Nice:
		return strconv.FormatInt(int64(v[0])+lowest, 10)
	}
	return ""
}

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

// String returns the name of a kind, for listings.
func (k Kind) String() string {
	return [...]string{"rlimit", "nice", "oom-score-adj", "?"}[min(k, NumKinds)]
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
