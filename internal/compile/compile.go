package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// Compiler makes one plan. The caller fills in the exported fields.
type Compiler struct {
	// What is wanted, as the parser or package sandbox has left it. It is only read.
	Spec *flat.Spec
	// In the order in which they were given: options act in order.
	Items []flat.Item
	// What was read about the machine and the caller.
	Facts *Facts
	// The plan, with the text that words of Spec, Items and Facts name.
	emit.Parts

	header plan.Header

	// The namespace is made for this sandbox, and not joined by descriptor.
	newUser, newPID bool
	// A second user namespace maps the payload's ids back.
	nested bool
	// An init stays between the monitor and the payload.
	init bool
	// The payload's ids, as it sees them.
	insideUID uint32
	insideGID uint32
	// What they are in the first user namespace: 0 where that has only root mapped.
	outerUID uint32
	outerGID uint32
	// First slot of the environment, and how many.
	env  int
	envc int
}

// Status is the result of Run.
type Status uint8

// Statuses.
const (
	// The plan's parts are in the buffers, and Exact says whether they are the plan already.
	Done Status = iota
	// The buffers are too small: see Want. Nothing of what is in them is to be used.
	Full
	// Does $PWD (see PWD) lead to Facts.Cwd? Run begins anew with the answer.
	AskPWD
)

// Run makes the parts of the plan, in the order in which they happen. Call [Compiler.Check]
// first.
func (c *Compiler) Run() Status {
	// Nothing of an earlier run is kept: the result depends on the input alone.
	c.Used, c.header, c.Origin = emit.Used{}, plan.Header{}, 0
	// Offset 0 stands for no string.
	c.Byte(0)
	// Their slots come first, as Verify demands. The environment
	// is next: if it asks about $PWD, little was done in vain.
	c.arguments()
	if c.environment() == AskPWD {
		return AskPWD
	}
	c.namespaces()
	// Before the maps, and before the step that switches to these ids.
	c.who()
	// These steps run in a process of its own, before the first process exists.
	c.join()
	c.identity()
	// The broker, which sets it in setuid mode, ends when the old root is left.
	if c.Facts.Setuid {
		c.hostname()
	}
	c.files()
	if !c.Facts.Setuid {
		c.hostname()
	}
	c.finalIdentity()
	c.session()
	// What follows runs in the payload's process: init is split off here.
	c.header.Setup = uint32(c.Used.Steps)
	c.command()
	c.flags()
	if !c.fits() {
		return Full
	}
	return Done
}

// fits reports whether nothing was left out.
func (c *Compiler) fits() bool {
	return c.Used.Steps <= min(len(c.Steps), len(c.From)) && c.Used.Slots <= len(c.Slots) && c.Used.Arena <= len(c.Arena)
}

// Want returns the sizes of buffers that would have been large enough.
func (c *Compiler) Want() (steps, slots, arena int) { return c.Used.Steps, c.Used.Slots, c.Used.Arena }

// namespaces decides which namespaces are new.
func (c *Compiler) namespaces() {
	w := &c.Spec.Wishes
	c.newUser = c.WantsUser()
	c.newPID = w[flat.PID].IsNew()
	// Always: mounts of set-up must not be the host's.
	flags := uint32(unix.CLONE_NEWNS)
	if c.newUser {
		flags |= unix.CLONE_NEWUSER
	}
	if c.newPID {
		flags |= unix.CLONE_NEWPID
	}
	if w[flat.IPC].IsNew() {
		flags |= unix.CLONE_NEWIPC
	}
	if w[flat.Net].IsNew() {
		flags |= unix.CLONE_NEWNET
	}
	if w[flat.UTS].IsNew() {
		flags |= unix.CLONE_NEWUTS
	}
	// cgroup namespaces exist since Linux 4.6 (cgroup_namespaces(7)). clone(2) may
	// pass over a flag that it does not know, so --unshare-cgroup-try asks before.
	if w[flat.Cgroup] == flat.Want || w[flat.Cgroup] == flat.Try && c.Facts.CgroupNamespaces {
		flags |= unix.CLONE_NEWCGROUP
	}
	c.header.Clone = flags
}

// WantsUser reports whether the sandbox gets a user namespace of its own. Without root one is implied; root
// without CAP_SYS_ADMIN (a container) takes one by itself, since nothing else could work. In setuid mode there
// is one only where it is asked for, or for ids that take one.
func (c *Compiler) WantsUser() bool {
	user := c.Spec.Wishes[flat.User]
	switch {
	// That one is entered instead.
	case c.Spec.FDs[flat.JoinUser].Given():
		return false
	// The keeper makes the other namespaces with root's privilege.
	case c.Facts.Setuid:
		return user.IsNew() || c.otherIDs()
	// Without privilege the other kinds can be made in a new user namespace only (clone(2), EPERM).
	case user == flat.Want || c.Facts.UID != 0:
		return true
	// Root in a container, say: the other namespaces cannot be made without this one.
	case c.Facts.Caps>>unix.CAP_SYS_ADMIN&1 == 0:
		return true
	// Root needs none, and gets one only if it is asked for, as with bwrap.
	default:
		return user == flat.Try && c.Facts.UserNamespaces
	}
}

// otherIDs reports whether the payload is to have other ids than the caller.
func (c *Compiler) otherIDs() bool {
	id := &c.Spec.IDs
	return id[flat.UID].Given && id[flat.UID].N != c.Facts.UID || id[flat.GID].Given && id[flat.GID].N != c.Facts.GID
}

// who settles the payload's ids.
func (c *Compiler) who() {
	c.insideUID, c.insideGID = c.Facts.UID, c.Facts.GID
	// --uid and --gid are part of the maps already.
	if c.Facts.Ranges {
		c.insideUID, c.insideGID = c.Facts.RangeUID, c.Facts.RangeGID
		return
	}
	if id := c.Spec.IDs[flat.UID]; id.Given {
		c.insideUID = id.N
	}
	if id := c.Spec.IDs[flat.GID]; id.Given {
		c.insideGID = id.N
	}
}

// join enters the namespaces that must be entered before the first process exists.
func (c *Compiler) join() {
	// First, since a PID namespace that belongs to it can be entered only with its capabilities (setns(2)).
	c.setns(flat.JoinUser, unix.CLONE_NEWUSER)
	// The process that does this stays outside; what it clones afterwards is inside (pid_namespaces(7)).
	c.setns(flat.JoinPID, unix.CLONE_NEWPID)
	c.header.Join = uint32(c.Used.Steps)
}

// setns enters the namespace of an option, if it was given.
func (c *Compiler) setns(index int, kind uint32) {
	if fd := c.Spec.FDs[index]; fd.Given() {
		c.Origin = fd.From
		c.Step(plan.Step{Op: plan.OpSetns, A: uint32(fd.N()), B: kind})
		c.Origin = 0
	}
}

// identity maps the ids. A devpts instance belongs to root: where no other id than the
// payload's is mapped, root is mapped first, and a nested user namespace maps the wanted
// ids back at the end. --disable-userns sets its limit in the outer one of two as well.
func (c *Compiler) identity() {
	f := c.Facts
	// First of all, since without mapped ids no file can be made in this namespace.
	if f.Ranges {
		c.Origin = f.MapsFrom
		c.Step(plan.Step{Op: plan.OpIDMap, Flags: plan.FlagOutside, A: c.Word(f.UIDMap), B: c.Word(f.GIDMap)})
		c.Origin = 0
	}
	// Early: the pid must be known to the process that writes the
	// maps of --userns-block-fd, or reports have been asked for.
	if c.goes() && !c.lateGo() {
		c.Step(plan.Step{Op: plan.OpGo})
	}
	block := c.Spec.FDs[flat.UserBlockFD]
	c.wait(block)
	// For the keeper, which is told these, Clone, and two flags of the plan.
	c.header.UID, c.header.GID = c.insideUID, c.insideGID
	// Elsewhere the maps are there: a process outside, newuidmap or the keeper has written them.
	if c.newUser && !f.Ranges && !block.Given() && !f.Setuid {
		uid, gid := c.insideUID, c.insideGID
		// With root as the payload's id the one map does for both.
		needsRoot := c.has(tree.Dev) && (uid != 0 || gid != 0)
		// The limit of --disable-userns counts what is below the
		// namespace that it is set in, so the payload must be one deeper.
		c.nested = c.Spec.On(flat.DisableUsers) || needsRoot || c.opensDenials()
		if needsRoot {
			uid, gid = 0, 0
		}
		c.outerUID, c.outerGID = uid, gid
		c.idmap(uid, f.UID, gid, f.GID)
	}
	// After the user namespace is there: it takes CAP_SYS_ADMIN in
	// it, and in the owner of the network namespace (setns(2)).
	c.setns(flat.JoinNet, unix.CLONE_NEWNET)
}

// wait waits on the descriptor of an option, if it was given.
func (c *Compiler) wait(fd flat.FD) {
	if fd.Given() {
		c.Origin = fd.From
		// The step also closes it: it is not for the payload.
		c.Step(plan.Step{Op: plan.OpWaitFd, A: uint32(fd.N())})
	}
	c.Origin = 0
}

// goes reports whether there is an OpGo, at which the first process waits for a go-ahead when the
// namespaces exist.
func (c *Compiler) goes() bool { return c.reports() || c.Facts.Tentative }

// lateGo reports whether OpGo comes after the frame is built, when it is known what the kernel
// refuses. With --userns-block-fd it comes earlier: another process writes the maps, and learns
// from OpGo's report that the user namespace exists.
func (c *Compiler) lateGo() bool {
	return c.Facts.Tentative && !c.Spec.FDs[flat.UserBlockFD].Given()
}

// reports reports whether there are documents to write about a sandbox that has been made.
func (c *Compiler) reports() bool {
	return c.Spec.FDs[flat.InfoFD].Given() || c.Spec.FDs[flat.StatusFD].Given()
}

// idmap appends the maps of one uid and one gid. The kernel lets a process without privilege map
// its own ids alone, each to one (user_namespaces(7)).
func (c *Compiler) idmap(uid, outUID, gid, outGID uint32) {
	c.Step(plan.Step{Op: plan.OpIDMap, A: c.single(uid, outUID), B: c.single(gid, outGID)})
}

// single returns the text of a map of one id.
func (c *Compiler) single(inside, outside uint32) uint32 {
	at := c.Here()
	// "INSIDE OUTSIDE COUNT", as the kernel reads it (user_namespaces(7)), in one write.
	c.Number(inside)
	c.Byte(' ')
	c.Number(outside)
	c.Literal(" 1\n\x00")
	return at
}

// hostname appends the step that sets the host name. Check has made sure that the UTS namespace
// is new.
func (c *Compiler) hostname() {
	// An empty name is a name, which sethostname(2) takes.
	if name := c.Spec.Strs[flat.Hostname]; name.Given() {
		c.Origin = name.From
		c.Step(plan.Step{Op: plan.OpHostname, A: c.Word(name.Word)})
		c.Origin = 0
	}
}

// finalIdentity leaves the user namespace of set-up for the payload's.
func (c *Compiler) finalIdentity() {
	f := c.Facts
	if f.DropsGroups {
		// While set-up has CAP_SETGID, and before a namespace where setgroups(2) is denied.
		c.Step(plan.Step{Op: plan.OpGroups})
	}
	if c.Spec.On(flat.DisableUsers) {
		// In the namespace of set-up, whose root alone may set it; it counts all
		// namespaces below, so that the nested one is the last.
		c.Step(plan.Step{Op: plan.OpLimitUserns})
	}
	// In setuid mode the payload gets no capability, and without
	// a new user namespace nothing keeps root from unmounting.
	opens := c.newUser && !f.Setuid && c.opensDenials()
	if f.Ranges && (c.Spec.On(flat.DisableUsers) || opens) {
		c.Step(plan.Step{Op: plan.OpNest, A: c.Word(f.UIDNest), B: c.Word(f.GIDNest)})
		// The nested user namespace owns this one, so the mounts
		// that are copied into it are locked (mount_namespaces(7)).
		if opens {
			c.Step(plan.Step{Op: plan.OpUnshare, A: unix.CLONE_NEWNS})
		}
	}
	// The map that the payload keeps: back from root, or from its own ids to themselves.
	if c.nested {
		flags := uint32(unix.CLONE_NEWUSER)
		if opens {
			flags |= unix.CLONE_NEWNS
		}
		c.Step(plan.Step{Op: plan.OpUnshare, A: flags})
		c.idmap(c.insideUID, c.outerUID, c.insideGID, c.outerGID)
	}
	// --userns2: the last namespace to be entered, as with bwrap.
	c.setns(flat.FinalUser, unix.CLONE_NEWUSER)
	// In the namespace that the payload will be in, since that is what the promise is about.
	if c.Spec.On(flat.DisableUsers) || c.Spec.On(flat.AssertUsersDisabled) {
		c.Step(plan.Step{Op: plan.OpNoUserns})
	}
}

// session appends the last steps of set-up, and decides whether there is an init.
func (c *Compiler) session() {
	// Behind all that builds the sandbox: what the caller does meanwhile finds it complete.
	c.wait(c.Spec.FDs[flat.BlockFD])
	// Before init is split off: both are in the new session.
	if c.Spec.Wishes[flat.Session].IsNew() {
		c.Step(plan.Step{Op: plan.OpSetsid})
	}
	// It takes effect at the next exec, which is the payload's: init makes none (proc_pid_attr(5)).
	if l := c.Spec.Strs[flat.ExecLabel]; l.Given() {
		c.Origin = l.From
		c.Step(plan.Step{Op: plan.OpLabel, A: plan.LabelExec, B: c.Word(l.Word)})
		c.Origin = 0
	}
	for i := range c.Items {
		// Here and not with the other settings (command), so that
		// init has it as well, as the manual says of the score.
		if it := &c.Items[i]; it.Kind == flat.Setting && setting.Kind(it.N).InSetUp() {
			c.Origin = it.From
			c.Step(plan.Step{Op: plan.OpScore, A: c.Word(it.A)})
			c.Origin = 0
		}
	}
	// Locks and sync descriptors belong to a process that lives as long as the sandbox, and PID 1
	// of a namespace must reap orphans: both is init's work.
	c.init = !c.Spec.On(flat.AsPID1) && (c.newPID || c.has(flat.Lock) || c.has(flat.SyncFD))
}

// denies reports whether paths are masked or protected.
func (c *Compiler) denies() bool {
	for i := range c.Items {
		if tree.Denies(c.Items[i].Kind) {
			return true
		}
	}
	return false
}

// opensDenials reports whether the payload is to have CAP_SYS_ADMIN, with which it could unmount
// what masks or protects a path. It then gets a user namespace below the one that has made the
// mounts, and copies of these, which are locked there (mount_namespaces(7)).
func (c *Compiler) opensDenials() bool {
	return c.denies() && c.wantedCaps()>>unix.CAP_SYS_ADMIN&1 != 0
}

// wantedCaps are the capabilities that the payload is to have.
func (c *Compiler) wantedCaps() idmap.Caps {
	f := c.Facts
	want := idmap.Caps(0)
	switch {
	// Root keeps what it has, as with bwrap; everybody else begins with nothing.
	case f.UID == 0 && f.RootCaps:
		want = idmap.Caps(f.Caps)
	// A package manager as root inside gives files to other ids and switches to them.
	case f.Ranges && c.insideUID == 0:
		want = idmap.RangeCaps
	}
	return want&^idmap.Caps(c.Spec.DropCaps) | idmap.Caps(c.Spec.AddCaps)
}

// caps settles what the payload may do.
func (c *Compiler) caps() {
	f := c.Facts
	// Those of an ordinary user begin empty; in the sandbox's user namespace the first process has all of them.
	want := c.wantedCaps()
	step := plan.Step{Op: plan.OpCaps}
	// Ambient ones survive the exec of a program that is not set-user-id and has no file
	// capabilities (capabilities(7), 4.3). For root the kernel grants the permitted ones anyway.
	// With any --cap option, as bwrap does for root: what is left is inheritable and ambient.
	ambient := idmap.Caps(0)
	if c.Spec.On(flat.CapsGiven) {
		ambient = want
	}
	// The bounding set is cut where set-up has all capabilities
	// of a namespace. Root's own is left alone, as with bwrap.
	if c.newUser || c.Spec.FDs[flat.JoinUser].Given() || f.Setuid {
		step.Flags |= plan.FlagBounding
	} else if have := idmap.Caps(f.Caps); want&^have != 0 {
		// What the caller does not have cannot be added. The rest is as it would be for
		// bwrap's root after a refused capset, except for what was to be dropped.
		want &= have
		ambient = 0
	}
	// A capset that root is refused (a container that took capabilities away) is passed over, if
	// there is nothing more than was wanted.
	if f.UID == 0 {
		step.Flags |= plan.FlagLenient
	}
	step.A, step.B = want.Halves()
	step.C, step.D = want.Halves()
	step.E, step.F = ambient.Halves()
	c.Step(step)
}
