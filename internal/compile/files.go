package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// files builds the root: first the sources, so that nothing has been changed when one is
// missing, then the frame, the operations in their order, and the change of root. A new
// network namespace gets its loopback interface before.
func (c *Compiler) files() {
	if c.Spec.Wishes[flat.Net].IsNew() {
		// It takes CAP_NET_ADMIN in the user namespace that owns
		// the network namespace: the nested one has none there.
		c.Step(plan.Step{Op: plan.OpLoopback})
	}
	// Before anything is mounted: in a shared mount a tmpfs would show on the host as well.
	c.Step(plan.Step{Op: plan.OpSlave})
	m := tree.Maker{
		Parts: &c.Parts, Tty: c.Facts.Tty, Root: c.Facts.UID == 0, Fallback: tree.Fallback(c.Spec.Numbers[flat.Fallback]), Label: c.Spec.Strs[flat.FileLabel].Word,
		NewProc: c.newPID || c.Spec.FDs[flat.JoinPID].Given(),
	}
	// The sources, in the order of the items. All are opened before the first operation runs, as with bwrap.
	first := c.Used.Steps
	for i := range c.Items {
		c.Origin = c.Items[i].From
		m.Sources(&c.Items[i])
	}
	c.Origin = 0
	// Behind the sources and in front of the frame: what is looked up is looked up as the caller,
	// what is made belongs to the payload.
	c.become()
	c.labelNew(true)
	// From here on "/" is the frame, and paths of the host mean nothing.
	c.Step(plan.Step{Op: plan.OpRoot})
	if c.goes() && c.lateGo() {
		c.Step(plan.Step{Op: plan.OpGo})
	}
	// Each operation is told which of the sources are its own: they stand in the same order.
	src := uint32(first)
	for i := range c.Items {
		it := &c.Items[i]
		c.Origin = it.From
		// In the order given: a later operation may lie on or below an earlier one.
		m.Make(it, src)
		src += m.SourceCount(it)
	}
	c.Origin = 0
	// What the new root does not show is out of reach from here on.
	c.Step(plan.Step{Op: plan.OpPivot})
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
		label = c.Word(l.Word)
	}
	c.Step(plan.Step{Op: plan.OpLabel, A: plan.LabelNew, B: label})
}

// become switches to the payload's ids, if it has others than the caller: all that is made
// belongs to the payload, and all sources are looked up by the caller.
func (c *Compiler) become() {
	switch {
	case c.Spec.FDs[flat.JoinUser].Given():
		c.becomeInGiven()
	case c.Facts.Becomes:
		c.Step(plan.Step{Op: plan.OpBecome, A: c.insideUID, B: c.insideGID})
	}
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
	c.Step(s)
}
