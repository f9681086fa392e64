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
func (r *Root) askForFrame(p plan.View) step.Fault {
	old := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(old); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.old = r.Above(old)
	if f := r.Ask(&broker.Request{Op: broker.Root}, broker.None, broker.None); f.Is() {
		if f.Sub == plan.SubMain {
			f.Sub = plan.SubPivot
		}
		return f
	}
	r.apart = noChroot
	top := raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	base := raw.Openat(raw.AtCwd, raw.Text(broker.Base+"\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	e := raw.Errno(top)
	if e == 0 {
		e = raw.Errno(base)
	}
	if e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	r.top, r.base = r.Above(top), r.Above(base)
	newroot := raw.Text("newroot\x00")
	if e := raw.Mkdirat(r.base, newroot, 0o755); e != 0 {
		return step.Failed(e, plan.SubTmpfs)
	}
	dir := r.newRoot()
	f := r.attach(p, dir, dir, unix.MS_NOSUID|unix.MS_NODEV)
	raw.Close(dir)
	if f.Is() {
		f.Sub = plan.SubTmpfs
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
	raw.Hears(r.Broker) // its end
	raw.Close(r.Broker)
	r.Broker = 0
	return f
}
