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

// form is what the values of a kind are, for Listed.
type form uint8

const (
	asNumber form = iota // one number, which may be negative
	asLimit              // the resource, the soft limit, the hard limit
	asList               // a mask with a bit for each number
)

// Listed returns what the listing of a plan says of a setting: the same as Describe, from its
// numbers in the plan. It is "" for a kind that does not exist, or with another number of values.
func Listed(kind uint32, values []uint64) string {
	if kind >= uint32(numKinds) {
		return ""
	}
	text := ""
	switch k := &kinds[kind]; {
	case k.form == asNumber && len(values) == 1:
		text = strconv.FormatInt(int64(values[0]), 10)
	case k.form == asLimit && len(values) == 3:
		text = Limit(resource(uint32(values[0])), values[1], values[2])
	case k.form == asList:
		text = list(values)
	}
	if text == "" {
		return ""
	}
	return Kind(kind).Describe(text)
}

// list returns the numbers of the bits that are set in a mask, in the list format of cpuset(7).
func list(mask []uint64) string {
	set := func(i int) bool { return i < 64*len(mask) && mask[i/64]>>(i%64)&1 != 0 }
	var out []string
	for i := range 64 * len(mask) {
		if !set(i) || i > 0 && set(i-1) {
			continue
		}
		last := i
		for set(last + 1) {
			last++
		}
		text := strconv.Itoa(i)
		if last > i {
			text += "-" + strconv.Itoa(last)
		}
		out = append(out, text)
	}
	return strings.Join(out, ",")
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
