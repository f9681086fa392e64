package tree

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Kind is what an Op does. This file has all that there is to know about each kind: its row, and the steps
// that it becomes.
type Kind = flat.Kind

// The kinds. Invalid is the zero value, so that an Op that no constructor made is an error.
const (
	Invalid   Kind = iota
	Bind           // Source on Dest
	BindFD         // what FD has open, on Dest
	Tmpfs          // an empty tmpfs
	Proc           // a proc for the sandbox's pid namespace
	Dev            // a small /dev
	Mqueue         // a POSIX message queue file system
	Overlay        // Layers, lowest first; writes go to Upper
	Dir            // a directory
	File           // a file with the contents of FD
	Data           // the contents of FD, bound, without any other name
	Symlink        // a link that says Target
	Chmod          // other permissions on what is there
	RemountRO      // one mount made read-only
	Mask           // what is there, or what matches, made closed to everybody
	Protect        // what is there, or what matches, made read-only and held where it is; or kept missing
	numKinds
)

// Their numbers end in front of those of other items.
const _ = uint(flat.Layer - numKinds)

// Valid reports whether k is a kind that there is.
func Valid(k Kind) bool { return k > Invalid && k < numKinds }

// Reads reports whether FD is read to its end, which works once.
func Reads(k Kind) bool { return k == File || k == Data }

// Denies reports whether what is there is taken away from the command, which with CAP_SYS_ADMIN could undo it.
func Denies(k Kind) bool { return k == Mask || k == Protect }

// kinds is a row for each kind. A field that a kind neither needs nor takes would have no effect, which
// its author cannot have meant.
//
//nolint:gochecknoglobals // read-only table
var kinds = [numKinds]struct {
	name         string
	needs, takes fields
	// Where a description lists it: by Access or Writes, which
	// no kind has both of. The next Line is for patterns.
	lines [3]Line
	// What it is like, for a description.
	note  string
	hides cover
}{
	Invalid:   {name: "Invalid"},
	Bind:      {"Bind", dest | source, access | try, [...]Line{ReadOnly: FromHost, ReadWrite: Writable, WithDevice: WithDevices}, "", allBelow},
	BindFD:    {"BindFD", dest | fd, access, [...]Line{ReadOnly: FromHost, ReadWrite: Writable, WithDevice: WithDevices}, "", allBelow},
	Tmpfs:     {"Tmpfs", dest, perms | size, [3]Line{New}, "", allBelow},
	Proc:      {"Proc", dest, 0, [3]Line{Procs}, "", allBelow},
	Dev:       {"Dev", dest, 0, [3]Line{New}, "null, zero, full, random, urandom, tty, pts", allBelow},
	Mqueue:    {"Mqueue", dest, 0, [3]Line{New}, "", allBelow},
	Overlay:   {"Overlay", dest | layers, writes, [...]Line{Refused: FromHost, Forgotten: New, Kept: Writable}, "", allBelow},
	Dir:       {"Dir", dest, perms, [3]Line{New}, "", nothing},
	File:      {"File", dest | fd, perms, [3]Line{New}, "", nothing},
	Data:      {"Data", dest | fd, access | perms, [3]Line{New, New, New}, "", itself},
	Symlink:   {"Symlink", dest | target, 0, [3]Line{Links}, "", nothing},
	Chmod:     {"Chmod", dest | perms, 0, [3]Line{Unlisted}, "", nothing},
	RemountRO: {"RemountRO", dest, 0, [3]Line{Tightened}, "", nothing},
	Mask:      {"Mask", dest, try | glob, [3]Line{Masked}, "", allBelow},
	Protect:   {"Protect", dest, try | glob, [3]Line{Protected}, "", nothing},
}

// SourceCount returns how many OpSource steps an item has.
func (m *Maker) SourceCount(it *flat.Item) uint32 {
	switch it.Kind {
	// Sources must append as many for each kind.
	case Bind, BindFD, flat.Layer:
		return 1
	case Proc:
		if m.bindsProc() {
			return 1
		}
	case Dev:
		if m.Tty {
			return uint32(len(devices)) + 1
		}
		return uint32(len(devices))
	case Overlay:
		if Writes(it.Writes) == Kept {
			return 2
		}
	}
	return 0
}

// Sources appends the OpSource steps of an item.
func (m *Maker) Sources(it *flat.Item) {
	switch it.Kind {
	case Bind:
		flags := uint16(0)
		// --bind-try and its variants: only a source that does not exist is passed over (ENOENT).
		if it.Has(flat.Absent) {
			flags = plan.FlagTry
		}
		m.Step(plan.Step{Op: plan.OpSource, Flags: flags, A: m.Word(it.A)})
	case BindFD:
		// A is 0: there is no path.
		m.Step(plan.Step{Op: plan.OpSource, B: uint32(it.FD)})
	case Proc:
		if m.bindsProc() {
			m.Step(plan.Step{Op: plan.OpSource, A: m.Constant("/proc")})
		}
	case Dev:
		for i := range devices {
			at := m.Here()
			m.Literal("/dev/")
			// It goes on where Literal has ended, so that both are one string.
			m.Constant(devices[i])
			m.Step(plan.Step{Op: plan.OpSource, A: at})
		}
		if m.Tty {
			// Standard output: its terminal, by whatever name that has.
			m.Step(plan.Step{Op: plan.OpSource, Flags: plan.FlagConsole, B: 1})
		}
	case flat.Layer:
		m.Step(plan.Step{Op: plan.OpSource, A: m.Word(it.A)})
	// Upper and work directory; the layers are items of their own, in front of this one.
	case Overlay:
		if Writes(it.Writes) == Kept {
			m.Step(plan.Step{Op: plan.OpSource, A: m.Word(it.A)})
			m.Step(plan.Step{Op: plan.OpSource, A: m.Word(it.C)})
		}
	}
}

// Make appends the steps of an item that is an operation, whose first OpSource is src.
func (m *Maker) Make(it *flat.Item, src uint32) {
	// The environment, descriptors and the like.
	if !it.IsFile() {
		return
	}
	if it.Kind == Dev {
		m.dev(it, src)
		return
	}
	// From the root of the sandbox, also for a relative path: there is no working directory yet.
	at := m.Box(m.Text.At(it.B), "")
	switch {
	case it.Kind == Bind, it.Kind == BindFD:
		m.bind(src, at, Access(it.Access))
	case it.Kind == Tmpfs:
		s := plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: at, C: m.Word(m.Label)}
		// Not in the literal: see bind.
		s.D, s.E, s.F, s.G = mode(it, 0o755), parents(it), uint32(it.Size), uint32(it.Size>>32)
		m.Step(s)
	case it.Kind == Proc:
		m.proc(src, at)
	case it.Kind == Mqueue:
		// Its mode is the kernel's: the file system takes no option for it.
		m.mount(plan.MountMqueue, at, 0, bindParents)
	case it.Kind == Overlay:
		m.Step(plan.Step{
			// The layers stand directly in front of the overlay's own sources, as Parser.overlay has made sure.
			Op: plan.OpOverlay, A: src - it.N, B: at, C: it.N, D: overlayKind(Writes(it.Writes)), E: bindParents,
		})
	// The modes are bwrap's, whatever the caller's umask: 0755 for
	// directories, 0666 for files, 0600 for data that may be secret.
	case it.Kind == Dir:
		m.Step(plan.Step{Op: plan.OpDir, B: at, D: mode(it, 0o755), E: parents(it)})
	case it.Kind == File:
		m.Step(plan.Step{Op: plan.OpFile, A: uint32(it.FD), B: at, D: mode(it, 0o666), E: parents(it)})
	case it.Kind == Data:
		m.Step(plan.Step{
			Op: plan.OpData, A: uint32(it.FD), B: at, C: flags(Access(it.Access)),
			// Without --perms the parents are closed to others too.
			D: mode(it, 0o600), E: parentsOf(mode(it, 0o600)),
		})
	case it.Kind == Symlink:
		m.Step(plan.Step{Op: plan.OpSymlink, A: m.Word(it.A), B: at, E: bindParents})
	case it.Kind == Chmod:
		m.Step(plan.Step{Op: plan.OpChmod, B: at, D: it.Mode})
	// One mount: those below it stay as they are.
	case it.Kind == RemountRO:
		m.Step(plan.Step{Op: plan.OpRemountRO, B: at})
	case it.Kind == Mask:
		m.Step(plan.Step{Op: plan.OpMask, Flags: denialFlags(it), B: at})
	case it.Kind == Protect:
		// What stands for a missing path: a slash at the end asks for a directory.
		directory := uint32(0)
		if flat.EndsWithSlash(m.Text.At(it.B)) {
			directory = 1
		}
		m.Step(plan.Step{Op: plan.OpProtect, Flags: denialFlags(it), A: directory, B: at})
	}
}
