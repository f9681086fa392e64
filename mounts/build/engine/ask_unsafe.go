package engine

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process of the setuid mode, without privilege.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Restrict adds flags to the mount that fd is the root of.
func (r *Mounts) Restrict(fd, flags uintptr) unix.Errno {
	return r.Ask(&broker.Request{Op: broker.Restrict, A: uint64(flags) & broker.Flags}, fd, broker.None).Errno
}

// askBind is attach. What is not done by the newer calls for want of one, or because a filter
// refuses it, is done by the older ones from then on.
func (r *Mounts) askBind(p plan.View, src, dst, flags uintptr) step.Fault {
	f := r.Ask(&broker.Request{Op: broker.Bind, A: uint64(flags)}, src, dst)
	if f.Sub == plan.SubMain && (f.Errno == unix.EPERM || f.Errno == unix.ENOSYS) {
		r.Engine = step.ClassicCalls
		f = r.askClassic(p, src, dst, flags)
	}
	return f
}
