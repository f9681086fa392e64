package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the joining process, which enters given namespaces, clones the first process, and ends.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// Join enters the given namespaces and clones the first process as the monitor's
// child. A new pid namespace below a given one can only be made from inside of that
// one: then a helper does it, whose pid the joining process says on the feed (0: no helper).
func Join(p plan.View, awaitKeeper bool) {
	launch.DieWithParent()
	launch.Acting.OpenProc()
	runSteps(p, 0, p.Join)
	helper := uintptr(0)
	// setns(2) into a PID namespace counts for children, not for the caller.
	if launch.JoinsPIDNamespace(p) && p.Clone&unix.CLONE_NEWPID != 0 {
		helper = launch.Fork(unix.CLONE_PARENT, p)
		if e := raw.Errno(helper); e != 0 {
			launch.Acting.End(step.Failed(e, plan.SubClone))
		}
		if helper == 0 {
			cloneFirst(p, awaitKeeper)
		}
	}
	raw.WriteWord(launch.Feed.Child, uint32(helper))
	if helper == 0 {
		cloneFirst(p, awaitKeeper)
	}
	raw.Exit(0)
}

// cloneFirst clones the first process as a sibling and ends. With CLONE_PARENT the monitor is the
// parent: it can wait for the first process, whose death signal is for the monitor's end, not ours.
func cloneFirst(p plan.View, awaitKeeper bool) {
	pid := launch.Fork(uintptr(p.Clone)|unix.CLONE_PARENT, p)
	if e := raw.Errno(pid); e != 0 {
		launch.Acting.End(step.Fault{Errno: e, Sub: plan.SubClone, Extra: p.Clone})
	}
	if pid == 0 {
		Run(p, awaitKeeper)
	}
	raw.Exit(0)
}
