package tree

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Maker makes the steps of operations and appends them to a plan. Its other
// fields are what the steps depend on apart from the operation itself.
type Maker struct {
	*emit.Parts
	// Standard output is a terminal, which Dev shows as console.
	Tty bool
	// The caller is root.
	Root bool
	// The sandbox has a PID namespace of its own, or a given one.
	NewProc bool
	// What Proc does if the kernel refuses a new proc.
	Fallback Fallback
	// The label of new file systems, in the options of mount(2) as context="LABEL"; 0 or empty: none.
	Label flat.Word
}

// bindsProc reports whether Proc needs the host's, too.
func (m *Maker) bindsProc() bool {
	// Where the kernel refuses a new proc, which is known only
	// when it is tried, the source must have been opened.
	return !m.NewProc || m.Fallback == BindOuter
}

// Modes of what is made on the way.
const (
	bindParents = 0o700 // nobody else is to look into what is above a bind, as with bwrap
	dirParents  = 0o755 // as mkdir -p makes them
)

// nosuid goes with everything that is bound or mounted, except where bwrap leaves it off.
const nosuid = unix.MS_NOSUID

// denialFlags are the flags of a step that masks or protects.
func denialFlags(it *flat.Item) (flags uint16) {
	if it.Has(flat.Absent) {
		flags |= plan.FlagTry
	}
	if it.Has(flat.Glob) {
		flags |= plan.FlagGlob
	}
	return flags
}

// bind appends an OpBind of a source.
func (m *Maker) bind(src, at uint32, a Access) {
	s := plan.Step{Op: plan.OpBind, A: src, B: at, C: flags(a)}
	// A literal with more than four fields is copied from a page that nothing else in a launch reads.
	s.E = bindParents
	m.Step(s)
}

// mount appends a new file system, all of it with the label for files.
func (m *Maker) mount(kind, at, mode, parents uint32) {
	s := plan.Step{Op: plan.OpMount, A: kind, B: at, C: m.Word(m.Label)}
	// As in bind.
	s.D, s.E = mode, parents
	m.Step(s)
}

// overlayKind returns what the acting side calls an overlay of which the changes go there.
func overlayKind(w Writes) uint32 {
	switch w {
	case Kept:
		return plan.OverlayRW
	// --tmp-overlay: changes are lost with the sandbox.
	case Forgotten:
		return plan.OverlayTmp
	default:
		return plan.OverlayRO
	}
}

// flags returns what a bind adds to the flags that its mounts have.
func flags(a Access) uint32 {
	switch a {
	// nosuid even here: nothing in a sandbox gains privilege by a file.
	case WithDevice:
		return nosuid
	case ReadWrite:
		return nosuid | unix.MS_NODEV
	default:
		return nosuid | unix.MS_NODEV | unix.MS_RDONLY
	}
}

// mode returns what was given, or the default.
func mode(it *flat.Item, standard uint32) uint32 {
	// 0 is a mode, so a flag says that there is one.
	if it.Has(flat.HasMode) {
		return it.Mode
	}
	return standard
}

// parents returns the mode of parents made on the way: what the given mode denies to the group
// or to others altogether is denied there too.
func parents(it *flat.Item) uint32 {
	if it.Has(flat.HasMode) {
		return parentsOf(it.Mode)
	}
	return dirParents
}

// parentsOf returns the mode of directories that are made for a file with a given mode.
func parentsOf(given uint32) uint32 {
	// --perms 0640 makes directories of mode 0750, 0600 makes 0700.
	mode := uint32(dirParents)
	if given&0o070 == 0 {
		mode &^= 0o050
	}
	if given&0o007 == 0 {
		mode &^= 0o005
	}
	return mode
}

// proc appends the step of /proc: a new one for a new PID namespace, the host's otherwise.
// Either way the parts of it that act on the whole machine are covered where the sandbox
// could write them.
func (m *Maker) proc(src, at uint32) {
	step := plan.Step{Op: plan.OpProc, B: at, E: bindParents}
	switch {
	// The host's processes are those of the sandbox: its proc shows nothing else.
	case !m.NewProc:
		step.A = src
	// The kernel refuses a new proc where the present one is partly covered, as in most containers
	// (mount_too_revealing, fs/namespace.c).
	case m.Fallback == BindOuter:
		step.A, step.Flags = src, plan.FlagOrBind
	case m.Fallback == Empty:
		step.Flags = plan.FlagOrNone
	}
	// Root outside owns the files that act on the machine, whatever namespace it is in. Where it is
	// another user, the acting side asks whether they can be written.
	if m.Root {
		step.Flags |= plan.FlagCover
	}
	m.Step(step)
}

// devices are bound from the host's /dev.
//
//nolint:gochecknoglobals // read-only table
var devices = [...]string{"null", "zero", "full", "random", "urandom", "tty"}

// devLinks are the links of the small /dev, with their targets.
//
//nolint:gochecknoglobals // read-only table
var devLinks = [...]struct{ name, target string }{
	{"/stdin", "/proc/self/fd/0"},
	{"/stdout", "/proc/self/fd/1"},
	{"/stderr", "/proc/self/fd/2"},
	{"/fd", "/proc/self/fd"},
	{"/core", "/proc/kcore"},
}

// dev appends the steps of a small /dev: a tmpfs with the devices above, shm, a new
// instance of devpts, and console where standard output is a terminal.
func (m *Maker) dev(it *flat.Item, src uint32) {
	dst := m.Text.At(it.B)
	// First, since all that follows lies on it.
	m.mount(plan.MountTmpfs, m.Box(dst, ""), 0o755, bindParents)
	for i := range devices {
		at := m.inDev(dst, devices[i])
		// A device node cannot be made in a user namespace (mknod(2), EPERM), so it is bound.
		m.bind(src+uint32(i), at, WithDevice)
	}
	for i := range devLinks {
		m.Step(plan.Step{Op: plan.OpSymlink, A: m.Constant(devLinks[i].target), B: m.Box(dst, devLinks[i].name), E: dirParents})
	}
	// 0755, as with bwrap: it belongs to the payload's uid.
	m.Step(plan.Step{Op: plan.OpDir, B: m.Box(dst, "/shm"), D: 0o755, E: dirParents})
	m.Step(plan.Step{Op: plan.OpDir, B: m.Box(dst, "/pts"), D: 0o755, E: dirParents})
	// A new instance: the terminals of the host stay out of reach.
	m.mount(plan.MountDevpts, m.Box(dst, "/pts"), 0, dirParents)
	// The ptmx of this instance; the device node of the host's /dev might lead to the host's.
	m.Step(plan.Step{Op: plan.OpSymlink, A: m.Constant("pts/ptmx"), B: m.Box(dst, "/ptmx"), E: dirParents})
	if m.Tty {
		m.bind(src+uint32(len(devices)), m.Box(dst, "/console"), WithDevice)
	}
}

// inDev returns a name below the small /dev.
func (m *Maker) inDev(dst []byte, name string) uint32 {
	at := m.Box(dst, "/")
	m.Used.Arena-- // the NUL
	m.Constant(name)
	return at
}
