package setting

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher (Parse, Same), the monitor (CPUTime), and the payload's process (Set),
// which is without privilege in setuid mode.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Kind is what is set.
type Kind uint8

// The kinds. The comment says what the operand is, and what the values are.
const (
	Rlimit   Kind = iota // NAME=SOFT[:HARD]: the resource, the soft limit, the hard limit
	Nice                 // a number from -20 to 19, which is in two's complement
	Score                // a number from -1000 to 1000. It has no values: see InSetUp
	numKinds             // a number of a plan's may be larger
)

// kinds is a row for each kind.
//
//nolint:gochecknoglobals // read-only table
var kinds = [numKinds]struct {
	// In front of the operand, in descriptions of a sandbox; "": the operand says it all.
	label string
	// The errno of Set for which there is a hint.
	errno unix.Errno
	hint  string
}{
	Rlimit: {"", unix.EPERM, "a limit cannot be set above the caller's hard limit"},
	Nice:   {"nice", unix.EACCES, "lowering the niceness needs CAP_SYS_NICE or RLIMIT_NICE"},
	Score:  {label: "oom-score-adj"},
}

// Values are the numbers of a setting, as the plan carries them.
type Values struct {
	N     uint32 // how many there are, at least 1
	Words [plan.MaxValues]uint64
}

// Parse reads the operand of an option, and reports whether it is valid. v must be zero before.
func Parse(k Kind, word []byte, v *Values) bool {
	switch k {
	case Rlimit:
		l, ok := parseLimit(word)
		v.N, v.Words[0], v.Words[1], v.Words[2] = 3, uint64(l.resource), l.soft, l.hard
		return ok
	case Nice:
		n, ok := flat.Signed(word, -20, 19)
		v.N, v.Words[0] = 1, uint64(n)
		return ok
	case Score:
		_, ok := flat.Signed(word, -1000, 1000)
		return ok
	}
	return false
}

// Same reports whether a setting takes the place of an earlier one of its kind. Both are operands
// that Parse takes.
func Same(k Kind, earlier, later []byte) bool { return k != Rlimit || sameName(earlier, later) }

// InSetUp reports whether the first process makes the setting, so that init inherits it. Package
// compile then makes a step of its own (OpScore), with the text.
func (k Kind) InSetUp() bool { return k == Score }

// Set sets it for this process. values are n words of a plan.
func Set(k Kind, values unsafe.Pointer, n uint32) unix.Errno {
	// The kernel checks what they are, since nobody else has: a plan may hold any.
	switch {
	case k == Rlimit && n >= 3:
		v := (*[3]uint64)(values)
		return setLimit(limit{uint32(v[0]), v[1], v[2]})
	case k == Nice && n >= 1:
		return raw.Errno(raw.Call(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(*(*uint64)(values)), 0, 0, 0))
	}
	return unix.ENOSYS
}

// CPUTime returns the hard limit on processor time that a setting is, in seconds; Unlimited if
// it is another one.
func CPUTime(k Kind, values unsafe.Pointer, n uint32) uint64 {
	if k == Rlimit && n >= 3 {
		if v := (*[3]uint64)(values); v[0] == unix.RLIMIT_CPU {
			return v[2]
		}
	}
	return Unlimited
}
