package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/setting"
	"golang.org/x/sys/unix"
)

// Usage is what the monitor says at the end, on the lifeline to an embedding program: what the
// payload has used, and the children that it has waited for, and how it has ended.
type Usage struct {
	EndedBy            uint64 // ByExit …
	Wall, User, System uint64 // nanoseconds
	MaxRSS             uint64 // bytes
	Switches           uint64
	PeakMemory, Kills  uint64 // of the cgroup, see cgroup_unsafe.go; all bits: not known
}

// UsageSize is the size of a Usage.
const UsageSize = unsafe.Sizeof(Usage{})

// How a payload has ended.
const (
	ByExit    = iota // an exit status of its own
	BySignal         // a signal
	ByTimeout        // in any way, after its time was over
	ByMemory         // the kernel has killed it because the cgroup's memory was short
	ByLimit          // a signal of RLIMIT_CPU or RLIMIT_FSIZE
)

// totalUsage returns what there is to say of a payload that has ended with a wait status.
func totalUsage(p plan.View, status uint32) (u Usage) {
	used := &clock.used
	if clock.began != 0 {
		u.Wall = now() - clock.began
	}
	u.User, u.System = nanoseconds(&used.Utime), nanoseconds(&used.Stime)
	u.MaxRSS, u.Switches = uint64(used.Maxrss)<<10, uint64(used.Nvcsw+used.Nivcsw)
	u.PeakMemory, u.Kills = peakMemory(), oomKills()
	if u.Kills != unknownValue && clock.kills != unknownValue {
		u.Kills -= clock.kills
	}
	signal := unix.Signal(status & 0x7f)
	switch {
	case clock.stage != withinTime:
		u.EndedBy = ByTimeout
	// A SIGKILL of another process looks the same, so that without the cgroup's count it is only a signal.
	case signal == unix.SIGKILL && u.Kills != unknownValue && u.Kills != 0:
		u.EndedBy = ByMemory
	// The kernel counts ticks for RLIMIT_CPU, and the time itself for what has been used. On a
	// busy machine the two differ: three quarters of the limit will do.
	case signal == unix.SIGXCPU, signal == unix.SIGXFSZ, signal == unix.SIGKILL && u.User+u.System >= cpuLimit(p)/4*3:
		u.EndedBy = ByLimit
	case signal != 0:
		u.EndedBy = BySignal
	}
	return u
}

// cpuLimit returns the hard limit on processor time of the plan, in nanoseconds, where the
// kernel kills.
func cpuLimit(p plan.View) uint64 {
	most := ^uint64(0)
	for i := p.Setup; i < p.Steps; i++ {
		if s := p.Step(i); s.Op == plan.OpSet {
			if seconds := setting.CPUTime(setting.Kind(s.A), p.Str(s.B), s.C); seconds < most/1e9 {
				most = seconds * 1e9
			}
		}
	}
	return most
}

// reportUsage writes what the payload has used, and how it has ended.
func reportUsage(p plan.View, status uint32) {
	u := totalUsage(p, status)
	n := appendSeconds(appendText(0, raw.Text("{ \"usage\": { \"wall\": \x00")), u.Wall)
	n = appendSeconds(appendText(n, raw.Text(", \"user\": \x00")), u.User)
	n = appendSeconds(appendText(n, raw.Text(", \"system\": \x00")), u.System)
	n = appendNumber(appendText(n, raw.Text(", \"max-rss\": \x00")), uintptr(u.MaxRSS))
	n = appendNumber(appendText(n, raw.Text(", \"context-switches\": \x00")), uintptr(u.Switches))
	if u.PeakMemory != unknownValue {
		n = appendNumber(appendText(n, raw.Text(", \"memory-peak\": \x00")), uintptr(u.PeakMemory))
	}
	if u.Kills != unknownValue {
		n = appendNumber(appendText(n, raw.Text(", \"oom-kills\": \x00")), uintptr(u.Kills))
	}
	n = appendText(n, raw.Text(" }, \"ended-by\": \"\x00"))
	switch u.EndedBy {
	case ByTimeout:
		n = appendText(n, raw.Text("timeout\x00"))
	case ByMemory:
		n = appendText(n, raw.Text("oom\x00"))
	case ByLimit:
		n = appendText(n, raw.Text("limit\x00"))
	case BySignal:
		n = appendText(n, raw.Text("signal\x00"))
	default:
		n = appendText(n, raw.Text("exit\x00"))
	}
	report(p.JSONFd, appendText(n, raw.Text("\" }\n\x00")))
}

// sendUsage says the same on the lifeline to the embedding program, which waits for it where it has
// asked, and where the time was over.
func sendUsage(p plan.View, status uint32) {
	if p.Has(plan.FlagUsage) || timeoutStep(p) != nil {
		u := totalUsage(p, status)
		raw.SendFull(State.Lifeline, unsafe.Pointer(&u), UsageSize)
	}
}

func nanoseconds(t *unix.Timeval) uint64 { return uint64(t.Sec)*1e9 + uint64(t.Usec)*1e3 }

// appendSeconds appends nanoseconds as seconds, with six decimals.
func appendSeconds(n uintptr, ns uint64) uintptr {
	n = appendText(appendNumber(n, uintptr(ns/1e9)), raw.Text(".\x00"))
	micro := ns % 1e9 / 1e3
	for least := uint64(1e5); least > max(micro, 1); least /= 10 {
		n = appendText(n, raw.Text("0\x00"))
	}
	return appendNumber(n, uintptr(micro))
}
