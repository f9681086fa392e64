package doctor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Examine tries everything and judges it. engine is what the launcher would mount with.
func Examine(engine string) *Report {
	f := Here()
	limits()
	return examine(f, engine, launchSelf)
}

// Start makes a launch of its own for a Go program that is its own launcher: with these
// options, and a command that there is not. It tells the stage at which the launch
// failed, and how; "exec": it went all the way.
type Start func(options []string) (stage string, errno syscall.Errno, message string)

// ExamineFor is Examine for such a program. exe is what it starts.
func ExamineFor(exe, engine string, start Start) *Report {
	f := &Facts{Files: machine{}, UID: syscall.Getuid()}
	f.Binary = f.inspect(exe)
	return examine(f, engine, func(mode string, options []string) outcome {
		o := outcome{}
		o.stage, o.errno, o.message = start(append([]string{"--mode", mode}, options...))
		o.works = o.stage == "exec"
		return o
	})
}

func examine(f *Facts, engine string, try func(mode string, options []string) outcome) *Report {
	kernel := Kernel{MountEngine: engine}
	_, _, kernel.Openat2 = syscall.RawSyscall6(unix.SYS_OPENAT2, ^uintptr(0), 0, 0, 0, 0, 0)
	return Judge(f, Probe(f, try), kernel)
}
