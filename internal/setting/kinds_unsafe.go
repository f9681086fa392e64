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
	CPUs                 // numbers and ranges, such as 0-3,5: a mask with a bit for each
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
	// How the values are listed.
	form form
}{
	Rlimit: {"", unix.EPERM, "a limit cannot be set above the caller's hard limit", asLimit},
	Nice:   {"nice", unix.EACCES, "lowering the niceness needs CAP_SYS_NICE or RLIMIT_NICE", asNumber},
	Score:  {label: "oom-score-adj"},
	CPUs:   {"CPUs", unix.EINVAL, "name CPUs that are online (/sys/devices/system/cpu/online), in the cpuset of the command's cgroup (cpuset(7))", asList},
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
	case CPUs:
		return parseCPUs(word, v)
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
	case k == CPUs:
		return setCPUs(values, min(n, plan.MaxValues))
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

// WantsCPUs is what the operand of CPUs has to be, for messages.
const WantsCPUs = "numbers of CPUs and ranges of them, such as 0-3,5, each below 8192"

// parseCPUs reads a list of CPUs in the list format of cpuset(7).
func parseCPUs(word []byte, v *Values) bool {
	n, first, isNumber, isRange := uint32(0), uint32(0), false, false
	for ; ; word = word[1:] {
		// The end ends the last entry as a comma does.
		c := byte(',')
		if len(word) > 0 {
			c = word[0]
		}
		switch {
		case c >= '0' && c <= '9':
			if n, isNumber = 10*n+uint32(c-'0'), true; n >= 64*plan.MaxValues {
				return false
			}
		case c == '-' && isNumber && !isRange:
			first, n, isNumber, isRange = n, 0, false, true
		case c == ',' && isNumber && (!isRange || first <= n):
			if !isRange {
				first = n
			}
			// By words: there may be a hundred thousand ranges in an --args file.
			for i := first / 64; i <= n/64; i++ {
				bits := ^uint64(0)
				if i == first/64 {
					bits <<= first % 64
				}
				if i == n/64 {
					bits &= ^uint64(0) >> (63 - n%64)
				}
				v.Words[i%plan.MaxValues] |= bits
			}
			v.N = max(v.N, n/64+1)
			n, isNumber, isRange = 0, false, false
		default:
			return false
		}
		if len(word) == 0 {
			return true
		}
	}
}

// allowed is where the kernel writes its mask, which may be longer than what was asked for.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var allowed [plan.MaxValues]uint64

// setCPUs sets the CPUs on which this process may run, a mask of n words. sched_setaffinity(2) passes over
// CPUs that are not there; here that is an error, as if none of them was.
func setCPUs(mask unsafe.Pointer, n uint32) unix.Errno {
	e := raw.Errno(raw.Call(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(n)*8, raw.Addr(mask), 0, 0, 0))
	if e == 0 {
		e = raw.Errno(raw.Call(unix.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(allowed), raw.Addr(unsafe.Pointer(&allowed)), 0, 0, 0))
	}
	for i := uintptr(0); i < uintptr(n)*8 && e == 0; i += 8 {
		if *(*uint64)(unsafe.Add(mask, i)) != *(*uint64)(unsafe.Add(unsafe.Pointer(&allowed), i)) {
			e = unix.EINVAL
		}
	}
	return e
}
