package mounts

import (
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// devices are bound from the host's /dev.
//
//nolint:gochecknoglobals // read-only table
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// devLinks are the links of the small /dev, with their targets.
//
//nolint:gochecknoglobals // read-only table
var devLinks = [][2]string{
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"fd", "/proc/self/fd"},
	{"core", "/proc/kcore"},
}

// dev appends the steps of a small /dev: a tmpfs with the devices above, shm, a new
// instance of devpts, and console where standard output is a terminal.
func (l *lowerer) dev(dst string, src uint32) {
	in := func(name string) string { return BoxPath(dst + "/" + name) }
	l.mount(plan.MountTmpfs, dst, 0o755, 0o700)
	for i, name := range devices {
		l.bind(src+uint32(i), in(name), WithDevice)
	}
	for _, link := range devLinks {
		l.b.Add(plan.Step{Op: plan.OpSymlink, A: l.b.Str(link[1]), B: l.b.Str(in(link[0])), E: 0o755})
	}
	for _, name := range []string{"shm", "pts"} {
		l.b.Add(plan.Step{Op: plan.OpDir, B: l.b.Str(in(name)), D: 0o755, E: 0o755})
	}
	l.mount(plan.MountDevpts, in("pts"), 0, 0o755)
	l.b.Add(plan.Step{Op: plan.OpSymlink, A: l.b.Str("pts/ptmx"), B: l.b.Str(in("ptmx")), E: 0o755})
	if l.frame.Console {
		l.bind(src+uint32(len(devices)), in("console"), WithDevice)
	}
}

// proc appends the step of /proc: a new one for a new pid namespace, the host's otherwise.
// Either way the parts of it that act on the whole machine are covered where the sandbox
// could write them.
func (l *lowerer) proc(dst string, src uint32) {
	step := plan.Step{Op: plan.OpProc, B: l.b.Str(dst), E: 0o700}
	switch {
	case !l.frame.NewPID:
		step.A = src
	case l.frame.Fallback == BindOuter:
		step.A, step.Flags = src, plan.FlagOrBind
	case l.frame.Fallback == Empty:
		step.Flags = plan.FlagOrNone
	}
	if l.frame.HostRoot {
		step.Flags |= plan.FlagCover
	}
	l.b.Add(step)
}
