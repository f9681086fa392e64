package sandbox

import (
	"errors"
	"strconv"
	"time"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
)

// Limits restricts the resources of the command and of the processes that it starts. Init keeps the
// caller's limits and niceness.
type Limits struct {
	Rlimits []Rlimit // of several with the same name, the last one takes effect
	Nice    Int      // the niceness (setpriority(2)); lowering it needs RLIMIT_NICE or CAP_SYS_NICE

	// The sandbox's oom_score_adj (proc(5)), from -1000 to 1000: when memory runs out, the kernel
	// kills the processes with the highest score first. Applies to init too.
	OOMScoreAdj Int
	// The CPUs on which the command runs, in the list format of cpuset(7), such as "0-3,5"; "" stands
	// for the caller's. Each of them must be online, and in the cpuset of the command's cgroup. The
	// command can choose others later (sched_setaffinity(2)); to prevent that, use a Cgroup with a cpuset.
	CPUs string

	// After this time the command gets SIGTERM, and Grace later everything in the sandbox is
	// killed: all processes in its PID namespace; without one, in its Cgroup, or in its session
	// (Session.New); otherwise only the command. If the command ends before that, the processes
	// that it leaves are killed at once. 0 means no limit; parts of a millisecond are rounded up.
	// Wait returns an error that is [ErrTimeout].
	Timeout time.Duration
	Grace   time.Duration // 0 stands for 2 seconds, a negative value for no time at all

	// An open directory of cgroup version 2, in which the sandbox's first process starts
	// (CLONE_INTO_CGROUP, clone(2), since Linux 5.7). The cgroup's limits apply to the sandbox as a
	// whole. No other process should be in it: without a PID namespace, Timeout kills all
	// processes in it. Not available in setuid mode.
	Cgroup FD
}

// ErrTimeout is the error of Wait if the command had not ended when Limits.Timeout was over. If the
// command has failed too, the error is also an *[ExitError].
var ErrTimeout = errors.New("the sandbox's time was over")

// flat returns the time-out as the compiler takes it. ok is false where it cannot be.
func (l *Limits) flat() (t flat.Timeout, ok bool) { return rules.Timeout(l.Timeout, l.Grace) }

// Rlimit is a limit of setrlimit(2). The hard limit must not be above the caller's.
type Rlimit struct {
	// as, core, cpu, data, fsize, memlock, msgqueue, nice, nofile, nproc, rtprio, rttime,
	// sigpending or stack.
	Name       string
	Soft, Hard uint64 // or Unlimited
}

// Unlimited is the value of an Rlimit that does not limit.
const Unlimited = setting.Unlimited

// Int is a number that may not have been given. The zero value is "not given", which differs
// from [SetInt] of 0.
type Int struct {
	n     int
	given bool
}

// SetInt returns the number n.
func SetInt(n int) Int { return Int{n, true} }

// Given reports whether i was made by [SetInt].
func (i Int) Given() bool { return i.given }

// N returns the number, 0 where none was given.
func (i Int) N() int { return i.n }

// set is what one field says, in the words of the option.
type set struct {
	field string
	kind  setting.Kind
	text  string
	wants string // what has to be there
}

// settings returns what the payload's process sets for itself.
func (l *Limits) settings() (list []set) {
	for i, r := range l.Rlimits {
		list = append(list, set{
			at("Limits.Rlimits", i), setting.Rlimit, setting.Limit(r.Name, r.Soft, r.Hard),
			"a Name of " + setting.Limits() + ", and Hard not below Soft",
		})
	}
	if l.Nice.Given() {
		list = append(list, set{"Limits.Nice", setting.Nice, strconv.Itoa(l.Nice.N()), "-20 to 19"})
	}
	if l.OOMScoreAdj.Given() {
		list = append(list, set{"Limits.OOMScoreAdj", setting.Score, strconv.Itoa(l.OOMScoreAdj.N()), "-1000 to 1000"})
	}
	if l.CPUs != "" {
		list = append(list, set{"Limits.CPUs", setting.CPUs, l.CPUs, setting.WantsCPUs})
	}
	return list
}

// add returns the other way: it takes up what an option says, and returns the field.
func (l *Limits) add(kind setting.Kind, text string) (field string) {
	switch kind {
	case setting.Rlimit:
		r := Rlimit{}
		r.Name, r.Soft, r.Hard = setting.LimitOf(text)
		l.Rlimits = append(l.Rlimits, r)
		return at("Limits.Rlimits", len(l.Rlimits)-1)
	case setting.Nice:
		n, _ := strconv.Atoi(text)
		l.Nice = SetInt(n)
		return "Limits.Nice"
	case setting.Score:
		n, _ := strconv.Atoi(text)
		l.OOMScoreAdj = SetInt(n)
		return "Limits.OOMScoreAdj"
	case setting.CPUs:
		l.CPUs = text
		return "Limits.CPUs"
	}
	return ""
}
