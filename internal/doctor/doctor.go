package doctor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Examine tries everything and judges it. engine is what the launcher would mount with.
func Examine(engine string) *Report {
	limits()
	f := Here()
	return examine(f, engine, f.launchSelf)
}

// Start makes a launch of its own for a Go program that is its own launcher: with these
// options, and a command that there is not. It tells the stage at which the launch
// failed, and how; "exec": it went all the way.
type Start func(options []string) (stage string, errno syscall.Errno, message string)

// ExamineFor is Examine for such a program. exe is what it starts.
func ExamineFor(exe, engine string, start Start) *Report {
	f := &Facts{Files: machine{}, UID: syscall.Getuid(), Deadly: deadlyCalls()}
	f.Binary = f.inspect(exe)
	return examine(f, engine, func(mode string, options []string) outcome {
		o := outcome{}
		o.stage, o.errno, o.message = start(append([]string{"--mode", mode}, options...))
		o.works = o.stage == "exec"
		o.killed = o.stage == "launch" && o.message == killedMessage
		return o
	})
}

func examine(f *Facts, engine string, try func(mode string, options []string) outcome) *Report {
	kernel := Kernel{MountEngine: engine}
	if !f.deadly("openat2") {
		_, _, kernel.Openat2 = syscall.RawSyscall6(unix.SYS_OPENAT2, none, 0, 0, 0, 0, 0)
	}
	return Judge(f, Probe(f, try), kernel)
}
