package setting

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"golang.org/x/sys/unix"
)

// names are the names of limits, by the kernel's numbers for them (setrlimit(2)). Those that
// Linux does not enforce have none.
//
//nolint:gochecknoglobals // read-only table
var names = [...]string{
	unix.RLIMIT_CPU: "cpu", unix.RLIMIT_FSIZE: "fsize", unix.RLIMIT_DATA: "data", unix.RLIMIT_STACK: "stack",
	unix.RLIMIT_CORE: "core", unix.RLIMIT_NPROC: "nproc", unix.RLIMIT_NOFILE: "nofile", unix.RLIMIT_MEMLOCK: "memlock",
	unix.RLIMIT_AS: "as", rlimitSigpending: "sigpending", rlimitMsgqueue: "msgqueue",
	rlimitNice: "nice", rlimitRtprio: "rtprio", rlimitRttime: "rttime",
}

// Those that package unix does not name (asm-generic/resource.h).
const (
	rlimitSigpending = 11 + iota
	rlimitMsgqueue
	rlimitNice
	rlimitRtprio
	rlimitRttime
)

// Unlimited is RLIM_INFINITY.
const Unlimited = ^uint64(0)

const unlimited = "unlimited"

// limit is a resource limit to set.
type limit struct {
	resource   uint32 // an index of names
	soft, hard uint64
}

// parseLimit reads NAME=SOFT[:HARD]; without HARD, that is SOFT too.
func parseLimit(word []byte) (l limit, ok bool) {
	name, values, found := cut(word, '=')
	i := find(name)
	if !found || i < 0 {
		return l, false
	}
	first, second, two := cut(values, ':')
	l.resource = uint32(i)
	if l.soft, ok = value(first); !ok {
		return l, false
	}
	// One number is both, as with ulimit(1) of a shell.
	if l.hard = l.soft; two {
		l.hard, ok = value(second)
	}
	return l, ok && l.soft <= l.hard
}

// sameName reports whether two operands that parseLimit takes are about one limit.
func sameName(a, b []byte) bool {
	a, _, _ = cut(a, '=')
	b, _, _ = cut(b, '=')
	// Names are unique, so the index of one tells it.
	return find(a) == find(b)
}

// find returns the number of the limit with a name, or -1.
func find(name []byte) int {
	for i := range names {
		if names[i] != "" && flat.Equal(name, names[i]) {
			return i
		}
	}
	return -1
}

// cut splits b at the first byte of a kind. It is bytes.Cut, which package bytes would bring with it.
func cut(b []byte, at byte) (before, after []byte, found bool) {
	for i, c := range b {
		if c == at {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// value reads a number, or "unlimited". The number of RLIM_INFINITY itself is refused: it would mean
// the word without saying so.
func value(b []byte) (n uint64, ok bool) {
	if flat.Equal(b, unlimited) {
		return Unlimited, true
	}
	return flat.Decimal(b, Unlimited-1)
}
