package frame

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Ask has the broker of the setuid mode do something. A broker that has gone has failed, and not
// what it was asked for.
func (r *Frame) Ask(q *broker.Request, fd, fd2 uintptr) step.Fault {
	// EPIPE, ECONNRESET: the other end of the socket is closed.
	answer := broker.Ask(r.Broker, q, fd, fd2)
	e := unix.Errno(answer &^ broker.FailedFlags)
	switch {
	case e == unix.EPIPE || e == unix.ECONNRESET:
		return step.Failed(e, plan.SubKeeper)
	case answer&broker.FailedFlags != 0:
		return step.Failed(e, plan.SubRemount)
	}
	return step.Main(e)
}

// askForFrame is MakeFrame in setuid mode. The host's tree is not this process's root any more then,
// and no host path is looked up by the kernel.
func (r *Frame) askForFrame() step.Fault {
	if f := r.Ask(&broker.Request{Op: broker.Root}, broker.None, broker.None); f.Is() {
		switch f.Sub {
		case plan.SubMain:
			f.Sub = plan.SubTmpfs
		case plan.SubRemount: // not in this request
			f.Sub = plan.SubPivot
		}
		return f
	}
	// This process may not chroot, so it stays in the frame's base, and every host path from here on is
	// walked by descriptor (source.Of).
	r.Apart = NoChroot
	base := raw.Openat(raw.AtCwd, raw.Text(broker.Base+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(base); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.Base = r.Above(base)
	return step.Fault{}
}

// askToLeave is LeaveOldRoot in setuid mode. The broker is gone when it returns.
func (r *Frame) askToLeave() step.Fault {
	root := r.NewRoot()
	if e := raw.Errno(root); e != 0 {
		return step.Failed(e, plan.SubPivot)
	}
	f := r.Ask(&broker.Request{Op: broker.Pivot}, root, broker.None)
	if f.Sub == plan.SubMain && f.Is() {
		f.Sub = plan.SubPivot
	}
	if !f.Is() {
		f = step.Failed(r.Enter(root), plan.SubPivot)
	}
	r.CloseSoon(root)
	if !f.Is() {
		// The payload must not run while a process with CAP_SYS_ADMIN is connected to it.
		raw.Hears(r.Broker) // its end
	}
	raw.Close(r.Broker)
	r.Broker = 0
	return f
}
