package mounts

import (
	"strings"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// Frame is what the steps of the file tree depend on beside the operations.
type Frame struct {
	NewPID    bool   // the sandbox has a pid namespace of its own or a given one
	HostRoot  bool   // the caller is the host's root, whatever he is called inside
	Console   bool   // standard output is a terminal: /dev/console is bound to it
	FileLabel string // SELinux label of temporary files; empty: none
	Cwd       string // the caller's working directory; empty if it has no name
	Go        bool   // OpGo follows on the frame
	// Become holds the OpBecome steps of a payload that is not the caller: all that is made
	// belongs to the payload, and all sources are looked up by the caller.
	Become   []plan.Step
	Fallback Fallback
}

// nosuid goes with everything that is bound or mounted, except where bwrap leaves it off.
const nosuid = unix.MS_NOSUID

// Lower appends the steps of all operations: first the sources, so that nothing has
// been changed when one is missing, then the frame, the operations in their order,
// and the farewell to the old root.
func Lower(b *plan.Builder, ops []Op, f Frame) {
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpSlave})
	l := lowerer{b: b, frame: f, sources: make([]uint32, len(ops))}
	for i := range ops {
		b.From(ops[i].From)
		l.source(i, &ops[i])
	}
	b.From(plan.Origin{})
	for _, s := range f.Become {
		b.Add(s)
	}
	l.labelNew(f.FileLabel)
	b.Add(plan.Step{Op: plan.OpRoot})
	if f.Go {
		b.Add(plan.Step{Op: plan.OpGo})
	}
	for i := range ops {
		b.From(ops[i].From)
		l.op(&ops[i], l.sources[i])
	}
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpPivot})
	l.labelNew("")
}

// labelNew sets the label of the files and directories that set-up makes by itself
// (proc(5), /proc/pid/attr/fscreate); "" goes back to the default.
func (l *lowerer) labelNew(label string) {
	if l.frame.FileLabel != "" {
		l.b.Add(plan.Step{Op: plan.OpLabel, A: plan.LabelNew, B: l.b.Str(label)})
	}
}

type lowerer struct {
	b       *plan.Builder
	frame   Frame
	sources []uint32 // index of each operation's first OpSource
}

// source appends the OpSource steps of one operation.
func (l *lowerer) source(i int, op *Op) {
	l.sources[i] = l.b.Len()
	switch op.Kind {
	case Bind:
		l.host(op.Source, op.Try)
	case BindFD:
		l.b.Add(plan.Step{Op: plan.OpSource, B: uint32(op.FD.N())})
	case Proc:
		if !l.frame.NewPID || l.frame.Fallback == BindOuter {
			l.host("/proc", false)
		}
	case Dev:
		for _, name := range devices {
			l.host("/dev/"+name, false)
		}
		if l.frame.Console {
			l.b.Add(plan.Step{Op: plan.OpSource, Flags: plan.FlagConsole, B: 1})
		}
	case Overlay:
		for _, dir := range op.Layers {
			l.host(dir, false)
		}
		if op.Writes == Kept {
			l.host(op.Upper, false)
			l.host(op.Work, false)
		}
	default: // takes nothing from the host
	}
}

// host appends an OpSource for a host path. A relative one counts from the caller's
// working directory.
func (l *lowerer) host(path string, try bool) {
	flags := uint16(0)
	if try {
		flags = plan.FlagTry
	}
	l.b.Add(plan.Step{Op: plan.OpSource, Flags: flags, A: l.b.Str(path)})
}

// op appends the steps of one operation.
func (l *lowerer) op(op *Op, src uint32) {
	dst := BoxPath(op.Dest)
	at := l.b.Str(dst)
	switch op.Kind {
	case Bind, BindFD:
		l.bind(src, dst, op.Access)
	case Tmpfs:
		l.tmpfs(dst, op)
	case Proc:
		l.proc(dst, src)
	case Dev:
		l.dev(dst, src)
	case Mqueue:
		l.mount(plan.MountMqueue, dst, 0, 0o700)
	case Overlay:
		l.b.Add(plan.Step{Op: plan.OpOverlay, A: src, B: at, C: uint32(len(op.Layers)), D: overlayKind(op.Writes), E: 0o700})
	case Dir:
		l.b.Add(plan.Step{Op: plan.OpDir, B: at, D: op.Perms.or(0o755), E: op.Perms.parents()})
	case File:
		l.b.Add(plan.Step{Op: plan.OpFile, A: uint32(op.FD.N()), B: at, D: op.Perms.or(0o666), E: op.Perms.parents()})
	case Data:
		perms := Mode(op.Perms.or(0o600))
		l.b.Add(plan.Step{
			Op: plan.OpData, A: uint32(op.FD.N()), B: at, C: op.Access.flags(), D: perms.bits, E: perms.parents(),
		})
	case Symlink:
		l.b.Add(plan.Step{Op: plan.OpSymlink, A: l.b.Str(op.Target), B: at, E: 0o700})
	case Chmod:
		l.b.Add(plan.Step{Op: plan.OpChmod, B: at, D: op.Perms.bits})
	case RemountRO:
		l.b.Add(plan.Step{Op: plan.OpRemountRO, B: at})
	case Invalid: // refused by package sandbox
	}
}

func (l *lowerer) bind(src uint32, dst string, a Access) {
	l.b.Add(plan.Step{Op: plan.OpBind, A: src, B: l.b.Str(dst), C: a.flags(), E: 0o700})
}

// mount appends a new file system, all of it with the label for files.
func (l *lowerer) mount(kind uint32, dst string, mode, parents uint32) {
	l.b.Add(plan.Step{Op: plan.OpMount, A: kind, B: l.b.Str(dst), C: l.b.Str(l.frame.FileLabel), D: mode, E: parents})
}

func (l *lowerer) tmpfs(dst string, op *Op) {
	l.b.Add(plan.Step{
		Op: plan.OpMount, A: plan.MountTmpfs, B: l.b.Str(dst), C: l.b.Str(l.frame.FileLabel),
		D: op.Perms.or(0o755), E: op.Perms.parents(), F: uint32(op.Size), G: uint32(op.Size >> 32),
	})
}

func overlayKind(w Writes) uint32 {
	switch w {
	case Kept:
		return plan.OverlayRW
	case Forgotten:
		return plan.OverlayTmp
	default:
		return plan.OverlayRO
	}
}

// flags are what a bind adds to the flags that its mounts have.
func (a Access) flags() uint32 {
	switch a {
	case WithDevice:
		return nosuid
	case ReadWrite:
		return nosuid | unix.MS_NODEV
	default:
		return nosuid | unix.MS_NODEV | unix.MS_RDONLY
	}
}

func (p Perms) or(mode uint32) uint32 {
	if p.given {
		return p.bits
	}
	return mode
}

// parents is the mode of parents made on the way: what p denies to the group or to
// others altogether is denied there too.
func (p Perms) parents() uint32 {
	mode := uint32(0o755)
	if p.given && p.bits&0o070 == 0 {
		mode &^= 0o050
	}
	if p.given && p.bits&0o007 == 0 {
		mode &^= 0o005
	}
	return mode
}

// BoxPath is the absolute form of a path in the sandbox, without empty and "."
// components. ".." stays: what it means depends on links.
func BoxPath(path string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			out.WriteByte('/')
			out.WriteString(part)
		}
	}
	if out.Len() == 0 {
		return "/"
	}
	return out.String()
}
