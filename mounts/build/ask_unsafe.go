package build

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process of the setuid mode, without privilege.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Ask has the broker of the setuid mode do something. A broker that has gone has failed, and not
// what it was asked for.
func (r *Root) Ask(q *broker.Request, fd, fd2 uintptr) step.Fault {
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

// askFS is mountOn for the file system of an OpMount.
func (r *Root) askFS(dst uintptr, s *plan.Step) step.Fault {
	q := broker.Request{Op: broker.FS, A: broker.Mqueue}
	switch s.A {
	case plan.MountTmpfs:
		q.A, q.B, q.C = broker.Tmpfs, uint64(s.D), uint64(s.F)|uint64(s.G)<<32
	case plan.MountDevpts:
		q.A = broker.Devpts
	}
	return r.Ask(&q, dst, broker.None)
}

// restrict adds flags to the mount that fd is the root of.
func (r *Root) restrict(fd, flags uintptr) unix.Errno {
	return r.Ask(&broker.Request{Op: broker.Restrict, A: uint64(flags) & broker.Flags}, fd, broker.None).Errno
}

// askForFrame is makeFrame. The host's tree is not this process's root any more then, and no host
// path is looked up by the kernel.
func (r *Root) askForFrame() step.Fault {
	if f := r.Ask(&broker.Request{Op: broker.Root}, broker.None, broker.None); f.Is() {
		switch f.Sub {
		case plan.SubMain:
			f.Sub = plan.SubTmpfs
		case plan.SubRemount: // not in this request
			f.Sub = plan.SubPivot
		}
		return f
	}
	r.apart = noChroot
	base := raw.Openat(raw.AtCwd, raw.Text(broker.Base+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(base); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.base = r.Above(base)
	return step.Fault{}
}

// askBind is attach. What is not done by the newer calls for want of one, or because a filter
// refuses it, is done by the older ones from then on.
func (r *Root) askBind(p plan.View, src, dst, flags uintptr) step.Fault {
	f := r.Ask(&broker.Request{Op: broker.Bind, A: uint64(flags)}, src, dst)
	if f.Sub == plan.SubMain && (f.Errno == unix.EPERM || f.Errno == unix.ENOSYS) {
		r.Engine = ClassicCalls
		f = r.askClassic(p, src, dst, flags)
	}
	return f
}

// askToLeave is leaveOldRoot. The broker is gone when it returns.
func (r *Root) askToLeave() step.Fault {
	root := r.newRoot()
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
		raw.Hears(r.Broker) // its end
	}
	raw.Close(r.Broker)
	r.Broker = 0
	return f
}
