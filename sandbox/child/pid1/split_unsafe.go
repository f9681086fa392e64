package pid1

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process, and from the fork on in init and in the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/placeholder"
	"github.com/gobwrap/gobwrap/sandbox/child/landlock"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/payload"
	"golang.org/x/sys/unix"
)

// Split forks the payload off and turns this process into the reaper. The payload
// waits until init has nothing left that it could take: no descriptor but the feed, the
// locks and the sync fds, and is out of the payload's reach.
func Split(p plan.View) {
	launch.Acting.Step = plan.NoStep
	// Shared memory survives the fork as one page that both see (mmap(2),
	// MAP_SHARED|MAP_ANONYMOUS).
	r := raw.Call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if e := raw.Errno(r); e != 0 {
		launch.Acting.End(step.Failed(e, plan.SubPlan))
	}
	g := (*startBarrier)(raw.Mapped(r))
	payload.CutBoundingOfBoth(p)
	scopeBoth(p)
	mine := raw.Getpid()
	pid := launch.Fork(0, p)
	if e := raw.Errno(pid); e != 0 {
		launch.Acting.End(step.Failed(e, plan.SubClone))
	}
	if pid == 0 {
		// From here on the parent to outlive is init; the feed becomes init's alone.
		launch.Acting.Parent = mine
		end := launch.Feed.Child
		launch.Feed.Child = 0
		closeHeld()
		launch.DieWithParent()
		awaitStart(p, g)
		launch.SendBegun(end)
		raw.Close(end)
		return
	}
	run(p, pid, g)
}

// startBarrier is the start barrier, a page that init and payload share until the payload's exec. Init
// writes to it without a system call, which its filters might refuse by then.
type startBarrier struct {
	state uint32 // barrierShut, barrierOpen, barrierBroken
	errno uint32 // why the filter of a barrierBroken could not be installed
	step  uint32
}

const (
	barrierShut = iota
	barrierOpen
	barrierBroken
)

// scopeBoth restricts this process and the payload to one Landlock domain: within it the
// payload may signal init, and look at it as far as lockDown permits, as if there were none.
func scopeBoth(p plan.View) {
	for i := p.Setup; i < p.Steps; i++ {
		s := p.Step(i)
		if s.Op != plan.OpFence {
			continue
		}
		launch.Acting.Step = i
		if e := landlock.EnterScopes(p, s); e != 0 {
			launch.Acting.End(step.Main(e))
		}
		launch.Acting.Step = plan.NoStep
	}
}

// awaitStart waits at the start barrier. Init is busy for some ten microseconds, and cannot wake us
// where a filter may refuse it the call. If it dies we die with it.
func awaitStart(p plan.View, g *startBarrier) {
	woken := usesFutex(p)
	for raw.Load(&g.state) == barrierShut {
		if woken {
			r := raw.Call(unix.SYS_FUTEX, raw.Addr(unsafe.Pointer(&g.state)), futexWait, barrierShut, 0, 0, 0)
			e := raw.Errno(r)
			woken = e == 0 || e == unix.EAGAIN || e == unix.EINTR
			continue
		}
		raw.Nap(2e4)
	}
	if raw.Load(&g.state) == barrierBroken {
		launch.Acting.Step = g.step
		launch.Acting.End(step.Failed(unix.Errno(g.errno), plan.SubMain))
	}
}

// Operations of futex(2).
const (
	futexWait = 0
	futexWake = 1
)

// usesFutex reports whether init wakes the payload's process: no filter is in force, the caller's
// or one of the payload's.
func usesFutex(p plan.View) bool {
	for i := p.Setup; i < p.Steps; i++ {
		if p.Step(i).Op == plan.OpSeccomp {
			return false
		}
	}
	return launch.Acting.Clear != 0
}

// closeHeld closes the payload's copies of the locks, which are init's.
func closeHeld() {
	for i := uint32(0); i < placeholder.Max; i++ {
		fd := placeholder.Held(&launch.Acting.State, i)
		if fd == 0 {
			return
		}
		raw.Close(fd)
	}
}
