package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// files builds the root: first the sources, so that nothing has been changed when one is
// missing, then the frame, the operations in their order, and the change of root. A new
// network namespace gets its loopback interface before.
func (c *Compiler) files() {
	if c.Spec.Wishes[flat.Net].IsNew() {
		// It takes CAP_NET_ADMIN in the user namespace that owns the network namespace: the nested one has none there.
		c.step(plan.Step{Op: plan.OpLoopback})
	}
	// Before anything is mounted: in a shared mount a tmpfs would show on the host as well.
	c.step(plan.Step{Op: plan.OpSlave})
	// The sources, in the order of the items. All are opened before the first operation runs, as with bwrap.
	first := c.used.steps
	for i := range c.Items {
		c.from = c.Items[i].From
		c.sources(&c.Items[i])
	}
	c.from = 0
	// Behind the sources and in front of the frame: what is looked up is looked up as the caller,
	// what is made belongs to the payload.
	c.become()
	c.labelNew(true)
	// From here on "/" is the frame, and paths of the host mean nothing.
	c.step(plan.Step{Op: plan.OpRoot})
	if c.goes() && c.lateGo() {
		c.step(plan.Step{Op: plan.OpGo})
	}
	// Each operation is told which of the sources are its own: they stand in the same order.
	src := uint32(first)
	for i := range c.Items {
		it := &c.Items[i]
		c.from = it.From
		// In the order given: a later operation may lie on or below an earlier one.
		c.operation(it, src)
		src += c.sourceCount(it)
	}
	c.from = 0
	// What the new root does not show is out of reach from here on.
	c.step(plan.Step{Op: plan.OpPivot})
	c.labelNew(false)
}

// labelNew sets the label of the files and directories that set-up makes by itself
// (proc(5), /proc/pid/attr/fscreate), or goes back to the default.
func (c *Compiler) labelNew(on bool) {
	l := c.Spec.Strs[flat.FileLabel]
	// An empty label is none.
	if !l.Given() || len(c.Text.At(l.Word)) == 0 {
		return
	}
	// The empty string goes back to the default.
	label := uint32(0)
	if on {
		label = c.word(l.Word)
	}
	c.step(plan.Step{Op: plan.OpLabel, A: plan.LabelNew, B: label})
}

// become switches to the payload's ids, if it has others than the caller: all that is made
// belongs to the payload, and all sources are looked up by the caller.
func (c *Compiler) become() {
	switch {
	case c.Spec.FDs[flat.JoinUser].Given():
		c.becomeInGiven()
	case c.Facts.Becomes:
		c.step(plan.Step{Op: plan.OpBecome, A: c.insideUID, B: c.insideGID})
	}
}

// newProc reports whether the sandbox has a PID namespace of its own, or a given one.
func (c *Compiler) newProc() bool { return c.newPID || c.Spec.FDs[flat.JoinPID].Given() }

// bindsProc reports whether --proc needs the host's, too.
func (c *Compiler) bindsProc() bool {
	// Where the kernel refuses a new proc, which is known only when it is tried, the source must have been opened.
	return !c.newProc() || tree.Fallback(c.Spec.Fallback) == tree.BindOuter
}

// sourceCount returns how many OpSource steps an operation has.
func (c *Compiler) sourceCount(it *flat.Item) uint32 {
	switch it.Kind {
	// sources must append as many for each kind.
	case flat.Bind, flat.BindFD, flat.Layer:
		return 1
	case flat.Proc:
		if c.bindsProc() {
			return 1
		}
	case flat.Dev:
		if c.Facts.Tty {
			return uint32(len(devices)) + 1
		}
		return uint32(len(devices))
	case flat.Overlay:
		if tree.Writes(it.Writes) == tree.Kept {
			return 2
		}
	}
	return 0
}

// sources appends the OpSource steps of one operation.
func (c *Compiler) sources(it *flat.Item) {
	switch it.Kind {
	case flat.Bind:
		flags := uint16(0)
		// --bind-try and its variants: only a source that does not exist is passed over (ENOENT).
		if it.Has(flat.Absent) {
			flags = plan.FlagTry
		}
		c.step(plan.Step{Op: plan.OpSource, Flags: flags, A: c.word(it.A)})
	case flat.BindFD:
		// A is 0: there is no path.
		c.step(plan.Step{Op: plan.OpSource, B: uint32(it.FD)})
	case flat.Proc:
		if c.bindsProc() {
			c.step(plan.Step{Op: plan.OpSource, A: c.constant("/proc")})
		}
	case flat.Dev:
		for i := range devices {
			at := c.here()
			c.text("/dev/")
			// It goes on where text has ended, so that both are one string.
			c.constant(devices[i])
			c.step(plan.Step{Op: plan.OpSource, A: at})
		}
		if c.Facts.Tty {
			// Standard output: its terminal, by whatever name that has.
			c.step(plan.Step{Op: plan.OpSource, Flags: plan.FlagConsole, B: 1})
		}
	case flat.Layer:
		c.step(plan.Step{Op: plan.OpSource, A: c.word(it.A)})
	// Upper and work directory; the layers are items of their own, in front of this one.
	case flat.Overlay:
		if tree.Writes(it.Writes) == tree.Kept {
			c.step(plan.Step{Op: plan.OpSource, A: c.word(it.A)})
			c.step(plan.Step{Op: plan.OpSource, A: c.word(it.C)})
		}
	}
}

// Modes of what is made on the way.
const (
	bindParents = 0o700 // nobody else is to look into what is above a bind, as with bwrap
	dirParents  = 0o755 // as mkdir -p makes them
)

// nosuid goes with everything that is bound or mounted, except where bwrap leaves it off.
const nosuid = unix.MS_NOSUID

// operation appends the steps of one operation, whose first OpSource is src.
func (c *Compiler) operation(it *flat.Item, src uint32) {
	// The environment, descriptors and the like.
	if !it.IsFile() {
		return
	}
	if it.Kind == flat.Dev {
		c.dev(it, src)
		return
	}
	// From the root of the sandbox, also for a relative path: there is no working directory yet.
	at := c.box(c.Text.At(it.B), "")
	switch {
	case it.Kind == flat.Bind, it.Kind == flat.BindFD:
		c.bind(src, at, tree.Access(it.Access))
	case it.Kind == flat.Tmpfs:
		s := plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: at, C: c.label()}
		// Not in the literal: see bind.
		s.D, s.E, s.F, s.G = mode(it, 0o755), parents(it), uint32(it.Size), uint32(it.Size>>32)
		c.step(s)
	case it.Kind == flat.Proc:
		c.proc(src, at)
	case it.Kind == flat.Mqueue:
		// Its mode is the kernel's: the file system takes no option for it.
		c.mount(plan.MountMqueue, at, 0, bindParents)
	case it.Kind == flat.Overlay:
		c.step(plan.Step{
			// The layers stand directly in front of the overlay's own sources, as Parser.overlay has made sure.
			Op: plan.OpOverlay, A: src - it.N, B: at, C: it.N, D: overlayKind(tree.Writes(it.Writes)), E: bindParents,
		})
	// The modes are bwrap's, whatever the caller's umask: 0755 for directories, 0666 for files, 0600 for data that may be secret.
	case it.Kind == flat.Dir:
		c.step(plan.Step{Op: plan.OpDir, B: at, D: mode(it, 0o755), E: parents(it)})
	case it.Kind == flat.File:
		c.step(plan.Step{Op: plan.OpFile, A: uint32(it.FD), B: at, D: mode(it, 0o666), E: parents(it)})
	case it.Kind == flat.Data:
		c.step(plan.Step{
			Op: plan.OpData, A: uint32(it.FD), B: at, C: flags(tree.Access(it.Access)),
			// Without --perms the parents are closed to others too.
			D: mode(it, 0o600), E: parentsOf(mode(it, 0o600)),
		})
	case it.Kind == flat.Symlink:
		c.step(plan.Step{Op: plan.OpSymlink, A: c.word(it.A), B: at, E: bindParents})
	case it.Kind == flat.Chmod:
		c.step(plan.Step{Op: plan.OpChmod, B: at, D: it.Mode})
	// One mount: those below it stay as they are.
	case it.Kind == flat.RemountRO:
		c.step(plan.Step{Op: plan.OpRemountRO, B: at})
	case it.Kind == flat.Mask:
		c.step(plan.Step{Op: plan.OpMask, Flags: denialFlags(it), B: at})
	case it.Kind == flat.Protect:
		// What stands for a missing path: a slash at the end asks for a directory.
		directory := uint32(0)
		if flat.EndsWithSlash(c.Text.At(it.B)) {
			directory = 1
		}
		c.step(plan.Step{Op: plan.OpProtect, Flags: denialFlags(it), A: directory, B: at})
	}
}

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
func (c *Compiler) bind(src, at uint32, a tree.Access) {
	s := plan.Step{Op: plan.OpBind, A: src, B: at, C: flags(a)}
	// A literal with more than four fields is copied from a page that nothing else in a launch reads.
	s.E = bindParents
	c.step(s)
}

// label returns the label of new file systems; 0: none.
func (c *Compiler) label() uint32 {
	// In the options of mount(2), as context="LABEL".
	if l := c.Spec.Strs[flat.FileLabel]; l.Given() && len(c.Text.At(l.Word)) > 0 {
		return c.word(l.Word)
	}
	return 0
}

// mount appends a new file system, all of it with the label for files.
func (c *Compiler) mount(kind, at, mode, parents uint32) {
	s := plan.Step{Op: plan.OpMount, A: kind, B: at, C: c.label()}
	// As in bind.
	s.D, s.E = mode, parents
	c.step(s)
}

// overlayKind returns what the acting side calls an overlay of which the changes go there.
func overlayKind(w tree.Writes) uint32 {
	switch w {
	case tree.Kept:
		return plan.OverlayRW
	// --tmp-overlay: changes are lost with the sandbox.
	case tree.Forgotten:
		return plan.OverlayTmp
	default:
		return plan.OverlayRO
	}
}

// flags returns what a bind adds to the flags that its mounts have.
func flags(a tree.Access) uint32 {
	switch a {
	// nosuid even here: nothing in a sandbox gains privilege by a file.
	case tree.WithDevice:
		return nosuid
	case tree.ReadWrite:
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
func (c *Compiler) proc(src, at uint32) {
	step := plan.Step{Op: plan.OpProc, B: at, E: bindParents}
	switch fallback := tree.Fallback(c.Spec.Fallback); {
	// The host's processes are those of the sandbox: its proc shows nothing else.
	case !c.newProc():
		step.A = src
	// The kernel refuses a new proc where the present one is partly covered, as in most containers
	// (mount_too_revealing, fs/namespace.c).
	case fallback == tree.BindOuter:
		step.A, step.Flags = src, plan.FlagOrBind
	case fallback == tree.Empty:
		step.Flags = plan.FlagOrNone
	}
	// Root outside owns the files that act on the machine, whatever namespace it is in. Where it is
	// another user, the acting side asks whether they can be written.
	if c.Facts.UID == 0 {
		step.Flags |= plan.FlagCover
	}
	c.step(step)
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
func (c *Compiler) dev(it *flat.Item, src uint32) {
	dst := c.Text.At(it.B)
	// First, since all that follows lies on it.
	c.mount(plan.MountTmpfs, c.box(dst, ""), 0o755, bindParents)
	for i := range devices {
		at := c.inDev(dst, devices[i])
		// A device node cannot be made in a user namespace (mknod(2), EPERM), so it is bound.
		c.bind(src+uint32(i), at, tree.WithDevice)
	}
	for i := range devLinks {
		c.step(plan.Step{Op: plan.OpSymlink, A: c.constant(devLinks[i].target), B: c.box(dst, devLinks[i].name), E: dirParents})
	}
	// 0755, as with bwrap: it belongs to the payload's uid.
	c.step(plan.Step{Op: plan.OpDir, B: c.box(dst, "/shm"), D: 0o755, E: dirParents})
	c.step(plan.Step{Op: plan.OpDir, B: c.box(dst, "/pts"), D: 0o755, E: dirParents})
	// A new instance: the terminals of the host stay out of reach.
	c.mount(plan.MountDevpts, c.box(dst, "/pts"), 0, dirParents)
	// The ptmx of this instance; the device node of the host's /dev might lead to the host's.
	c.step(plan.Step{Op: plan.OpSymlink, A: c.constant("pts/ptmx"), B: c.box(dst, "/ptmx"), E: dirParents})
	if c.Facts.Tty {
		c.bind(src+uint32(len(devices)), c.box(dst, "/console"), tree.WithDevice)
	}
}

// inDev returns a name below the small /dev.
func (c *Compiler) inDev(dst []byte, name string) uint32 {
	at := c.box(dst, "/")
	c.used.arena-- // the NUL
	c.constant(name)
	return at
}

// becomeInGiven switches to --uid and --gid inside a given user namespace, whose maps are
// not known here. The caller's own number may mean "as I am": where the namespace does not
// map it, the process keeps the id that it has there.
func (c *Compiler) becomeInGiven() {
	ids := &c.Spec.IDs
	if gid := ids[flat.GID]; gid.Given { // first: it takes a capability
		c.become1(plan.Step{Op: plan.OpBecome, A: plan.SameID, B: gid.N}, gid.N == c.Facts.GID)
	}
	if uid := ids[flat.UID]; uid.Given {
		c.become1(plan.Step{Op: plan.OpBecome, A: uid.N, B: plan.SameID}, uid.N == c.Facts.UID)
	}
}

// become1 appends a switch to one id; own: it is the caller's number.
func (c *Compiler) become1(s plan.Step, own bool) {
	// FlagTry: EINVAL, for an id that is not mapped, is not a fault then.
	if own {
		s.Flags = plan.FlagTry
	}
	c.step(s)
}
