package engine

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process of the setuid mode, without privilege.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Restrict adds flags to the mount that fd is the root of.
func (r *Mounts) Restrict(fd, flags uintptr) unix.Errno {
	return r.Ask(&broker.Request{Op: broker.Restrict, A: uint64(flags) & broker.Flags}, fd, broker.None).Errno
}

// askBind is Attach. Where the kernel changes the flags of one mount at a time (ChooseEngine), a tree is bound
// to a private directory or file on the frame's base first. The broker adds the flags to its topmost mount, and
// with MS_RDONLY makes the tree private, so that no mount comes in while mountinfo is read. Then the mounts
// below get their flags, and the result is bound to its destination: a bind keeps the flags of what it copies.
func (r *Mounts) askBind(p plan.View, src, dst, flags uintptr) step.Fault {
	kind, e := raw.FileType(src)
	if e != 0 {
		return step.Main(e)
	}
	q := broker.Request{Op: broker.Bind, A: uint64(flags)}
	if kind == unix.S_IFDIR {
		q.B = broker.Directory
	}
	if r.Engine == step.NewCalls {
		return r.Ask(&q, src, dst)
	}
	q.B |= broker.TopOnly
	if flags == 0 {
		return r.Ask(&q, src, dst)
	}
	at := uintptr(0)
	if kind == unix.S_IFDIR {
		at, e = r.PrivateDir()
	} else {
		at = r.PrivateFile(0o600)
		e = raw.Errno(at)
	}
	if e != 0 {
		return step.Main(e)
	}
	f := r.Ask(&q, src, at)
	r.CloseSoon(at)
	if f.Is() {
		return f
	}
	var path raw.Line
	if f = r.tightenStage(p, path.Put(broker.Base+"/").Number(uintptr(r.PrivateNumber())).At(), flags); f.Is() {
		return f
	}
	top := r.OpenPrivate(0)
	if e := raw.Errno(top); e != 0 {
		return step.Main(e)
	}
	f = r.Ask(&q, top, dst)
	r.CloseSoon(top)
	return f
}
