package sandbox

import (
	"encoding/binary"
	"os/exec"
	"time"

	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Usage is what a command has used, with the children that it has waited for, and how it has
// ended. It is known where Report.Usage was set; the zero value stands for nothing known.
type Usage struct {
	EndedBy             EndedBy
	Wall                time.Duration // from the end of set-up
	User, System        time.Duration
	MaxRSS              uint64 // bytes; of the process that had most
	ContextSwitches     uint64
	MemoryPeak          uint64 // bytes, of the cgroup (Limits.Cgroup) since it was made; 0: not known
	OutOfMemoryKillings uint64 // in the cgroup, since the launch
}

// EndedBy is how a command has ended.
type EndedBy string

// How commands end.
const (
	EndedByExit    EndedBy = "exit"    // an exit status of its own
	EndedBySignal  EndedBy = "signal"  // a signal
	EndedByTimeout EndedBy = "timeout" // in any way, after Limits.Timeout
	EndedByOOM     EndedBy = "oom"     // the kernel has killed it, for the memory of its cgroup
	EndedByLimit   EndedBy = "limit"   // SIGXCPU or SIGXFSZ, or SIGKILL at the hard limit on processor time
)

// endings are the EndedBy of the numbers that the monitor says.
//
//nolint:gochecknoglobals // read-only table
var endings = [...]EndedBy{
	child.ByExit: EndedByExit, child.BySignal: EndedBySignal, child.ByTimeout: EndedByTimeout, child.ByMemory: EndedByOOM, child.ByLimit: EndedByLimit,
}

// readUsage takes what the monitor has said apart. ok is false where it is not whole.
func readUsage(said []byte) (u Usage, ok bool) {
	if uintptr(len(said)) != child.UsageSize {
		return u, false
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(said[8*i:]) }
	known := func(i int) uint64 {
		if word(i) == 1<<64-1 {
			return 0
		}
		return word(i)
	}
	if by := word(0); by < uint64(len(endings)) {
		u.EndedBy = endings[by]
	}
	u.Wall, u.User, u.System = time.Duration(word(1)), time.Duration(word(2)), time.Duration(word(3))
	u.MaxRSS, u.ContextSwitches, u.MemoryPeak, u.OutOfMemoryKillings = word(4), word(5), known(6), known(7)
	return u, true
}

// ExitError is a command that has failed. A command that a signal has killed is reported as
// such. It wraps the error of package os/exec.
type ExitError struct {
	*exec.ExitError
	usage Usage
}

// Unwrap returns what package os/exec would have returned.
func (e *ExitError) Unwrap() error { return e.ExitError }

// Usage returns what the command has used, if Report.Usage was set.
func (e *ExitError) Usage() Usage { return e.usage }

// Usage returns what the command has used, if Report.Usage was set, after Wait.
func (c *Cmd) Usage() Usage { return c.end.usage }
