package kernel

import (
	"strconv"
	"strings"
)

// Older reports whether a release of the kernel, as uname(2) spells it ("6.1.0-18-amd64"),
// is older than another. It is false for a release that cannot be read.
func Older(release, than string) bool {
	a, okA := number(release)
	b, okB := number(than)
	return okA && okB && a < b
}

// number returns a release's first two numbers, as one that can be compared.
func number(release string) (n int, ok bool) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest
	if end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		minor = rest[:end]
	}
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return a<<16 + b, errA == nil && errB == nil
}
